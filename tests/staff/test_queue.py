"""What waits for a person on the Payments page, and the buttons that end the waiting."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from opendental import adopt, tasks
from opendental.models import Connection
from payments.models import Alarm, LedgerPosting
from practices.models import Event, Practice
from tests import factories
from tests.staff import making
from tests.staff.conftest import DRAWER, SignIn
from tests.staff.test_plans_tab import counts, text

QUEUE = "/payments/needs-posting/"


@pytest.fixture
def stuck(practice: Practice) -> LedgerPosting:
    """A posting that Open Dental refused; it was sent once."""
    posting: LedgerPosting = making.scene(practice).posting
    LedgerPosting.objects.filter(pk=posting.pk).update(
        state="REFUSED", state_reason="The lock date is later.", sends=1, pay_num=None
    )
    posting.refresh_from_db()
    return posting


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Practices whose poster was woken."""
    calls: list[int] = []
    monkeypatch.setattr(tasks.post_one, "delay", lambda *, practice_id: calls.append(practice_id))
    return calls


@pytest.fixture
def alarm(practice: Practice, now: datetime) -> Alarm:
    return Alarm.objects.create(
        practice=practice, kind="CHARGE_RUN_MISSED", key="run", text="The office's charge run was missed", opened_at=now
    )


def test_a_refused_posting_is_searched_for_before_it_is_sent_again(
    sign_in: SignIn, practice: Practice, stuck: LedgerPosting, woken: list[int]
) -> None:
    biller = sign_in("BILLER")
    assert f"/payments/postings/{stuck.pk}/look-again/" in biller.get(QUEUE).content.decode()

    answer = biller.post(f"/payments/postings/{stuck.pk}/look-again/")

    stuck.refresh_from_db()
    assert (answer["Location"], stuck.state, woken) == (QUEUE, "UNCLEAR", [practice.pk])
    assert Event.objects.filter(kind="posting_looked_at_again").count() == 1


def test_a_posting_that_does_not_wait_for_a_person_is_left_alone(
    sign_in: SignIn, practice: Practice, woken: list[int]
) -> None:
    posting = making.scene(practice).posting

    sign_in("BILLER").post(f"/payments/postings/{posting.pk}/look-again/")

    posting.refresh_from_db()
    assert (posting.state, woken) == ("MATCHED", [])
    assert Event.objects.filter(kind="posting_looked_at_again").count() == 0


def test_an_alarm_is_closed_by_name_and_stays_in_the_log(sign_in: SignIn, alarm: Alarm) -> None:
    biller = sign_in("BILLER")
    assert "The office&#x27;s charge run was missed" in biller.get("/payments/").content.decode()

    biller.post(f"/payments/alarms/{alarm.pk}/close/")
    biller.post(f"/payments/alarms/{alarm.pk}/close/")

    alarm.refresh_from_db()
    assert alarm.closed_at is not None
    assert alarm.closed_by.startswith("user:")
    assert Event.objects.filter(kind="alarm_closed").count() == 1
    assert "charge run was missed" not in biller.get("/payments/").content.decode()


def test_the_front_desk_sees_what_waits_without_the_buttons(desk: Client, stuck: LedgerPosting, alarm: Any) -> None:
    page = desk.get(QUEUE).content.decode()

    assert "The lock date is later." in page
    assert "look-again" not in page
    assert "/close/" not in page
    assert desk.post(f"/payments/alarms/{alarm.pk}/close/").status_code == 403
    assert desk.post(f"/payments/postings/{stuck.pk}/look-again/").status_code == 403
    assert desk.post(f"/payments/postings/{stuck.pk}/by-hand/", {"reason": "Because I say so"}).status_code == 403


def posting_in(scene: Any, state: str, **fields: Any) -> LedgerPosting:
    """One more payment of the plan whose posting is in this state."""
    taken = making.paid(factories.InstallmentFactory.create(plan=scene.plan))
    LedgerPosting.objects.filter(payment=taken).update(state=state, pay_num=None, **fields)
    return LedgerPosting.objects.get(payment=taken)


