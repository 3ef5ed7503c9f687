"""Asks Open Dental, shortly before a desk sale is charged, whether its procedures are still open."""

from __future__ import annotations

from datetime import datetime

from opendental import account, features
from opendental.models import Connection
from payments.models import DueCheck, DuePart, LedgerAdjustment, LedgerPosting, Sale
from payments.upward import UnableToReadAccount, UnableToRecheck


def recheck(part: DuePart, sale: Sale, *, now: datetime) -> None:
    """Stamp a DueCheck from a fresh look at the account. Raises UnableToRecheck; then there is no fresh stamp."""
    try:
        still_open = account.open_now(sale.practice_id, sale.patient.pat_num, now)
    except UnableToReadAccount as error:
        raise UnableToRecheck(str(error)) from error
    owed = min(part.amount_cents, max(0, _asked(sale, still_open) - _not_there_yet(sale)))
    DueCheck.stamp(part, owed_cents=owed, obstacle=_obstacle(sale), now=now)


def _asked(sale: Sale, still_open: dict[int, int]) -> int:
    """What the lines still ask. What names no procedure is taken because somebody wants to pay it."""
    return sum(
        min(line.amount_cents, still_open.get(line.proc_num, 0)) if line.proc_num else line.amount_cents
        for line in sale.lines.all()
    )


def _not_there_yet(sale: Sale) -> int:
    """Earlier tenders of this sale that Open Dental can't show yet: their money is still open there."""
    waiting = LedgerPosting.objects.filter(
        payment__attempt__due_part__sale=sale, movement=LedgerPosting.Movement.PAYMENT, pay_num=None
    ).exclude(state=LedgerPosting.State.WITHDRAWN)
    discounts = LedgerAdjustment.objects.filter(
        payment__attempt__due_part__sale=sale, state=LedgerAdjustment.State.QUEUED
    )
    return sum(waiting.values_list("amount_cents", flat=True)) - sum(discounts.values_list("amount_cents", flat=True))


def _obstacle(sale: Sale) -> str:
    connection = Connection.objects.get(practice_id=sale.practice_id)
    if not features.can_post(connection) or not connection.pay_type_num:
        return "Nothing can be posted to this office's Open Dental"
    earlier = LedgerPosting.objects.filter(payment__attempt__due_part__sale=sale)
    if any(posting.is_in_doubt for posting in earlier):
        return "An earlier payment of this sale is still being looked for in Open Dental"
    return ""
