"""What a person who asked for a charge sees while it runs, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache

from core.money import format_cents
from payments.models import Attempt, AttemptState

KEEP_SECONDS = 3600


@dataclass(frozen=True)
class Progress:
    """`is_over` False: keep looking. `tone` is good, bad or wait; `text` is a full sentence for the one who asked."""

    is_over: bool
    tone: str
    text: str
    attempt_id: int | None = None


def refuse(request: str, reason: str) -> None:
    """Nothing was charged: keep the reason for the one who asked."""
    cache.set(f"charge-request:{request}", reason, KEEP_SECONDS)


def sale_request(due_part_id: int) -> str:
    """The request of a desk sale's tender: it is asked for once."""
    return f"sale-{due_part_id}"


def refusal_of(due_part_id: int) -> str:
    """Why a desk sale's tender was refused before any card was asked; '' = it was not, or that was long ago."""
    return str(cache.get(f"charge-request:{sale_request(due_part_id)}") or "")


def of(due_part_id: int, request: str, *, asked_at: datetime) -> Progress:
    """How the charge asked for at `asked_at` (business time) stands."""
    attempt = Attempt.objects.filter(due_part_id=due_part_id, started_at__gte=asked_at).order_by("-pk").first()
    if attempt is not None:
        return of_attempt(attempt)
    refusal = cache.get(f"charge-request:{request}")
    if refusal:
        # The first of two clicks, or somebody else, was there just before: what became of that is the answer.
        other = Attempt.objects.filter(due_part_id=due_part_id, state__in=AttemptState.open_or_paid()).first()
        return of_attempt(other) if other else Progress(True, "bad", f"Nothing was charged: {refusal}.")
    return Progress(False, "wait", "Checking with Open Dental that this is still owed…")


def of_attempt(attempt: Attempt) -> Progress:
    amount, card = format_cents(attempt.amount_cents), attempt.means
    match attempt.state:
        case AttemptState.SUCCEEDED:
            return Progress(True, "good", f"Charged {amount} to {card}.", attempt.pk)
        case AttemptState.DECLINED:
            return Progress(True, "bad", f"{card} was declined: {attempt.reason}", attempt.pk)
        case AttemptState.NOT_TAKEN:
            return Progress(True, "bad", f"Nothing was charged: {attempt.reason}.", attempt.pk)
        case AttemptState.UNKNOWN:
            text = f"The processor's answer was lost. We are asking whether {amount} was taken; don't charge again."
            return Progress(False, "wait", text, attempt.pk)
    if attempt.is_presented:
        return Progress(
            False, "wait", f"{amount} waits for a card: {attempt.get_channel_display().lower()}.", attempt.pk
        )
    return Progress(False, "wait", f"Charging {amount} to {card}…", attempt.pk)