def test_the_queue_has_people_first_then_the_oldest_and_counts_each_kind(
    biller: Client, practice: Practice, now: datetime
) -> None:
    scene = making.scene(practice)
    states = ["QUEUED", "UNCLEAR", "REFUSED", "MISMATCH", "MARKED", "WITHDRAWN"]
    for minute, state in enumerate(states):
        posting_in(scene, state, created_at=now - timedelta(minutes=30 - minute), sends=1)
    posting_in(scene, "QUEUED", created_at=now - timedelta(minutes=9))

    page = biller.get(QUEUE).content.decode()

    assert counts(page) == {
        "All open": 5, "Waits for you": 2, "Late": 2, "On its way": 3, "Posted by hand, not read back": 1,
    }  # fmt: skip
    chips = re.findall(r'<span class="chip" data-tone="\w+">.*?</svg>(.+?)</span>', page)
    assert chips == [
        "Refused by Open Dental", "Open Dental differs", "Not posted yet", "Late", "Looking in Open Dental", "Late",
        "Not posted yet",
    ]  # fmt: skip
    assert "$643.00 in 5 postings" in text(page)
    assert page.count(">Post now</button>") == 2
    assert page.count(">Look again</button>") == 2
    assert "Needs posting 5" in text(biller.get("/payments/").content.decode())


def test_post_now_brings_only_the_next_look_forward(
    biller: Client, practice: Practice, woken: list[int], now: datetime
) -> None:
    scene = making.scene(practice)
    later = now + timedelta(minutes=5)
    queued, unclear = (posting_in(scene, state, next_at=later) for state in ("QUEUED", "UNCLEAR"))

    for posting in (queued, unclear):
        assert biller.post(f"/payments/postings/{posting.pk}/post-now/")["Location"] == QUEUE

    for posting in (queued, unclear):
        posting.refresh_from_db()
    assert (queued.state, queued.next_at, unclear.state, unclear.next_at) == ("QUEUED", now, "UNCLEAR", later)
    assert woken == [practice.pk]
    assert Event.objects.filter(kind="posting_hurried").count() == 1


def test_a_posting_is_marked_with_a_reason_stays_listed_and_can_be_taken_back(
    biller: Client, stuck: LedgerPosting, woken: list[int]
) -> None:
    address = f"/payments/postings/{stuck.pk}/by-hand/"
    assert "Nothing is compared." in biller.get(address, headers=DRAWER).content.decode()
    for reason in ("", " ", "abcd"):
        assert biller.post(address, {"reason": reason}).status_code == 422
    stuck.refresh_from_db()
    assert (stuck.state, Event.objects.filter(kind="posting_marked").count()) == ("REFUSED", 0)

    assert biller.post(address, {"reason": "Part of the deposit of 62"})["Location"] == QUEUE

    stuck.refresh_from_db()
    assert (stuck.state, stuck.state_reason, woken) == ("MARKED", "Part of the deposit of 62", [])
    assert Event.objects.get(kind="posting_marked").actor.startswith("user:")
    assert "Everything is posted" in biller.get(QUEUE).content.decode()
    marked = biller.get(f"{QUEUE}?filter=marked").content.decode()
    assert "By hand, not read back" in marked
    assert "Posted by hand as staff say, not read back: Part of the deposit of 62" in text(
        biller.get(f"/payments/attempts/{stuck.payment.attempt_id}/").content.decode()
    )
    assert "does not wait for a person" in biller.get(address).content.decode()

    biller.post(f"{address}take-back/")
    biller.post(f"{address}take-back/")

    stuck.refresh_from_db()
    assert stuck.state == "REFUSED"
    assert Alarm.objects.filter(kind="POSTING_REFUSED", closed_at=None).count() == 1
    assert Event.objects.filter(kind="posting_unmarked").count() == 1


