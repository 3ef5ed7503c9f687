"""One scheduled payment of a plan. It keeps its identity over re-syncs, issuing and moved dates."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from payplans.models.plans import PayPlan
from practices.models.rows import PracticeRow


class InstallmentQuerySet(models.QuerySet["Installment"]):
    def unpaid(self) -> Self:
        return self.filter(status__in=[Installment.Status.PENDING, Installment.Status.FAILED])

    def before(self, installment: Installment) -> Self:
        """Unpaid installments of the same plan that Open Dental will issue earlier than this one."""
        earlier = self.unpaid().filter(plan=installment.plan_id, is_issued=False)
        return earlier.filter(due_date__lt=installment.due_date).exclude(pk=installment.pk)


class Installment(PracticeRow):
    class Status(models.TextChoices):
        PENDING = "PENDING", "Pending"
        PAID = "PAID", "Paid"
        FAILED = "FAILED", "Failed"
        CANCELED = "CANCELED", "Canceled"

    plan = models.ForeignKey(PayPlan, on_delete=models.PROTECT, related_name="installments")
    due_date = models.DateField(help_text="Practice-local day")
    # Where the schedule first put it; differs from due_date when Open Dental moved it.
    first_due_date = models.DateField()
    principal_cents = models.BigIntegerField()
    interest_cents = models.BigIntegerField(default=0)
    is_down_payment = models.BooleanField(default=False)
    # Open Dental has made the charge rows (ChargeRow); before that the numbers are a projection.
    is_issued = models.BooleanField(default=False)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    # Why it was canceled, or how it was paid outside: short, for staff.
    status_note = models.CharField(max_length=200, blank=True)
    # What we took for it (net of refunds) and what Open Dental shows paid by others.
    collected_cents = models.BigIntegerField(default=0)
    office_paid_cents = models.BigIntegerField(default=0)
    # Given back and closed by staff: never collected by KasperPay, though Open Dental still shows it owed.
    forgiven_cents = models.BigIntegerField(default=0, db_default=0)
    # What the second payer gave (net of refunds that are owed again): counts as theirs (payplans/shares.py).
    shared_cents = models.BigIntegerField(default=0, db_default=0)
    paid_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager[Installment]] = models.Manager.from_queryset(InstallmentQuerySet)()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(principal_cents__gte=0, interest_cents__gte=0, collected_cents__gte=0),
                name="installment_amounts_not_negative",
            ),
        ]
        indexes = [
            models.Index(fields=["plan", "due_date"], name="installments_of_a_plan"),
            # What is late and what failed, for the board of plans (payments/plan_list.py): few of many.
            models.Index(
                fields=["practice", "due_date"],
                condition=Q(status__in=["PENDING", "FAILED"]),
                name="installments_unpaid",
            ),
            models.Index(fields=["practice", "plan"], condition=Q(status="FAILED"), name="installments_failed"),
        ]

    def __str__(self) -> str:
        return f"installment {self.pk}"

    @property
    def amount_cents(self) -> int:
        return self.principal_cents + self.interest_cents

    @property
    def owed_cents(self) -> int:
        """What is still to be collected, never negative."""
        return max(0, self.amount_cents - self.collected_cents - self.office_paid_cents - self.forgiven_cents)

    @property
    def is_open(self) -> bool:
        return self.status in (self.Status.PENDING, self.Status.FAILED)


class ChargeRow(PracticeRow):
    """One payplancharge row that Open Dental issued: the thing a payment is posted against."""

    installment = models.ForeignKey(Installment, on_delete=models.CASCADE, related_name="charge_rows")
    pay_plan_charge_num = models.BigIntegerField()
    charge_date = models.DateField()
    principal_cents = models.BigIntegerField()
    interest_cents = models.BigIntegerField()
    # Paid on exactly this row, from all splits read back.
    paid_cents = models.BigIntegerField(default=0)
    note = models.CharField(max_length=255, blank=True)
    is_offset = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "pay_plan_charge_num"], name="charge_row_once_per_practice")
        ]

    @property
    def amount_cents(self) -> int:
        return self.principal_cents + self.interest_cents
