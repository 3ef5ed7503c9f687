"""What waits for a person on the Payments page, and the buttons that end the waiting."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from opendental import tasks
from payments.models import Alarm, LedgerPosting
from practices.models import Event, Practice
from tests.staff import making
from tests.staff.conftest import SignIn


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
    assert f"/payments/postings/{stuck.pk}/look-again/" in biller.get("/payments/?filter=posting").content.decode()

    answer = biller.post(f"/payments/postings/{stuck.pk}/look-again/")

    stuck.refresh_from_db()
    assert (answer["Location"], stuck.state, woken) == ("/payments/?filter=posting", "UNCLEAR", [practice.pk])
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
    page = desk.get("/payments/?filter=posting").content.decode()

    assert "The lock date is later." in page
    assert "look-again" not in page
    assert "/close/" not in page
    assert desk.post(f"/payments/alarms/{alarm.pk}/close/").status_code == 403
    assert desk.post(f"/payments/postings/{stuck.pk}/look-again/").status_code == 403
