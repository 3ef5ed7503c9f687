"""What closing a plan makes due and what pays it off, as Open Dental counts it (opendental-api 4.3 and 5.8). Cents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from payplans.models import ChargeRow, Installment, PayPlan, PlanSplit


@dataclass(frozen=True)
class Quote:
    """Of a plan as last read. `issued` and `principal_left` less `paid` is what pays it off."""

    # Charges that exist, principal and interest, also ones dated in the future.
    issued_cents: int
    # Of them, and of prepayments that wait on the plan.
    paid_cents: int
    # Principal of finished work that no charge asks for yet; falls due at once, on the plan or on the account.
    principal_left_cents: int
    # Interest that would still have come; it is not owed.
    interest_saved_cents: int
    # Planned work that is not done: leaves the plan, owed when it is done.
    not_done_cents: int
    # Interest of charges dated in the future: dropped when they fall due today.
    interest_dropped_cents: int = 0

    @property
    def pay_off_cents(self) -> int:
        owed = self.issued_cents - self.interest_dropped_cents + self.principal_left_cents
        return max(0, owed - self.paid_cents)

    @property
    def unpaid_cents(self) -> int:
        """Of the charges that exist."""
        return max(0, self.issued_cents - self.interest_dropped_cents - self.paid_cents)


def of(plan: PayPlan, today: date) -> Quote:
    """`today` is practice-local."""
    rows = list(ChargeRow.objects.filter(installment__plan=plan))
    principal = sum(row.principal_cents for row in rows)
    counted = plan.principal_cents if plan.treatment_option == "TreatAsComplete" else plan.completed_cents
    coming = plan.installments.filter(is_issued=False).exclude(status=Installment.Status.CANCELED)
    return Quote(
        issued_cents=sum(row.amount_cents for row in rows),
        paid_cents=sum(PlanSplit.objects.filter(plan=plan).values_list("amount_cents", flat=True)),
        principal_left_cents=max(0, counted - principal),
        interest_saved_cents=sum(coming.values_list("interest_cents", flat=True)),
        not_done_cents=max(0, plan.principal_cents - max(counted, principal)),
        interest_dropped_cents=sum(row.interest_cents for row in rows if row.charge_date > today),
    )
