"""Communication → patient → Messages."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from notifications.models import Message
from patients.models import Patient
from practices.models import Practice
from tests.staff import making
from tests.staff.test_plans_tab import text


@pytest.fixture
def ana(practice: Practice) -> Patient:
    return making.patient(practice, pat_num=72)


def queue(ana: Patient, now: datetime, **fields: Any) -> Message:
    known = {
        "kind": "PAYMENT_FAILED", "channel": "SMS", "to": "+15555550142", "state": "DELIVERED", "sent_at": now,
        "body": f"Maple Grove Dental: fix it: {Message.LINK_MARK} Reply STOP to opt out.", "not_before": now,
        "created_at": now, "dedupe_key": uuid.uuid4().hex,
    }  # fmt: skip
    return Message.objects.create(practice=ana.practice, patient=ana, **{**known, **fields})


def tab(client: Client, ana: Patient) -> str:
    return text(client.get(f"/communication/{ana.pk}/messages/").content.decode())


def test_a_message_shows_channel_state_and_text_without_its_secret(desk: Client, ana: Patient, now: datetime) -> None:
    message = queue(ana, now, link_nonce=uuid.uuid4())

    page = tab(desk, ana)

    assert "Delivered Failed payments text to (555) 555-0142 sent just now" in page
    assert "Maple Grove Dental: fix it: [secure link] Reply STOP to opt out." in page
    assert Message.LINK_MARK not in page
    assert f"the code on their page is {message.spoken_code}" in page


def test_a_message_without_a_link_has_no_code(desk: Client, ana: Patient, now: datetime) -> None:
    queue(ana, now)

    assert "the code on their page" not in tab(desk, ana)


def test_a_waiting_message_says_when_it_goes_out(desk: Client, ana: Patient, now: datetime) -> None:
    queue(ana, now, state="QUEUED", sent_at=None, not_before=now + timedelta(hours=21))

    assert "Waiting Failed payments text to (555) 555-0142 goes out Tomorrow 8:00 AM" in tab(desk, ana)


def test_what_could_not_be_sent_says_why(desk: Client, ana: Patient, now: datetime) -> None:
    queue(
        ana,
        now,
        state="BLOCKED",
        channel="",
        to="",
        sent_at=None,
        state_reason="Opted out of texts, and no e-mail address",
    )

    page = tab(desk, ana)

    assert "Could not be sent Failed payments just now Opted out of texts, and no e-mail address" in page


@pytest.mark.parametrize("state", Message.State.values)
def test_every_state_has_its_chip(desk: Client, ana: Patient, now: datetime, state: str) -> None:
    queue(ana, now, state=state)

    assert desk.get(f"/communication/{ana.pk}/messages/").status_code == 200


def test_an_e_mail_shows_its_subject(desk: Client, ana: Patient, now: datetime) -> None:
    queue(ana, now, channel="EMAIL", to="ana@example.com", subject="Your payment")

    page = tab(desk, ana)

    assert "e-mail to ana@example.com" in page
    assert "Your payment" in page


def test_somebody_else_s_messages_are_not_shown(desk: Client, ana: Patient, practice: Practice, now: datetime) -> None:
    queue(making.patient(practice, pat_num=5), now)

    assert "No messages yet" in tab(desk, ana)
