"""What the office itself took on a plan, per installment, and the status that follows. Pure; cents.

Rule (decisions 10): by charge number, and only what is on no charge oldest installment first, prepayments included.
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
    """An installment that can be paid in the office; `numbers` are those of its charge rows.

    `over_cents` is what Open Dental shows on its rows, with what we hold for it, beyond its amount.
    """

    id: int
    amount_cents: int
    collected_cents: int
    numbers: frozenset[int] = frozenset()
    paid_cents: int = field(default=0, init=False)
    paid_date: date | None = field(default=None, init=False)
    over_cents: int = field(default=0, init=False)

    @property
    def room_cents(self) -> int:
        return max(0, self.amount_cents - self.collected_cents - self.paid_cents)

    def date_from(self, day: date | None) -> None:
        """Paid on the latest of the days."""
        self.paid_date = max(filter(None, (self.paid_date, day)), default=None)


@dataclass
class _Loose:
    """Cents on the plan, on none of its charges. `drawn`: taken out of it; `ours`: what we put there."""

    rest: int = 0
    drawn: int = 0
    ours: int = 0

    def add(self, cents: int, *, is_ours: bool) -> None:
        if is_ours:
            self.ours += cents
            return
        self.rest += cents
        self.drawn += max(0, -cents)


def paid_per_row(splits: Iterable[Split]) -> dict[int, int]:
    """Charge number → cents, whoever paid."""
    paid: dict[int, int] = {}
    for split in splits:
        if split.charge_number:
            paid[split.charge_number] = paid.get(split.charge_number, 0) + split.amount_cents
    return paid


def spread(items: Sequence[Item], splits: Iterable[Split], *, ours: set[int]) -> list[Item]:
    """Fill `paid_cents` and `over_cents` of issued installments, oldest first in `items`.

    Money on a charge stays there, also what is too much: until Open Dental moves it, its next charge is unpaid there
    too. Splits of payments in `ours` only tell how much of the loose money is ours.
    """
    facts = list(splits)
    loose = _place(items, facts, ours)
    for item in items:
        _cap(item, loose)
    _move_prepaid(items, loose)
    _absorb(items, loose)
    theirs = [split for split in facts if split.pay_num not in ours]
    latest = max((split.date for split in theirs if split.date and split.amount_cents > 0), default=None)
    _fill(items, loose.rest, latest)
    return list(items)


def _place(items: Sequence[Item], splits: Iterable[Split], ours: set[int]) -> _Loose:
    by_number = {number: item for item in items for number in item.numbers}
    loose = _Loose()
    for split in splits:
        item, is_ours = by_number.get(split.charge_number), split.pay_num in ours
        if item is None:
            loose.add(split.amount_cents, is_ours=is_ours)
        elif not is_ours:
            item.paid_cents += split.amount_cents
            item.date_from(split.date)
    return loose


def _cap(item: Item, loose: _Loose) -> None:
    """Money taken back below zero stays with the office's other money: our own collection is no one's to undo."""
    loose.rest += min(0, item.paid_cents)
    paid = max(0, item.paid_cents)
    item.paid_cents = max(0, min(paid, item.amount_cents - item.collected_cents))
    item.over_cents = paid - item.paid_cents


def _move_prepaid(items: Sequence[Item], loose: _Loose) -> None:
    """A prepayment of ours that Open Dental moved onto a charge is not the office's: theirs is still loose."""
    moved = min(max(0, loose.ours), loose.drawn)
    for item in items:
        part = min(moved, item.over_cents)
        item.over_cents -= part
        loose.rest += part
        moved -= part


def _absorb(items: Sequence[Item], loose: _Loose) -> None:
    """What was taken back elsewhere on the plan comes out of what is too much first."""
    for item in reversed(items):
        part = min(max(0, -loose.rest), item.over_cents)
        item.over_cents -= part
        loose.rest += part


def _fill(items: Sequence[Item], rest: int, day: date | None) -> None:
    for item in items:
        part = min(rest, item.room_cents)
        if part > 0:
            item.paid_cents += part
            item.date_from(day)
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
