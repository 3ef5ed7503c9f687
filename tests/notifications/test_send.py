"""Messages leave the outbox once, whatever the carrier, the network and the workers do."""

from __future__ import annotations

import threading
import uuid
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from core.tokens import link_token
from notifications import lookup, send, texting
from notifications.models import Message, MessagingAccount
from patients.models import Patient
from practices import tenancy
from practices.models import Event, Practice
from tests.notifications.conftest import OUR_NUMBER, texts
from tests.notifications.making import failed_notice, receipt, reread
from tests.outside import Outside

State = Message.State
MINUTE = timedelta(minutes=1)


def test_a_failure_message_is_queued_rendered_and_texted_with_its_link(
    practice: Practice, account: MessagingAccount, carrier: Outside, ana: Patient, now: datetime
) -> None:
    message = failed_notice(ana, now)

    assert send.send_due(practice.pk, now) == 1

    link = f"http://testserver/p/{practice.slug}/{link_token(uuid.UUID(int=7))}"
    [text] = texts(carrier)
    assert text["body"] == (
        f"Maple Grove Dental: your $128.60 payment was declined. Fix it: {link} Reply STOP to opt out."
    )
    assert (text["to"], text["from"]) == (ana.mobile_phone, OUR_NUMBER)
    sent = reread(message)
    assert (sent.state, sent.carrier_reference, sent.sent_at, sent.sends) == (State.SENT, text["sid"], now, 1)
    assert link_token(uuid.UUID(int=7)) not in f"{sent.body} {sent.values}"
    [event] = Event.objects.about(patient=ana.pk)
    assert (event.kind, event.about) == ("message.sent", {"patient": ana.pk, "message": message.pk, "attempt": 1})


def test_a_sent_message_is_not_sent_again(
    practice: Practice, account: MessagingAccount, carrier: Outside, ana: Patient, now: datetime
) -> None:
    failed_notice(ana, now)
    send.send_due(practice.pk, now)

    assert send.send_due(practice.pk, now + timedelta(days=1)) == 0
    assert lookup.look_up_due(practice.pk, now + timedelta(days=1)) == 0

    assert len(texts(carrier)) == 1
