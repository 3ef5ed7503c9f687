"""Payments: the list with its filters and queue, one try, the receipt, a patient's Payments tab."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from payments.models import Alarm, LedgerPosting
from practices.models import Event, Practice
from tests import factories
from tests.staff import making
from tests.staff.conftest import DRAWER, HTMX
from tests.staff.test_plans_tab import counts, text


@pytest.fixture
def scene(practice: Practice) -> SimpleNamespace:
    """One paid and posted, one declined, one paid and refused by Open Dental, one of unknown outcome."""
    made = making.scene(practice)
    installment = factories.InstallmentFactory.create(plan=made.plan, status="PAID", collected_cents=128_60)
    part = factories.DuePartFactory.create(installment=installment, state="PAID")
    success = making.attempt(part, "SUCCEEDED", at=datetime(2026, 3, 10, 14, 0, tzinfo=UTC))
    made.refused = making.payment(success, posting="REFUSED", state_reason="Open Dental refused it: no such plan")
    open_part = factories.DuePartFactory.create(installment=factories.InstallmentFactory.create(plan=made.plan))
    made.unknown = making.attempt(open_part, "UNKNOWN")
    return made


def test_filters_count_what_they_show(desk: Client, scene: SimpleNamespace) -> None:
    assert counts(desk.get("/payments/").content.decode()) == {
        "All": 4, "Paid": 2, "Declined": 1, "In flight": 1, "Not charged": 0, "Refunds": 0, "Needs posting": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "chips"),
    [
        ("", ["Paid", "Outcome unknown", "Declined", "Paid"]),
        ("filter=paid", ["Paid", "Paid"]),
        ("filter=declined", ["Declined"]),
        ("filter=in_flight", ["Outcome unknown"]),
        ("filter=not_taken", []),
        ("filter=refunds", []),
        ("filter=nonsense", ["Paid", "Outcome unknown", "Declined", "Paid"]),
        ("q=sample", ["Paid", "Outcome unknown", "Declined", "Paid"]),
        ("q=nobody", []),
    ],
)
def test_the_list_shows_newest_first(desk: Client, scene: SimpleNamespace, query: str, chips: list[str]) -> None:
    page = desk.get(f"/payments/?{query}").content.decode()

    assert re.findall(r"</svg>(Paid|Declined|Outcome unknown)</span>", page) == chips


def test_a_posting_is_found_by_its_reference(desk: Client, scene: SimpleNamespace) -> None:
    reference = scene.refused.postings.get().reference

    page = desk.get("/payments/", {"q": reference.lower()}).content.decode()

    assert page.count("<tr") == 2


def test_what_needs_posting_says_why(desk: Client, scene: SimpleNamespace) -> None:
    page = text(desk.get("/payments/?filter=posting", follow=True).content.decode())

    assert "Refused by Open Dental Open Dental refused it: no such plan Put right what Open Dental objects to" in page


def test_the_total_adds_up_what_was_taken(desk: Client, scene: SimpleNamespace) -> None:
    making.refund(scene.payment, 28_60)
    making.refund(scene.payment, 1_00, "FAILED")

    totals = {name: text(desk.get(f"/payments/?filter={name}").content.decode()) for name in ("all", "paid", "refunds")}

    assert "$257.20 taken in 2 payments, $28.60 given back in 1 refund, $228.60 net" in totals["all"]
    assert "$257.20 taken in 2 payments, $0.00 given back in 0 refunds, $257.20 net" in totals["paid"]
    assert "$0.00 taken in 0 payments, $28.60 given back in 1 refund, −$28.60 net" in totals["refunds"]
    assert "$0.00 taken in 0 payments" in text(desk.get("/payments/?filter=declined").content.decode())


def test_everything_posted_is_said_as_good_news(desk: Client, practice: Practice) -> None:
    making.scene(practice)

    assert "Everything is posted" in desk.get("/payments/needs-posting/").content.decode()


def test_an_alarm_stands_on_top_until_it_is_closed(desk: Client, scene: SimpleNamespace, now: datetime) -> None:
    Alarm.raise_once(
        scene.plan.practice_id, kind="CONTRADICTION", key="k", text="We hold Declined, the processor says Succeeded",
        about={"attempt": scene.attempt.pk}, now=now,
    )  # fmt: skip

    assert "We hold Declined, the processor says Succeeded" in desk.get("/payments/").content.decode()
    Alarm.objects.update(closed_at=now)
    assert "We hold Declined" not in desk.get("/payments/").content.decode()


def test_the_badge_counts_what_waits_for_a_person(desk: Client, scene: SimpleNamespace, now: datetime) -> None:
    Alarm.raise_once(scene.plan.practice_id, kind="X", key="k", text="Look", about={}, now=now)

    assert ">2<span" in desk.get("/payments/badge/", headers=HTMX).content.decode()


def test_more_payments_cost_no_more_queries(desk: Client, scene: SimpleNamespace) -> None:
    desk.get("/payments/")
    with CaptureQueriesContext(connection) as few:
        desk.get("/payments/")
    for _ in range(10):
        making.paid(factories.InstallmentFactory.create(plan=scene.plan))

    with CaptureQueriesContext(connection) as many:
        desk.get("/payments/")

    assert len(many) == len(few)


def test_an_empty_practice_is_taught(desk: Client) -> None:
    assert "No payments yet" in desk.get("/payments/").content.decode()


def test_one_try_shows_facts_and_its_timeline(desk: Client, scene: SimpleNamespace, now: datetime) -> None:
    Event.record(
        scene.plan.practice_id, kind="attempt_declined", actor="autopay", now=now, about={"attempt": scene.attempt.pk},
        text="Declined: insufficient funds",
    )  # fmt: skip

    page = text(desk.get(f"/payments/attempts/{scene.attempt.pk}/", headers=DRAWER).content.decode())

    assert "$128.60 on Visa 4242" in page
    assert "Payer Ana Sample-Ortiz For Plan 169 of Ana Sample-Ortiz, due yesterday Try 1" in page
    assert "Declined insufficient funds" in page
    assert "Declined: insufficient funds just now · Autopay" in page


def test_a_paid_try_shows_its_reference_in_open_dental(desk: Client, scene: SimpleNamespace) -> None:
    page = text(desk.get(f"/payments/attempts/{scene.payment.attempt_id}/").content.decode())

    assert "Posted to Open Dental as payment 56734 and read back." in page
    assert LedgerPosting.objects.get(payment=scene.payment).reference in page


def test_the_way_of_a_payment_into_open_dental_is_told_in_words(
    desk: Client, scene: SimpleNamespace, now: datetime
) -> None:
    notes = {"sending": "CHARGE_ROWS", "posted": "PayNum 56734", "matched": "", "refused": "The account is locked"}
    for state, note in notes.items():
        Event.record(
            scene.plan.practice_id, kind=f"posting_{state}", actor="poster", now=now, text=note,
            about={"payment": scene.payment.pk},
        )  # fmt: skip

    page = text(desk.get(f"/payments/attempts/{scene.payment.attempt_id}/", headers=DRAWER).content.decode())

    assert "Being sent to Open Dental just now · Posting to Open Dental" in page
    assert "Recorded in Open Dental: PayNum 56734 just now" in page
    assert "Read back from Open Dental, and it matches just now" in page
    assert "Open Dental refused it: The account is locked just now" in page
    assert "CHARGE_ROWS" not in page


def test_the_history_of_an_installment_lists_every_try(desk: Client, scene: SimpleNamespace) -> None:
    making.attempt(scene.part, "NOT_TAKEN", reason="The processor is throttling")

    page = text(desk.get(f"/installments/{scene.installment.pk}/history/").content.decode())

    assert "$128.60 was not charged to Visa 4242. Declined: insufficient funds." in page
    assert "$128.60 was not charged: The processor is throttling." in page


def test_the_receipt_has_all_a_patient_needs_and_no_card_number(desk: Client, scene: SimpleNamespace) -> None:
    page = text(desk.get(f"/payments/{scene.payment.pk}/receipt/").content.decode())

    assert "Maple Grove Dental (555) 555-0100" in page
    assert "Paid on Mar 9, 2026 Paid by Ana Sample-Ortiz Paid with Visa ending in 4242" in page
    assert f"Reference {scene.posting.reference}" in page
    assert "For Ana Sample-Ortiz For Amount Payment plan of Feb 1, 2026, payment due Feb 10, 2026 $128.60" in page
    assert "Paid $128.60 Left to pay on the plan, as of Mar 10, 2026 $385.80" in page


def test_a_patient_s_tab_shows_what_they_paid_for_others_too(desk: Client, practice: Practice) -> None:
    scene = making.scene(practice)
    stranger = making.patient(practice, pat_num=5)

    mine = desk.get(f"/communication/{scene.patient.pk}/payments/").content.decode()
    theirs = desk.get(f"/communication/{stranger.pk}/payments/").content.decode()

    assert mine.count('data-tone="good"') == 2
    assert "2 in all" in mine
    assert "No payments yet" in theirs
