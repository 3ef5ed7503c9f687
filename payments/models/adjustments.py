"""A discount on its way into Open Dental: an outbox row that is sent, found again and compared (docs/money.md)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

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
