"""E-mail goes out once; what the mail server may have taken is never sent again."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db.models.functions import Now

from notifications import send
from notifications.models import Message
from patients.models import Patient
from practices.models import Practice
from tests.notifications.conftest import texts
from tests.notifications.making import receipt, reread, walk
from tests.outside import Outside

State = Message.State
MINUTE = timedelta(minutes=1)
POST = "POST */Messages.json"
LIST = "GET */Messages.json"


def test_an_e_mail_is_handed_over_with_a_message_id_made_from_its_row(
    practice: Practice, mail_server: Outside, ana: Patient, now: datetime
) -> None:
    message = receipt(ana, now)

    assert send.send_due(practice.pk, now) == 1

    [mail] = texts(mail_server)
    assert (mail["to"], mail["subject"]) == ("ana@example.com", "Payment received: $128.60")
    assert mail["from"] == "Maple Grove Dental <payments@example.com>"
    assert reread(message).carrier_reference == f"<kasperpay-{practice.pk}-{message.pk}@testserver>"


@pytest.mark.parametrize(("kind", "state"), [("bounce", State.BLOCKED), ("defer", State.QUEUED)])
def test_a_mail_server_that_refuses_for_good_makes_a_task_and_for_now_a_delay(
    practice: Practice, mail_server: Outside, ana: Patient, now: datetime, kind: str, state: str
) -> None:
    message = receipt(ana, now)
    mail_server.http.post("/_sandbox/delivery", json={"kind": kind, "to": "ana@example.com"})

    assert send.send_due(practice.pk, now) == 0

    assert reread(message).state == state
    assert texts(mail_server) == []


def test_an_address_that_is_none_makes_a_task_and_not_a_doubt(
    practice: Practice, mail_server: Outside, ana: Patient, now: datetime
) -> None:
    message = receipt(ana, now)
    Patient.objects.update(email="ana at example")

    assert send.send_due(practice.pk, now) == 0

    assert (reread(message).state, texts(mail_server)) == (State.BLOCKED, [])
    assert "may have arrived" not in reread(message).state_reason


def test_a_mail_server_that_is_down_delays_the_e_mail(
    practice: Practice, mail_server: Outside, ana: Patient, now: datetime, settings: pytest.FixtureRequest
) -> None:
    message = receipt(ana, now)
    settings.EMAIL_PORT = 9  # type: ignore[attr-defined]

    assert send.send_due(practice.pk, now) == 0

    assert (reread(message).state, reread(message).not_before) == (State.QUEUED, now + 2 * MINUTE)


def test_an_e_mail_whose_answer_was_lost_is_left_to_staff(
    practice: Practice, mail_server: Outside, ana: Patient, now: datetime, settings: pytest.FixtureRequest
) -> None:
    message = receipt(ana, now)
    settings.EMAIL_BACKEND = "tests.notifications.making.HangsUp"  # type: ignore[attr-defined]

    walk(practice, now, minutes=10)

    assert (reread(message).state, reread(message).state_reason) == (State.BLOCKED, send.MAYBE_MAILED)
    assert reread(message).sends == 1


def test_an_e_mail_held_by_a_killed_worker_is_left_to_staff(
    practice: Practice, mail_server: Outside, ana: Patient, now: datetime
) -> None:
    message = receipt(ana, now)
    Message.objects.update(state=State.SENDING, claimed_at=Now() - timedelta(minutes=3), sends=1)

    walk(practice, now, minutes=3)

    assert reread(message).state == State.BLOCKED
    assert texts(mail_server) == []
