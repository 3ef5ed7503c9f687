"""The terms of a plan as staff wish them: the schedule they give, and the fields Open Dental is sent. Pure; cents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from opendental.plan_production import Work
from payplans import lending, schedule
from payplans.amounts import UnableToComputeAmount
from payplans.lending import Disclosure
from payplans.models import ChargeRow, PayPlan, PlanSplit
from payplans.schedule import (
    DebitType,
    Frequency,
    Issued,
    LinkKind,
    PaidSplit,
    Production,
    ProjectedRow,
    Terms,
    TreatmentPlanned,
)


class UnableToSchedule(ValueError):
    """These terms give no schedule; the text says why and `field` names the form's field."""

    def __init__(self, text: str, field: str) -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True)
class Preview:
    """What Open Dental will show. `down` stands apart: it is due at once. `pay_cents` is what it stores as PayAmt."""

    rows: tuple[ProjectedRow, ...]
    pay_cents: int
    principal_cents: int
    down: ProjectedRow | None = None
    # Of planned work that is charged only once it is done (AwaitComplete).
    waiting_cents: int = 0
    apr: Decimal = Decimal(0)

    @property
    def interest_cents(self) -> int:
        return sum(row.interest_cents for row in self.rows)

    @property
    def total_cents(self) -> int:
        return self.principal_cents + self.interest_cents

    @property
    def disclosure(self) -> Disclosure | None:
        """What Truth in Lending wants disclosed before the patient signs; None: nothing."""
        rows = [lending.Payment(row.date, row.principal_cents, row.interest_cents) for row in self.rows]
        return lending.of(rows, self.apr)

    def expected(self) -> list[dict[str, Any]]:
        """As JSON, to be compared with what Open Dental shows afterwards."""
        rows = [self.down, *self.rows] if self.down else list(self.rows)
        return [
            {"date": row.date.isoformat(), "principal_cents": row.principal_cents, "interest_cents": row.interest_cents}
            for row in rows
        ]


@dataclass(frozen=True)
class Wish:
    """Exactly one of `pay_cents` and `payments` is set."""

    pay_cents: int | None
    payments: int | None
    apr: Decimal
    down_cents: int
    frequency: Frequency
    start: date
    interest_start: date | None
    treatment: TreatmentPlanned = TreatmentPlanned.AWAIT_COMPLETE

    def terms(self, total_cents: int) -> Terms:
        """Raises UnableToSchedule."""
        return Terms(
            self.frequency, self.start, self._pay_cents(total_cents), float(self.apr), self.down_cents,
            self.interest_start or date.min, self.treatment,
        )  # fmt: skip

    def _pay_cents(self, total_cents: int) -> int:
        if self.pay_cents is not None:
            return self.pay_cents
        try:
            return schedule.pay_amount_cents(
                total_cents, self.payments or 0, down_cents=self.down_cents, apr_percent=float(self.apr),
                frequency=self.frequency,
            )  # fmt: skip
        except UnableToComputeAmount as error:
            raise UnableToSchedule("Enter at least one payment.", "payments") from error


def of_new(wish: Wish, works: Sequence[Work], today: date) -> Preview:
    """The schedule of a plan made today over this work. Raises UnableToSchedule."""
    links = [work.production() for work in works]
    total = sum(link.value_cents for link in links)
    if wish.down_cents > total:
        raise UnableToSchedule("The down payment is more than the work chosen.", "down")
    terms = wish.terms(total)
    projection = schedule.project(terms, links, today=today)
    if not projection.valid:
        raise UnableToSchedule("The payment does not even cover the interest: it would never end.", "pay")
    down = ProjectedRow(schedule.down_payment_date(wish.start, today), wish.down_cents, 0) if wish.down_cents else None
    return Preview(projection.rows, terms.pay_amount_cents, total, down, _waiting(links, wish.treatment), wish.apr)


def _waiting(links: Sequence[Production], treatment: TreatmentPlanned) -> int:
    awaits = treatment is TreatmentPlanned.AWAIT_COMPLETE
    return sum(link.value_cents for link in links if awaits and not link.complete)


def body_of_new(wish: Wish, works: Sequence[Work], **more: Any) -> dict[str, Any]:
    """The body of POST /payplans/Dynamic; `more` are fields without meaning for the schedule, left out where None."""
    amount: dict[str, Any] = (
        {"NumberOfPayments": wish.payments} if wish.pay_cents is None else {"PayAmt": dollars(wish.pay_cents)}
    )
    facts = {
        **amount,
        "APR": float(wish.apr),
        "DownPayment": dollars(wish.down_cents),
        "ChargeFrequency": wish.frequency.value,
        "DatePayPlanStart": wish.start.isoformat(),
        "DateInterestStart": wish.interest_start.isoformat() if wish.interest_start else None,
        "DynamicPayPlanTPOption": wish.treatment.value,
        "procNums": [one.number for one in works if one.kind is LinkKind.PROCEDURE],
        "adjNums": [one.number for one in works if one.kind is LinkKind.ADJUSTMENT],
        **more,
    }
    return {name: value for name, value in facts.items() if value is not None and value != []}


def dollars(cents: int) -> float:
    """Open Dental's numbers are dollars."""
    return cents / 100


def wish_of(plan: PayPlan) -> Wish:
    """The terms as they are now."""
    return Wish(
        plan.pay_amount_cents, None, plan.apr, plan.down_payment_cents, Frequency(plan.frequency),
        plan.start_date or date.min, plan.interest_start_date, TreatmentPlanned(plan.treatment_option),
    )  # fmt: skip


def of_plan(plan: PayPlan, wish: Wish, today: date) -> Preview:
    """What Open Dental will still issue of a plan under these terms, as far as its totals tell.

    `plan` is as last read, with its charge rows and splits. Raises UnableToSchedule.
    """
    rows = ChargeRow.objects.filter(installment__plan=plan).select_related("installment")
    issued = [
        Issued(
            row.charge_date, row.principal_cents, row.interest_cents, is_down_payment=row.installment.is_down_payment
        )
        for row in rows
    ]
    splits = PlanSplit.objects.filter(plan=plan)
    paid = [
        PaidSplit(one.amount_cents, DebitType(one.debit_type), is_unearned=one.unearned_type != 0) for one in splits
    ]
    links = schedule.production_from_totals(plan.principal_cents, plan.completed_cents)
    terms = replace(wish, down_cents=plan.down_payment_cents).terms(plan.principal_cents)
    projection = schedule.project(terms, links, issued, paid, today=today)
    if not projection.valid:
        raise UnableToSchedule("The payment does not even cover the interest: it would never end.", "pay")
    left = plan.principal_cents - sum(row.principal_cents for row in issued)
    return Preview(projection.rows, terms.pay_amount_cents, max(0, left), apr=wish.apr)
