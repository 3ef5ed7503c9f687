"""Truth in Lending: whether a plan must be disclosed, and the numbers of the disclosure. Pure; cents, percent.

Source: Regulation Z, 12 CFR 1026.1(c) (a finance charge, or more than four installments), 1026.18 (what).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from payplans.models import Installment, PayPlan

MOST_PAYMENTS = 4


@dataclass(frozen=True)
class Payment:
    """One installment; the down payment is none."""

    day: date
    principal_cents: int
    interest_cents: int

    @property
    def total_cents(self) -> int:
        return self.principal_cents + self.interest_cents


@dataclass(frozen=True)
class Run:
    """Payments of one amount that follow each other."""

    count: int
    cents: int
    first: date
    last: date


@dataclass(frozen=True)
class Disclosure:
    """`apr` is the plan's own rate in percent: there is no finance charge but interest. Payments oldest first."""

    apr: Decimal
    payments: tuple[Payment, ...]

    @property
    def amount_financed_cents(self) -> int:
        return sum(one.principal_cents for one in self.payments)

    @property
    def finance_charge_cents(self) -> int:
        return sum(one.interest_cents for one in self.payments)

    @property
    def total_cents(self) -> int:
        return self.amount_financed_cents + self.finance_charge_cents

    @property
    def apr_words(self) -> str:
        """ "6.5", without zeros at the end."""
        return f"{self.apr.normalize():f}"

    def runs(self) -> list[Run]:
        """The schedule, equal payments together."""
        found: list[Run] = []
        for one in self.payments:
            if found and found[-1].cents == one.total_cents:
                found[-1] = Run(found[-1].count + 1, one.total_cents, found[-1].first, one.day)
            else:
                found.append(Run(1, one.total_cents, one.day, one.day))
        return found

    def as_json(self) -> dict[str, Any]:
        """Kept with the consent it was shown with."""
        return {
            "apr": self.apr_words,
            "amount_financed_cents": self.amount_financed_cents,
            "finance_charge_cents": self.finance_charge_cents,
            "total_cents": self.total_cents,
            "payments": [{"due_date": one.day.isoformat(), "amount_cents": one.total_cents} for one in self.payments],
        }


def of(payments: Sequence[Payment], apr: Decimal) -> Disclosure | None:
    """None: this credit needs no disclosure, or nothing is scheduled."""
    found = Disclosure(apr, tuple(payments))
    is_needed = len(payments) > MOST_PAYMENTS or apr > 0 or found.finance_charge_cents > 0
    return found if payments and is_needed else None


def of_plan(plan: PayPlan, installments: Iterable[Installment]) -> Disclosure | None:
    """Of a plan as Open Dental has it, what is paid already included: it is of the whole agreement."""
    wanted = [
        one
        for one in installments
        if not one.is_down_payment and one.amount_cents and one.status != Installment.Status.CANCELED
    ]
    wanted.sort(key=lambda one: (one.due_date, one.pk))
    return of([Payment(one.due_date, one.principal_cents, one.interest_cents) for one in wanted], plan.apr)
