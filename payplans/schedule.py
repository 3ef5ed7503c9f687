"""What Open Dental will still charge on a payment plan: the projection of its rows, in cents, without any I/O.

Follows Open Dental's dynamic plan rules (see periods.py and amounts.py for dates and interest). Issued rows always
win over a projection; half-cent ties of interest may differ from the office by one cent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from itertools import groupby

from payplans.amounts import interest_cents, link_value_cents, pay_amount_cents, period_rate
from payplans.paid import DebitType, PaidSplit, divide_payment, paid_on_principal, pools
from payplans.periods import Frequency, due_date, first_period, issuing_doubtful, periods_from

__all__ = [
    "DebitType",
    "Frequency",
    "Issued",
    "LinkKind",
    "LinkRow",
    "PaidSplit",
    "Production",
    "ProjectedRow",
    "Projection",
    "Terms",
    "TreatmentPlanned",
    "divide_payment",
    "down_payment_date",
    "due_date",
    "first_period",
    "issuing_doubtful",
    "link_value_cents",
    "old_plan_rows",
    "pay_amount_cents",
    "production_from_totals",
    "project",
    "total_cost_cents",
]
MOST_ROWS = 2000
Day = date
"""A practice-local day, under a name that a field called `date` does not hide."""


class TreatmentPlanned(Enum):
    """Open Dental's DynamicPayPlanTPOption: whether work not yet done is charged."""

    NONE = "None"
    AWAIT_COMPLETE = "AwaitComplete"
    TREAT_AS_COMPLETE = "TreatAsComplete"


class LinkKind(Enum):
    """Values are Open Dental's words; in this order production of one date is charged."""

    ORTHO_CASE = "OrthoCase"
    PROCEDURE = "Procedure"
    ADJUSTMENT = "Adjustment"


_KIND_ORDER = {kind: place for place, kind in enumerate(LinkKind)}


@dataclass(frozen=True)
class Terms:
    """`apr_percent` 10.0 is 10 % a year; `start` is the due date of the first installment, not the agreement."""

    frequency: Frequency
    start: Day
    pay_amount_cents: int
    apr_percent: float = 0.0
    down_payment_cents: int = 0
    interest_start: Day = Day.min
    treatment_planned: TreatmentPlanned = TreatmentPlanned.AWAIT_COMPLETE


@dataclass(frozen=True)
class Production:
    """One linked piece of work. `key` names it (e.g. "Procedure:848") so that issued rows can be matched to it."""

    value_cents: int
    complete: bool = True
    key: str = ""
    date: Day = Day.min
    kind: LinkKind = LinkKind.PROCEDURE
    number: int = 0


@dataclass(frozen=True)
class Issued:
    """A debit row that exists in Open Dental. Without a known `key` its principal counts first-in first-out."""

    date: Day
    principal_cents: int
    interest_cents: int = 0
    key: str = ""
    is_down_payment: bool = False


@dataclass(frozen=True)
class LinkRow:
    """A future row of one piece of production; interest stands on the first row of a date."""

    date: Day
    key: str
    principal_cents: int
    interest_cents: int


@dataclass(frozen=True)
class ProjectedRow:
    """One future installment: all rows of a date together."""

    date: Day
    principal_cents: int
    interest_cents: int

    @property
    def total_cents(self) -> int:
        return self.principal_cents + self.interest_cents


@dataclass(frozen=True)
class Projection:
    """`valid` is False for terms that never pay off (rows empty). `unscheduled_cents` is principal no row covers."""

    rows: tuple[ProjectedRow, ...]
    by_link: tuple[LinkRow, ...]
    valid: bool
    unscheduled_cents: int

    @property
    def interest_cents(self) -> int:
        return sum(row.interest_cents for row in self.rows)


def project(
    terms: Terms,
    links: Sequence[Production],
    issued: Sequence[Issued] = (),
    splits: Sequence[PaidSplit] = (),
    *,
    today: date,
    next_only: bool = False,
) -> Projection:
    """Rows Open Dental will issue from `today` (practice-local) on.

    The full projection assumes that issued rows get paid. `next_only` gives the one row the office's service really
    issues next, where unpaid charged principal still bears interest.
    """
    run = _Run(terms, links, issued, splits, next_only)
    for day in periods_from(terms.frequency, terms.start, today):
        if run.open_cents <= 0 or len(run.out) >= MOST_ROWS or (next_only and run.out):
            break
        if not run.charge(day):
            break
    return run.result()


