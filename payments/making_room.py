"""Before the desk takes money: the card pages that the family has open on a phone are closed (decisions 7, ADR 12)."""

from __future__ import annotations

from datetime import datetime

from patients.models import Patient
from payments import presented, sale_guard, sales
from payments.models import Attempt, AttemptState
from payments.sales import UnableToSell
from processors.port import UnableToReachProcessor


def make_room(patient: Patient, *, actor: str, now: datetime) -> None:
    """Withdraw them at the processor, one after the other, and settle by what it says. Raises UnableToSell."""
    opened = Attempt.objects.filter(
        channel=Attempt.Channel.LINK_PAGE, state__in=AttemptState.open(),
        due_part__sale__patient__in=sale_guard.family_of(patient),
    )  # fmt: skip
    for attempt in opened.select_related("due_part").order_by("pk"):
        _close(attempt, actor, now)


def _close(attempt: Attempt, actor: str, now: datetime) -> None:
    try:
        attempt = presented.give_up(attempt, now=now, actor=actor)
    except UnableToReachProcessor as error:
        raise UnableToSell(f"The card page on the patient's phone can't be closed: {error}") from error
    if not attempt.is_final:
        raise UnableToSell("The patient is paying on their phone just now: wait for the outcome")
    if attempt.state != AttemptState.SUCCEEDED and attempt.due_part.sale_id is not None:
        sales.cancel(attempt.due_part.sale_id, actor=actor, now=now)
