"""Whoever agreed to something gets a copy of the exact words."""

from __future__ import annotations

from datetime import datetime

from cards.models import Consent
from core.money import format_cents
from notifications import outbox
from notifications.models import Kind, Message


def send(consent: Consent, *, now: datetime) -> Message:
    """Queue it, once per consent. In the caller's transaction."""
    about = {"patient": consent.patient_id, "consent": consent.pk}
    if consent.plan_id is not None:
        about["plan"] = consent.plan_id
    return outbox.enqueue(
        practice=consent.practice, kind=Kind.CONSENT_COPY, patient=consent.patient,
        values={
            "Transaction Amount": format_cents(consent.max_charge_cents),
            "Card Last 4": consent.card_last4,
            "Consent Text": consent.text,
        },
        dedupe_key=f"{Kind.CONSENT_COPY}:{consent.pk}", now=now, about=about,
    )  # fmt: skip
