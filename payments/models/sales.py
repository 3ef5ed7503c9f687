"""Money taken at the desk for what a patient owes outside plans: a sale and the lines it pays (docs/adr/0006)."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q

from patients.models import Patient
from practices.models.rows import PracticeRow


class Sale(PracticeRow):
    class Basis(models.TextChoices):
        PATIENT = "PATIENT", "Patient balance"
        FAMILY = "FAMILY", "Family balance"
        PROCEDURES = "PROCEDURES", "Selected procedures"
        CUSTOM = "CUSTOM", "Custom amount"
        PREPAYMENT = "PREPAYMENT", "Prepayment"

    class State(models.TextChoices):
        # Nothing is asked for yet and nothing held.
        DRAFT = "DRAFT", "Draft"
        OPEN = "OPEN", "Being paid"
        PAID = "PAID", "Paid"
        CANCELED = "CANCELED", "Canceled"
        # Says where a move puts a payment (payments/models/moves.py); never tendered.
        TARGET = "TARGET", "Target of a move"

    # In addresses: a draft is nobody's money yet, and its row number tells nothing.
    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="sales")
    basis = models.CharField(max_length=10, choices=Basis.choices)
    amount_cents = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    # For staff; goes into Open Dental's note of the payment, never to the processor.
    note = models.CharField(max_length=200, blank=True)
    actor = models.CharField(max_length=80)
    drafted_at = models.DateTimeField(help_text="Business time, UTC; when Open Dental was read")
    ended_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[models.Manager[Sale]] = models.Manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="sale_has_an_amount"),
        ]
        indexes = [
            # Read by payments/sales.py: sales that nobody goes on with.
            models.Index(fields=["practice", "drafted_at"], condition=Q(state="OPEN"), name="sales_being_paid"),
        ]

    def __str__(self) -> str:
        return f"sale {self.pk}"

    @property
    def is_prepayment(self) -> bool:
        return self.basis == self.Basis.PREPAYMENT


class SaleLine(PracticeRow):
    """A part of a sale: cents for one procedure, or for what no line can name. Lines of a sale sum to it."""

    class Kind(models.TextChoices):
        PROCEDURE = "PROCEDURE", "Procedure"
        REST = "REST", "Rest: oldest charges, then unearned"
        PREPAYMENT = "PREPAYMENT", "Prepayment"

    sale = models.ForeignKey(Sale, on_delete=models.PROTECT, related_name="lines")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    amount_cents = models.BigIntegerField()
    # As Open Dental showed it when the sale was drafted; for receipts. 0, '' and null where nothing is named.
    proc_num = models.BigIntegerField(default=0)
    service_date = models.DateField(null=True, blank=True)
    code = models.CharField(max_length=20, blank=True)
    description = models.CharField(max_length=200, blank=True)
    provider = models.CharField(max_length=40, blank=True)
    is_held = models.BooleanField(default=False)

    objects: ClassVar[models.Manager[SaleLine]] = models.Manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="sale_line_has_an_amount"),
            models.CheckConstraint(
                condition=Q(kind="PROCEDURE", proc_num__gt=0) | (~Q(kind="PROCEDURE") & Q(proc_num=0)),
                name="line_of_a_procedure_names_it",
            ),
            models.UniqueConstraint(
                fields=["practice", "proc_num"],
                condition=Q(is_held=True, proc_num__gt=0),
                name="one_sale_holds_a_procedure",
            ),
        ]
