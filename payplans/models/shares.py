"""Who else pays a part of a plan's installments: decisions of staff that are only added (ADR 14)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from patients.models import Patient
from payplans.models.plans import PayPlan
from practices.models.rows import PracticeRow


class PlanShare(PracticeRow):
    """From `from_date` on `payer` pays this much of each installment and the guarantor the rest; no payer: nobody."""

    plan = models.ForeignKey(PayPlan, on_delete=models.PROTECT, related_name="shares")
    payer = models.ForeignKey(Patient, null=True, blank=True, on_delete=models.PROTECT, related_name="plan_shares")
    # Hundredths of a percent of the installment, or cents of it.
    percent_bp = models.PositiveIntegerField(null=True, blank=True)
    cents = models.BigIntegerField(null=True, blank=True)
    # Counts for installments whose first due date is this day (practice-local) or later.
    from_date = models.DateField()
    reason = models.CharField(max_length=200)
    actor = models.CharField(max_length=80)
    made_at = models.DateTimeField(help_text="Business time, UTC")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(payer=None, percent_bp=None, cents=None)
                | Q(payer__isnull=False, percent_bp__gt=0, percent_bp__lt=100_00, cents=None)
                | Q(payer__isnull=False, percent_bp=None, cents__gt=0),
                name="plan_share_is_percent_or_cents",
            ),
        ]

    def __str__(self) -> str:
        if self.percent_bp is not None:
            return f"{self.percent_bp / 100:g} %"
        return f"${self.cents / 100:,.2f}" if self.cents else "nothing"

    def of_cents(self, amount_cents: int) -> int:
        """The share of an installment of this amount; half a cent is rounded up, and never more than all of it."""
        if self.percent_bp is not None:
            return (amount_cents * self.percent_bp + 50_00) // 100_00
        return min(amount_cents, self.cents or 0)
