"""A payment plan as Open Dental has it, and what was paid on it there."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models

from patients.models import Patient
from practices.models.rows import PracticeRow


class PayPlanQuerySet(models.QuerySet["PayPlan"]):
    def open(self) -> Self:
        return self.filter(is_closed=False, gone_at=None)


class PayPlan(PracticeRow):
    class Kind(models.TextChoices):
        DYNAMIC = "DYNAMIC", "Payment plan"
        OLD = "OLD", "Old payment plan"
        INSURANCE = "INSURANCE", "Insurance payment plan"

    class Frequency(models.TextChoices):
        """Open Dental's ChargeFrequency."""

        WEEKLY = "Weekly", "weekly"
        EVERY_OTHER_WEEK = "EveryOtherWeek", "every other week"
        MONTHLY = "Monthly", "monthly"
        QUARTERLY = "Quarterly", "quarterly"
        ORDINAL_WEEKDAY = "OrdinalWeekday", "monthly on a weekday"

    pay_plan_num = models.BigIntegerField()
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="plans")
    # Who pays and gets the messages (decisions 12); need not be in the patient's family.
    guarantor = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="guaranteed_plans")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    category = models.CharField(max_length=80, blank=True)
    agreed_date = models.DateField(null=True, help_text="Date of Agreement (PayPlanDate)")
    apr = models.DecimalField(max_digits=7, decimal_places=4, default=0)
    pay_amount_cents = models.BigIntegerField(default=0)
    down_payment_cents = models.BigIntegerField(default=0)
    principal_cents = models.BigIntegerField(default=0)
    completed_cents = models.BigIntegerField(default=0)
    frequency = models.CharField(max_length=16, choices=Frequency.choices, default=Frequency.MONTHLY)
    start_date = models.DateField(null=True)
    interest_start_date = models.DateField(null=True)
    treatment_option = models.CharField(max_length=16, default="None", help_text="DynamicPayPlanTPOption")
    is_locked = models.BooleanField(default=False)
    is_closed = models.BooleanField(default=False)
    # Open Dental no longer has it.
    gone_at = models.DateTimeField(null=True, blank=True)
    # The terms never pay the plan off, or can't be projected; shown instead of a schedule.
    schedule_problem = models.CharField(max_length=200, blank=True)
    # The office's own recurring card tool is active on this plan: autopay is refused.
    office_card_active = models.BooleanField(default=False)
    synced_at = models.DateTimeField()
    # Somebody beside the guarantor pays, or paid, a part (PlanShare): most plans are spared the question. Written and
    # believed only under the lock of the installments.
    is_shared = models.BooleanField(default=False, db_default=False)
    # Raised with every stored change of terms, so that a charge can tell that it looked at the same plan.
    revision = models.PositiveIntegerField(default=1)

    objects: ClassVar[models.Manager[PayPlan]] = models.Manager.from_queryset(PayPlanQuerySet)()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "pay_plan_num"], name="plan_once_per_practice")]
        indexes = [models.Index(fields=["practice", "is_closed"], name="plans_open")]

    def __str__(self) -> str:
        return f"plan {self.pay_plan_num}"

    @property
    def is_collectable(self) -> bool:
        """Insurance plans are paid by a carrier and never charged."""
        return self.kind != self.Kind.INSURANCE and not self.is_closed and self.gone_at is None


class PlanSplit(PracticeRow):
    """One Open Dental paysplit on a plan, mirrored to know what is still owed."""

    plan = models.ForeignKey(PayPlan, on_delete=models.CASCADE, related_name="splits")
    split_num = models.BigIntegerField()
    pay_num = models.BigIntegerField()
    # 0 = on the plan, not on one of its charges.
    pay_plan_charge_num = models.BigIntegerField(default=0)
    amount_cents = models.BigIntegerField()
    debit_type = models.CharField(max_length=10, default="Unknown", help_text="Principal, Interest or Unknown")
    # Not 0 = a prepayment that waits for a charge.
    unearned_type = models.BigIntegerField(default=0)
    paid_date = models.DateField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "split_num"], name="split_once_per_practice")]
