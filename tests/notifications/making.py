"""Short ways to put messages into the outbox."""

from __future__ import annotations

import smtplib
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.core.mail.backends.base import BaseEmailBackend

from notifications import outbox, tasks
from notifications.models import Kind, Message
from patients.models import Patient
from practices.models import Practice

VALUES = {
    "Transaction Amount": "$128.60",
    "Payment Due Date": "Mar 10, 2026",
    "Card Last 4": "4242",
}


def failed_notice(patient: Patient, now: datetime, **changes: Any) -> Message:
    """A failed payment, with a link."""
    wish: dict[str, Any] = {
        "practice": patient.practice, "patient": patient, "kind": Kind.PAYMENT_FAILED, "values": VALUES, "now": now,
        "dedupe_key": "PAYMENT_FAILED:1", "link_nonce": uuid.UUID(int=7), "about": {"attempt": 1}, **changes,
    }  # fmt: skip
    return outbox.enqueue(**wish)


def receipt(patient: Patient, now: datetime, **changes: Any) -> Message:
    """A successful payment, without a link."""
    wish = {"kind": Kind.PAYMENT_SUCCESSFUL, "dedupe_key": "PAYMENT_SUCCESSFUL:1", "link_nonce": None, **changes}
    return failed_notice(patient, now, **wish)


def reread(message: Message) -> Message:
    return Message.objects.get(pk=message.pk)


def walk(practice: Practice, now: datetime, *, minutes: int, step: int = 1) -> dict[str, int]:
    """A pass of the sender every `step` minutes; the sums of what it reports."""
    done = [tasks.run(practice.pk, now + timedelta(minutes=minute)) for minute in range(0, minutes, step)]
    return {key: sum(one[key] for one in done) for key in ("sent", "found")}


class HangsUp(BaseEmailBackend):
    """A mail server that goes away in the middle of a message."""

    def send_messages(self, email_messages: Any) -> int:
        raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")
