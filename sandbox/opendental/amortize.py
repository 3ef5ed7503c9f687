"""The schedule of a dynamic plan as the office works it out: installment amount, interest, rows still to come.

Pure. Cents throughout, except that interest is one product of doubles rounded half to even, as Open Dental does it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sandbox.opendental.enums import INTEREST, PRINCIPAL, UNKNOWN
from sandbox.opendental.money import dollars, half_even, round_up
from sandbox.opendental.periods import PER_YEAR, current_period, due_date
from sandbox.opendental.production import Link

MOST_ROWS = 2000
Splits = Sequence[tuple[int, int]]  # (cents, debit type) of real payments, prepayments left out


@dataclass(frozen=True)
class Terms:
    apr: float
    pay: int
    down: int
    frequency: int
    start: date
    interest_start: date
    await_complete: bool

    @property
    def rate(self) -> float:
        """Interest per period."""
        return self.apr / 100 / PER_YEAR[self.frequency]


@dataclass(frozen=True)
class Charge:
    """An issued row (cents)."""

    number: int
    date: date
    principal: int
    interest: int
    kind: int
    key: int
    down: bool = False


@dataclass(frozen=True)
class Expected:
    """A row still to come: which production it charges, and how much (cents)."""

    date: date
    link: Link
    principal: int
    interest: int


@dataclass
class Slot:
    """A piece of production and the cents of it not yet charged."""

    link: Link
    left: int


def payment_amount(total: int, apr: float, frequency: int, count: int) -> int:
    """Cents per installment so that `count` of them pay `total`; any fraction goes up to the next cent."""
    if apr == 0:
        return round_up(Decimal(total) / 100 / count)
    rate = Decimal(str(apr)) / 100 / PER_YEAR[frequency]
    return round_up(Decimal(total) / 100 * rate / (1 - (1 + rate) ** -count))


def pools(splits: Splits) -> dict[int, int]:
    """What was paid as principal, interest and of unknown kind; what was taken back reduces its own kind first."""
    pool = {UNKNOWN: 0, PRINCIPAL: 0, INTEREST: 0}
    for amount, kind in splits:
        if amount > 0 or kind != UNKNOWN:
            pool[kind] += amount
    for amount, kind in splits:
        if amount < 0 and kind == UNKNOWN:
            _take_back(pool, -amount)
    return pool


def _take_back(pool: dict[int, int], amount: int) -> None:
    for kind in (UNKNOWN, PRINCIPAL, INTEREST):
        taken = min(amount, max(0, pool[kind]))
        pool[kind] -= taken
        amount -= taken
    pool[UNKNOWN] -= amount


def standing(pool: dict[int, int], principal: int, interest: int) -> tuple[int, int]:
    """(paid beyond what was charged, charged principal not yet paid) for what was charged so far."""
    unknown = pool[UNKNOWN]
    owed_interest = max(0, interest - pool[INTEREST])
    unknown -= min(unknown, owed_interest)
    paid = pool[PRINCIPAL] + max(0, pool[INTEREST] - interest)
    owed = max(0, principal - paid)
    used = min(unknown, owed)
    return max(0, paid - principal) + unknown - used, owed - used


class Projection:
    """One walk over the periods to come. `next_only`: just the rows the office would issue next."""

    def __init__(
        self, terms: Terms, links: Sequence[Link], issued: Sequence[Charge], splits: Splits, *, next_only: bool
    ) -> None:
        self.terms = terms
        self.next_only = next_only
        self.issued = issued
        self.taken = {charge.date for charge in issued if not charge.down}
        self.remaining = [Slot(link, _left(link, issued)) for link in links]
        self.pool = pools(splits)
        charged = sum(charge.principal for charge in issued)
        waiting = sum(link.value for link in links if terms.await_complete and link.planned)
        self.total = sum(link.value for link in links) - waiting
        self.left = self.total - charged - (0 if issued else terms.down)
        self.unissued_down = 0 if issued else terms.down
        self.rows: list[Expected] = []

    def run(self, today: date) -> list[Expected]:
        """Rows in order; empty when the terms never pay off."""
        period = current_period(self.terms.frequency, self.terms.start, today)
        previous = self.left
        while self.left > 0 and len(self.rows) < MOST_ROWS:
            due = due_date(self.terms.frequency, self.terms.start, period)
            interest = self._interest(due)
            principal = self.left if self.left + interest <= self.terms.pay else self.terms.pay - interest
            if principal == 0:
                break
            if self.left > previous and interest > 0:
                return []
            previous = self.left
            if not self._charge(due, principal, interest) or (self.next_only and self.rows):
                break
            period += 1
        return self.rows

    def _interest(self, due: date) -> int:
        if due < self.terms.interest_start or self.terms.apr == 0:
            return 0
        charged = [charge.principal for charge in self.issued] + [row.principal for row in self.rows]
        interest = sum(charge.interest for charge in self.issued) + sum(row.interest for row in self.rows)
        beyond, unpaid = standing(self.pool, sum(charged), interest)
        # Added up in doubles: a base that comes out a hair short decides an exact half cent as Open Dental does.
        base = dollars(self.total - self.unissued_down) - sum(map(dollars, charged)) - dollars(beyond)
        if self.next_only:
            base += dollars(unpaid)
        return half_even(max(0.0, base) * self.terms.rate)

    def _charge(self, due: date, principal: int, interest: int) -> bool:
        """Spread one period over the production; False when no production is left."""
        if principal < 0:
            self.left -= principal
            return True
        while principal > 0:
            slot = next((slot for slot in self.remaining if slot.left > 0), None)
            if slot is None:
                return False
            if self.terms.await_complete and slot.link.planned:
                slot.left = 0
                continue
            part = min(principal, slot.left)
            principal -= part
            if due not in self.taken:
                self._emit(due, slot, part, interest)
        return True

    def _emit(self, due: date, slot: Slot, part: int, interest: int) -> None:
        first = not self.rows or self.rows[-1].date != due
        self.rows.append(Expected(due, slot.link, part, interest if first else 0))
        slot.left -= part
        self.left -= part


def _left(link: Link, issued: Sequence[Charge]) -> int:
    charged = sum(charge.principal for charge in issued if (charge.kind, charge.key) == (link.kind, link.key))
    return max(0, link.value - charged)