class _Run:
    """One projection under way."""

    def __init__(
        self,
        terms: Terms,
        links: Sequence[Production],
        issued: Sequence[Issued],
        splits: Sequence[PaidSplit],
        next_only: bool,
    ) -> None:
        self.terms = terms
        self.rate = period_rate(terms.apr_percent, terms.frequency)
        chargeable = [link for link in _charge_order(links) if _is_charged(link, terms)]
        self.queue = _remaining(chargeable, _charge_order(links), issued)
        self.taken_dates = {row.date for row in issued if not row.is_down_payment}
        charged = sum(row.principal_cents for row in issued)
        self.open_cents = sum(link.value_cents for link in chargeable) - charged
        if not issued:
            self.open_cents -= terms.down_payment_cents
        self.principal_cents = self.open_cents + charged
        self.charged_interest_cents = sum(row.interest_cents for row in issued)
        self.pool = pools(splits)
        self.next_only = next_only
        self.out: list[LinkRow] = []
        self.valid = True

    def charge(self, day: date) -> bool:
        """Project the period due on `day`; False when the schedule ends here."""
        interest = self._interest(day)
        principal = min(self.open_cents, self.terms.pay_amount_cents - interest)
        if principal < 0:
            self.valid = False
        if principal <= 0:
            return False
        if day in self.taken_dates:
            return True
        self._emit(day, principal, interest)
        return bool(self.queue)

    def _interest(self, day: date) -> int:
        if day < self.terms.interest_start:
            return 0
        paid = paid_on_principal(self.pool, charged_interest_cents=self.charged_interest_cents)
        unpaid = self.principal_cents - paid
        # Money paid ahead lowers interest until the charged principal has caught up with it.
        return interest_cents(unpaid if self.next_only else min(self.open_cents, unpaid), self.rate)

    def _emit(self, day: date, principal: int, interest: int) -> None:
        self.charged_interest_cents += interest
        while principal > 0 and self.queue:
            key, left = self.queue[0]
            part = min(principal, left)
            self.out.append(LinkRow(day, key, part, interest))
            interest = 0
            principal -= part
            self.open_cents -= part
            self.queue[0] = (key, left - part)
            if part == left:
                self.queue.pop(0)

    def result(self) -> Projection:
        out = tuple(self.out) if self.valid else ()
        open_cents = self.open_cents if self.valid else self.open_cents + sum(row.principal_cents for row in self.out)
        return Projection(_per_date(out), out, self.valid, max(0, open_cents))


def production_from_totals(principal_cents: int, completed_cents: int) -> list[Production]:
    """Production as far as `GET /payplans` tells it: principalAmount, of which CompletedAmt is done."""
    completed = max(0, min(principal_cents, completed_cents))
    parts = [Production(completed), Production(principal_cents - completed, complete=False)]
    return [part for part in parts if part.value_cents > 0]


def total_cost_cents(terms: Terms, links: Sequence[Production], *, today: date) -> int:
    """ "Total Cost of Loan" of a new dynamic plan: all linked work plus the interest of the full projection."""
    return sum(link.value_cents for link in links) + project(terms, links, today=today).interest_cents


def down_payment_date(start: date, today: date) -> date:
    """Date Open Dental gives the down payment's rows when the plan is made today."""
    return min(start, today)


def old_plan_rows(
    total_cents: int,
    pay_cents: int,
    *,
    frequency: Frequency,
    start: date,
    down_cents: int = 0,
    apr_percent: float = 0.0,
) -> tuple[ProjectedRow, ...]:
    """Rows of an old (static) plan, without its down payment row; empty when the terms never pay off.

    The last row bears interest on what is left; Open Dental's manual pads it to a full payment instead.
    """
    terms = Terms(frequency, start, pay_cents, apr_percent)
    projection = project(terms, [Production(total_cents - down_cents)], today=date.min)
    return () if projection.unscheduled_cents else projection.rows


def _is_charged(link: Production, terms: Terms) -> bool:
    return link.complete or terms.treatment_planned is not TreatmentPlanned.AWAIT_COMPLETE


def _charge_order(links: Iterable[Production]) -> list[Production]:
    return sorted(links, key=lambda link: (not link.complete, link.date, _KIND_ORDER[link.kind], link.number))


def _remaining(
    chargeable: Sequence[Production], links: Sequence[Production], issued: Sequence[Issued]
) -> list[tuple[str, int]]:
    """What each chargeable link still has to be charged, links with nothing left out."""
    known = {link.key for link in links if link.key}
    loose = sum(row.principal_cents for row in issued if row.key not in known)
    left = []
    for link in chargeable:
        own = sum(row.principal_cents for row in issued if link.key and row.key == link.key)
        value = max(0, link.value_cents - own)
        part = min(loose, value)
        loose -= part
        if value > part:
            left.append((link.key, value - part))
    return left


def _per_date(rows: Sequence[LinkRow]) -> tuple[ProjectedRow, ...]:
    days = ((day, list(group)) for day, group in groupby(rows, key=lambda row: row.date))
    return tuple(
        ProjectedRow(day, sum(row.principal_cents for row in group), sum(row.interest_cents for row in group))
        for day, group in days
    )
