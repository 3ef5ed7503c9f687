"""What the office itself took on a plan, per installment, and the status that follows. Pure; cents.

Rule (decisions 10): by charge number first, the rest oldest installment first, prepayments included.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from core.money import format_cents
from payplans.models import Installment

PAID_THERE = "Paid in Open Dental"
PART_PAID_THERE = "Paid in part in Open Dental"
# The processor takes no less, so a smaller rest never opens an installment again.
LEAST_CENTS = 50


@dataclass(frozen=True)
class Split:
    """One split on the plan; `charge_number` 0 = on the plan, not on one of its charges."""

    pay_num: int
    charge_number: int
    amount_cents: int
    date: date | None = None


@dataclass
class Item:
    """An installment that can be paid in the office; `numbers` are those of its charge rows."""

    id: int
    amount_cents: int
    collected_cents: int
    numbers: frozenset[int] = frozenset()
    paid_cents: int = field(default=0, init=False)
    paid_date: date | None = field(default=None, init=False)

    @property
    def room_cents(self) -> int:
        return max(0, self.amount_cents - self.collected_cents - self.paid_cents)


def paid_per_row(splits: Iterable[Split]) -> dict[int, int]:
    """Charge number → cents, whoever paid."""
    paid: dict[int, int] = {}
    for split in splits:
        if split.charge_number:
            paid[split.charge_number] = paid.get(split.charge_number, 0) + split.amount_cents
    return paid


def spread(items: Sequence[Item], splits: Iterable[Split], *, ours: set[int]) -> list[Item]:
    """Fill `paid_cents` of issued installments, oldest first in `items`, from splits of payments that aren't `ours`."""
    theirs = [split for split in splits if split.pay_num not in ours]
    by_number = {number: item for item in items for number in item.numbers}
    rest = 0
    latest = max((split.date for split in theirs if split.date and split.amount_cents > 0), default=None)
    for split in theirs:
        item = by_number.get(split.charge_number)
        if item is None:
            rest += split.amount_cents
        else:
            item.paid_cents += split.amount_cents
            item.paid_date = max(filter(None, (item.paid_date, split.date)), default=None)
    rest += sum(_surplus(item) for item in items)
    _fill(items, rest, latest)
    return list(items)


def _surplus(item: Item) -> int:
    """What stands on an installment beyond its amount: Open Dental moved a prepayment of ours, or it was overpaid.

    Money taken back below zero stays with the office's other money too: our own collection is no one's to undo.
    """
    over = item.paid_cents - max(0, min(item.paid_cents, item.amount_cents - item.collected_cents))
    item.paid_cents -= over
    return over


def _fill(items: Sequence[Item], rest: int, day: date | None) -> None:
    for item in items:
        part = min(rest, item.room_cents)
        if part > 0:
            item.paid_cents += part
            item.paid_date = max(filter(None, (item.paid_date, day)), default=None)
            rest -= part
    # More was taken back than lies loose: the newest installments lose what they had.
    for item in reversed(items):
        part = min(max(0, -rest), item.paid_cents)
        item.paid_cents -= part
        rest += part


def status_of(installment: Installment, paid_date: date | None) -> tuple[str, str]:
    """(status, note) after `office_paid_cents` was set; canceled ones keep theirs."""
    status, note = installment.status, installment.status_note
    statuses = Installment.Status
    if status == statuses.CANCELED:
        return status, note
    owed, paid = installment.owed_cents, installment.office_paid_cents
    day = f" {paid_date:%b} {paid_date.day}" if paid_date else ""
    if installment.amount_cents > 0 and (not owed or (status == statuses.PAID and owed < LEAST_CENTS)):
        return statuses.PAID, f"{PAID_THERE}{day}" if paid else note
    if status == statuses.PAID:
        status = statuses.PENDING
    if status == statuses.FAILED:
        # Why it failed matters more than what was paid on it.
        return status, note
    if paid:
        return status, f"{PART_PAID_THERE}{day}: {format_cents(paid)}"
    return status, "" if note.startswith((PAID_THERE, PART_PAID_THERE)) else note
