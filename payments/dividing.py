"""One installment collected in several parts: a part of it charged now, the rest as before (ADR 13)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from core import calendar
from payments.guards import LEAST_CENTS, UnableToClaim
from payments.models import DuePart


def most_now_cents(whole_cents: int) -> int:
    """The most that can be paid of it apart: the processor takes no rest under its least amount. 0 = no part at all."""
    most = whole_cents - LEAST_CENTS
    return most if most >= LEAST_CENTS else 0


def refusal(part: DuePart, cents: int) -> str:
    """Why so much can't be taken of it apart; '' = it can."""
    if part.installment is None or not part.installment.is_issued:
        return "Only a charge that Open Dental has issued can be paid in parts"
    if not LEAST_CENTS <= cents <= most_now_cents(part.amount_cents):
        return "A part, and what is left of it, must be at least $0.50"
    return ""


def carve(part: DuePart, cents: int, now: datetime) -> DuePart:
    """The part to charge: `part` itself, or a new one of `cents` with a rest beside it. Raises UnableToClaim.

    In the claim's transaction, its installments and the part locked.
    """
    if cents == part.amount_cents:
        return part
    if why := refusal(part, cents):
        raise UnableToClaim(why)
    close(part)
    now_part = replica(part, cents, slot=_free_slot(part), is_once=True, charge_from=part.charge_from)
    replica(part, part.amount_cents - cents, slot=part.slot, charge_from=rest_day(part, now))
    return now_part


def rest_day(part: DuePart, now: datetime) -> date:
    """Before it the rest is not taken by itself, whatever card comes: the day of the next try, tomorrow at least."""
    zone = part.practice.zone
    planned = calendar.local_date(part.next_try_at, zone) if part.next_try_at else date.min
    return max(part.charge_from or date.min, planned, calendar.local_date(now, zone) + timedelta(days=1))


def close(part: DuePart) -> None:
    """Other parts take its place: an attempt's amount never changes under it."""
    part.state = DuePart.State.CLOSED
    part.save(update_fields=["state"])


def replica(part: DuePart, cents: int, **facts: object) -> DuePart:
    """A new open part in place of one that is closed, with its retry date and hold; stored, relations as loaded."""
    made = DuePart(
        practice_id=part.practice_id, kind=part.kind, installment=part.installment, payer=part.payer,
        amount_cents=cents, next_try_at=part.next_try_at, hold=part.hold, hold_reason=part.hold_reason,
        is_automatic=part.is_automatic, **facts,
    )  # fmt: skip
    made.practice = part.practice
    made.save(force_insert=True)
    return made


def _free_slot(part: DuePart) -> int:
    open_parts = DuePart.objects.filter(installment=part.installment, payer=part.payer, state=DuePart.State.OPEN)
    taken = {part.slot, *open_parts.values_list("slot", flat=True)}
    return next(slot for slot in range(len(taken) + 1) if slot not in taken)
