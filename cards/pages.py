"""Reading a person's saved cards for the screen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Prefetch

from cards.models import Autopay, Card, Consent
from patients.models import Patient
from practices import timeline

SOON = timedelta(days=45)
MOST_CONSENTS = 100


@dataclass(frozen=True)
class Shown:
    """A card with the plans it pays and how near its end it is ("", "soon", "expired")."""

    card: Card
    autopays: list[Autopay]
    expiry: str


def saved(patient: Patient, today: date) -> list[Shown]:
    """Cards not removed, the primary one first, then the newest."""
    paying = Autopay.objects.filter(is_on=True).select_related("plan__patient", "consent")
    cards = Card.objects.filter(patient=patient).exclude(state=Card.State.REMOVED)
    found = cards.prefetch_related(Prefetch("autopays", paying, to_attr="paying"))
    return [_shown(card, today) for card in found.order_by("-is_primary", "-saved_at", "pk")]


def _shown(card: Card, today: date) -> Shown:
    paying: list[Autopay] = card.paying  # type: ignore[attr-defined]
    if card.expires_before(today):
        return Shown(card, paying, "expired")
    return Shown(card, paying, "soon" if card.expires_before(today + SOON) else "")


def patients_by_last4(digits: str) -> list[int]:
    """For the global search: people with a saved card that ends so (in the practice in scope)."""
    cards = Card.objects.filter(last4=digits).exclude(state=Card.State.REMOVED)
    return list(cards.values_list("patient_id", flat=True).distinct()[:50])


def agreed(patient: Patient) -> list[Consent]:
    """Everything this person agreed to, what is over too, newest first."""
    rows = Consent.objects.filter(patient=patient).select_related("plan", "card")
    return list(rows.order_by("-given_at", "-pk")[:MOST_CONSENTS])


def summary(patient: Patient, today: date) -> dict[str, Any]:
    return {"patient": patient, "cards": saved(patient, today)}


def consent(row: Consent) -> dict[str, Any]:
    """The record with the names behind its actors and the schedule as it stood."""
    names = timeline.names({row.given_by, row.revoked_by or row.given_by})
    schedule = [(date.fromisoformat(line["due_date"]), line["amount_cents"]) for line in row.schedule]
    return {
        "consent": row,
        "given_by": names[row.given_by],
        "revoked_by": names.get(row.revoked_by, ""),
        "schedule": schedule,
    }
