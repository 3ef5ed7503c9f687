"""Which installment of ours is which one of Open Dental's: by charge number, by date, by order. Pure.

An installment keeps its identity when its row is issued, when a missed run moves it, and when terms are edited.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum

Day = date


class Sort(Enum):
    """What a charge row is, read from its note: Open Dental has no other mark for it."""

    REGULAR = ""
    DOWN_PAYMENT = "Down Payment"
    CLOSE_OUT = "Close Out Charge"
    ON_PRINCIPAL = "pay on principal"


@dataclass(frozen=True)
class Row:
    """One debit row Open Dental issued (cents, may be negative when it takes an overcharge back)."""

    number: int
    date: Day
    principal_cents: int
    interest_cents: int = 0
    note: str = ""
    is_offset: bool = False
    is_down_payment: bool = False

    @property
    def sort(self) -> Sort:
        if self.is_down_payment:
            return Sort.DOWN_PAYMENT
        found = (sort for sort in (Sort.CLOSE_OUT, Sort.ON_PRINCIPAL) if sort.value.lower() in self.note.lower())
        return next(found, Sort.REGULAR)


@dataclass(frozen=True)
class Wanted:
    """An installment as Open Dental has it (with rows) or as projected (without)."""

    date: Day
    principal_cents: int
    interest_cents: int = 0
    sort: Sort = Sort.REGULAR
    rows: tuple[Row, ...] = ()

    @property
    def is_issued(self) -> bool:
        return bool(self.rows)

    @property
    def amount_cents(self) -> int:
        return self.principal_cents + self.interest_cents


@dataclass(frozen=True)
class Known:
    """An installment as we have it. `is_live`: unpaid, or money stands on it; otherwise it is canceled."""

    id: int
    date: Day
    is_issued: bool = False
    is_down_payment: bool = False
    is_live: bool = True
    numbers: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Matching:
    """`pairs`: every wanted one with the known one it is (None = new). `left`: known ones nothing stands for."""

    pairs: tuple[tuple[Known | None, Wanted], ...]
    left: tuple[Known, ...]


def group(rows: Iterable[Row]) -> list[Wanted]:
    """Issued rows as installments: those of a date together, down payment and close-out apart, corrections netted."""
    groups: dict[tuple[Day, str], list[Row]] = {}
    for row in sorted(rows, key=lambda row: (row.date, row.number)):
        groups.setdefault((row.date, row.sort.name), []).append(row)
    wanted = [
        Wanted(
            date=found[0].date,
            principal_cents=sum(row.principal_cents for row in found),
            interest_cents=sum(row.interest_cents for row in found),
            sort=found[0].sort,
            rows=tuple(found),
        )
        for found in groups.values()
    ]
    return _net(sorted(wanted, key=lambda one: (one.date, one.sort is not Sort.DOWN_PAYMENT)))


def _net(wanted: list[Wanted]) -> list[Wanted]:
    """Negative groups lower the nearest earlier installments (principal first) and stand with them."""
    done: list[Wanted] = []
    for one in wanted:
        one = _straighten(one)
        if one.amount_cents >= 0:
            done.append(one)
        else:
            _take_off(done, one)
    return done


def _straighten(one: Wanted) -> Wanted:
    """Neither part of an installment is negative on its own."""
    if one.principal_cents < 0 <= one.amount_cents:
        return replace(one, principal_cents=0, interest_cents=one.amount_cents)
    if one.interest_cents < 0 <= one.amount_cents:
        return replace(one, principal_cents=one.amount_cents, interest_cents=0)
    return one


def _take_off(done: list[Wanted], negative: Wanted) -> None:
    left = -negative.amount_cents
    rows = negative.rows
    for place in range(len(done) - 1, -1, -1):
        one = done[place]
        principal = min(left, one.principal_cents)
        interest = min(left - principal, one.interest_cents)
        done[place] = replace(
            one,
            principal_cents=one.principal_cents - principal,
            interest_cents=one.interest_cents - interest,
            rows=one.rows + rows,
        )
        rows = ()
        left -= principal + interest
        if not left:
            return


def match(known: Sequence[Known], wanted: Sequence[Wanted], *, today: date) -> Matching:
    """Pair ours with Open Dental's. `today` is practice-local: an unissued date before it was missed by the office."""
    matcher = _Matcher(known, wanted)
    matcher.by_number()
    matcher.issued_by_date()
    matcher.issued_by_order()
    matcher.projected(today)
    return matcher.result()


class _Matcher:
    """One matching under way; what is matched leaves `known` and `wanted`."""

    def __init__(self, known: Sequence[Known], wanted: Sequence[Wanted]) -> None:
        self.known = sorted(known, key=lambda one: (one.date, one.id))
        self.wanted = sorted(wanted, key=lambda one: one.date)
        self.pairs: list[tuple[Known | None, Wanted]] = []

    def by_number(self) -> None:
        """The rows' own numbers. Where rows were merged or torn apart, most rows in common decide."""
        common = [
            (-len(ours.numbers & {row.number for row in theirs.rows}), ours.id, place)
            for place, theirs in enumerate(self.wanted)
            for ours in self.known
        ]
        known = {ours.id: ours for ours in self.known}
        wanted = dict(enumerate(self.wanted))
        for count, ours_id, place in sorted(common):
            if count < 0 and ours_id in known and place in wanted:
                self._pair(known.pop(ours_id), wanted.pop(place))

    def issued_by_date(self) -> None:
        """A row appeared where one was projected. A canceled one comes back to life when no live one has the date."""
        self._by_date(self._issued(), live=True)
        self._by_date(self._issued(), live=False)

    def issued_by_order(self) -> None:
        """The office missed a run or moved a date: the earliest installment still waiting for a row takes it."""
        self._by_order(self._issued())

    def projected(self, today: date) -> None:
        # After a missed run Open Dental moves every later charge one period on, so order tells which is which.
        slipped = any(ours.date < today and ours.is_live and not ours.is_issued for ours in self._waiting())
        if not slipped:
            self._by_date(self._projected(), live=True)
        self._by_order(self._projected())
        self._by_date(self._projected(), live=False)

    def _issued(self) -> list[Wanted]:
        """Down payments and close-outs are charges of their own: they never stand for a projected installment."""
        return [theirs for theirs in self.wanted if theirs.is_issued and theirs.sort is Sort.REGULAR]

    def _projected(self) -> list[Wanted]:
        return [theirs for theirs in self.wanted if not theirs.is_issued]

    def _by_date(self, wanted: list[Wanted], *, live: bool) -> None:
        for theirs in wanted:
            same_day = (ours for ours in self._waiting() if ours.date == theirs.date and ours.is_live is live)
            self._take(theirs, next(same_day, None))

    def _by_order(self, wanted: list[Wanted]) -> None:
        for theirs in wanted:
            self._take(theirs, next((ours for ours in self._waiting() if ours.is_live), None))

    def _waiting(self) -> list[Known]:
        """Not matched by number: no row yet, or its rows were deleted (the office may make new ones)."""
        return [ours for ours in self.known if not ours.is_down_payment]

    def _take(self, theirs: Wanted, ours: Known | None) -> None:
        if ours is not None:
            self._pair(ours, theirs)

    def _pair(self, ours: Known, theirs: Wanted) -> None:
        self.known.remove(ours)
        self.wanted.remove(theirs)
        self.pairs.append((ours, theirs))

    def result(self) -> Matching:
        new: list[tuple[Known | None, Wanted]] = [(None, theirs) for theirs in self.wanted]
        pairs = sorted([*self.pairs, *new], key=lambda pair: pair[1].date)
        return Matching(tuple(pairs), tuple(self.known))
