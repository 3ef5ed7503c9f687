"""A discount on its way into Open Dental: an outbox row that is sent, found again and compared (docs/money.md)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from core.money import format_cents
from patients.models import Patient
from payments.models.payments import Allocation, Payment
from practices.models.rows import PracticeRow


class LedgerAdjustment(PracticeRow):
    """One negative adjustment on one procedure that a discounted tender paid."""

    class State(models.TextChoices):
        QUEUED = "QUEUED", "Waiting"
        SENDING = "SENDING", "Sending"
        UNCLEAR = "UNCLEAR", "Looking for it in Open Dental"
        POSTED = "POSTED", "Posted, reading back"
        MATCHED = "MATCHED", "Posted and read back"
        BY_HAND = "BY_HAND", "Waits for staff to enter it in Open Dental"
        # A person says so, with a reason; nothing was compared (opendental/adjusting.py).
        MARKED = "MARKED", "Entered by hand, not read back"

        @classmethod
        def unsettled(cls) -> list[str]:
            """A program still works on it."""
            return [cls.QUEUED, cls.SENDING, cls.UNCLEAR, cls.POSTED]

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="adjustments")
    allocation = models.OneToOneField(Allocation, on_delete=models.PROTECT, related_name="adjustment")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+", db_index=False)
    proc_num = models.BigIntegerField()
    # Open Dental's adjustment type (DefNum).
    adj_type_num = models.BigIntegerField()
    amount_cents = models.BigIntegerField(help_text="Below zero")
    # So much of it was taken back with refunds of the payment (payments/discount_back.py); never more than it.
    returned_cents = models.BigIntegerField(default=0, db_default=0)
    # At the start of AdjNote; derives from the attempt's uuid.
    reference = models.CharField(max_length=25, unique=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    state_reason = models.CharField(max_length=300, blank=True)
    adj_num = models.BigIntegerField(null=True, blank=True)
    sent_body = models.JSONField(default=dict, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    next_at = models.DateTimeField(help_text="When the poster looks at it again")
    searches = models.PositiveSmallIntegerField(default=0)
    sends = models.PositiveSmallIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    matched_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[models.Manager[LedgerAdjustment]] = models.Manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_cents__lt=0, proc_num__gt=0), name="adjustment_takes_off"),
        ]
        indexes = [
            models.Index(
                fields=["practice", "next_at"],
                condition=~Q(state="MATCHED"),
                name="adjustments_to_work",
            ),
        ]

    def __str__(self) -> str:
        return f"adjustment {self.pk}"

    @property
    def target_cents(self) -> int:
        """What is to stand in the ledger: below zero, or 0 once all of the payment went back."""
        return self.amount_cents + self.returned_cents

    @property
    def is_edit(self) -> bool:
        """It stands there with a number; what is sent next changes its amount."""
        return self.adj_num is not None

    @property
    def alarm_key(self) -> str:
        return f"adjustment:{self.pk}"

    @property
    def about(self) -> dict[str, int]:
        """The ids under which its events and alarms are found."""
        return {"adjustment": self.pk, "payment": self.payment_id, "patient": self.patient_id}

    @property
    def steps(self) -> str:
        """What a person does when no program can."""
        there = f"On the account of patient {self.patient.pat_num} there must be"
        if not self.target_cents:
            return (
                f"The payment of a cash discount was given back. {there} no discount any more: set the adjustment "
                f"on procedure {self.proc_num} whose note begins with {self.reference} to $0.00, or delete it. This "
                "closes by itself then."
            )
        return (
            f"A cash discount does not stand right in Open Dental. {there} one adjustment of "
            f"{format_cents(self.target_cents)} attached to procedure {self.proc_num}, its note beginning with "
            f"{self.reference}. This closes by itself then."
        )