def test_a_payment_number_is_compared_before_it_is_believed(
    biller: Client, practice: Practice, stuck: LedgerPosting, woken: list[int], monkeypatch: pytest.MonkeyPatch,
    now: datetime,
) -> None:  # fmt: skip
    address = f"/payments/postings/{stuck.pk}/payment-number/"
    assert "Compare and use it" in biller.get(address, headers=DRAWER).content.decode()
    for typed, words in (("", "Enter the number."), ("abc", "digits only"), ("7", "Open Dental is not connected")):
        answer = biller.post(address, {"pay_num": typed})
        assert (answer.status_code, words in answer.content.decode()) == (422, True)
    Connection.objects.create(
        practice=practice, base_url="http://127.0.0.1:9", developer_key="d", customer_key="c", mode="REMOTE",
        connected_at=now, version="25.4.12.0", permissions=["ApiPayments"], pay_type_num=12,
    )  # fmt: skip
    differs = "PayNum 7 is $1.00, this posting $128.60."
    believed = [adopt.UnableToAdopt(differs), None]

    def compare(*_: Any) -> None:
        if (problem := believed.pop(0)) is not None:
            raise problem

    monkeypatch.setattr(adopt, "_refuse_unless_ours", compare)
    assert differs in biller.post(address, {"pay_num": "7"}).content.decode()
    stuck.refresh_from_db()
    assert (stuck.state, woken) == ("REFUSED", [])

    assert biller.post(address, {"pay_num": "7"})["Location"] == QUEUE
    stuck.refresh_from_db()
    assert (stuck.state, stuck.pay_num, woken) == ("POSTED", 7, [practice.pk])


def test_a_refund_that_staff_enter_stands_in_the_queue_with_its_steps(
    biller: Client, practice: Practice, woken: list[int], now: datetime
) -> None:
    scene = making.scene(practice)
    refund = making.refund(scene.payment, 28_60)
    posting = LedgerPosting.objects.create(
        practice=practice, payment=scene.payment, patient=scene.patient, plan=scene.plan, amount_cents=-28_60,
        movement="REFUND", refund=refund, state="BY_HAND", route="BY_HAND", created_at=now,
        next_at=now + timedelta(minutes=15),
    )  # fmt: skip
    Alarm.raise_once(
        practice.pk, kind="REFUND_BY_HAND", key=f"refund-by-hand:{refund.pk}", text="Enter −$28.60 there.", about={},
        now=now,
    )  # fmt: skip

    page = text(biller.get(QUEUE).content.decode())
    biller.post(f"/payments/postings/{posting.pk}/look-again/")

    assert "Refund, plan 169 Staff enter it Enter −$28.60 there." in page
    posting.refresh_from_db()
    assert (posting.state, posting.next_at, woken) == ("BY_HAND", now, [practice.pk])


def test_a_discount_that_is_not_in_the_ledger_waits_with_its_steps_and_verbs(
    sign_in: SignIn, practice: Practice, woken: list[int]
) -> None:
    row = making.adjustment(making.scene(practice).payment, state_reason="The type takes off no more.")
    biller, here = sign_in("BILLER"), f"/payments/adjustments/{row.pk}/"
    page = biller.get(QUEUE).content.decode()
    assert counts(page)["Waits for you"] == 1
    assert f"one adjustment of −$3.00 attached to procedure 11, its note beginning with {row.reference}" in text(page)
    assert biller.post(f"{here}look/", follow=True).status_code == 200
    assert "Without a reason" in biller.post(f"{here}by-hand/", {"reason": ""}).content.decode()
    biller.post(f"{here}by-hand/", {"reason": "In the deposit of May"})
    row.refresh_from_db()
    assert (row.state, counts(biller.get(QUEUE).content.decode())["All open"]) == ("MARKED", 0)
    assert "In the deposit of May" in text(biller.get(f"{QUEUE}?filter=marked").content.decode())
    biller.post(f"{here}by-hand/take-back/")
    assert Alarm.objects.get(kind="ADJUSTMENT_BY_HAND", closed_at=None).text.startswith(
        "A cash discount does not stand"
    )
    biller.post(f"{here}again/")
    row.refresh_from_db()
    assert (row.state, woken) == ("UNCLEAR", [practice.pk] * 3)
    assert "does not wait for that any more" in text(biller.post(f"{here}again/", follow=True).content.decode())
    assert sign_in("AUDITOR").post(f"{here}look/").status_code == 403
