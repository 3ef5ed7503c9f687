"""Money given back: of one payment, reserved before the processor is asked. Only settle_refund() moves it."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q, Sum

from payments.models.payments import Payment
from practices.models.rows import PracticeRow


class RefundState(models.TextChoices):
    STARTED = "STARTED", "Started"
    PENDING = "PENDING", "Processing"
    UNKNOWN = "UNKNOWN", "Outcome unknown"
    SUCCEEDED = "SUCCEEDED", "Given back"
    FAILED = "FAILED", "Failed"
    NOT_TAKEN = "NOT_TAKEN", "Not done"

    @classmethod
    def open(cls) -> list[str]:
        """News is still to come."""
        return [cls.STARTED, cls.PENDING, cls.UNKNOWN]

    @classmethod
    def holding(cls) -> list[str]:
        """Its cents are given back or reserved: nobody else can refund them."""
        return [*cls.open(), cls.SUCCEEDED]


class Refund(PracticeRow):
    class Origin(models.TextChoices):
        HERE = "HERE", "KasperPay"
        # Somebody made it in the processor's dashboard; it is a fact, so it is recorded whatever the sum says.
        ELSEWHERE = "ELSEWHERE", "At the processor"

    class Reason(models.TextChoices):
        REQUESTED = "REQUESTED", "The patient asked for it"
        DUPLICATE = "DUPLICATE", "Paid twice"
        OTHER = "OTHER", "Another reason"
        # The whole payment, on the day it was taken (payments/voids.py).
        VOID = "VOID", "Voided"
        # A lost dispute: nobody here gave it back, the bank took it (payments/dispute_outcomes.py).
        DISPUTE = "DISPUTE", "Lost dispute"

        @classmethod
        def of_staff(cls) -> list[tuple[str, str]]:
            """What a person can choose. A void has its own button."""
            return [choice for choice in cls.choices if choice[0] not in (cls.DISPUTE, cls.VOID)]

    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    amount_cents = models.BigIntegerField()
    # Its share of the payment's surcharge, fixed when it is reserved: not in the ledger (ADR 8).
    fee_cents = models.BigIntegerField(default=0, db_default=0)
    origin = models.CharField(max_length=9, choices=Origin.choices, default=Origin.HERE)
    reason = models.CharField(max_length=9, choices=Reason.choices, default=Reason.OTHER)
    # The installment is not opened again for what went back: KasperPay never collects it.
    closes = models.BooleanField(default=False, db_default=False)
    # For staff; never sent to the processor.
    note = models.CharField(max_length=200, blank=True)
    actor = models.CharField(max_length=80)
    state = models.CharField(max_length=10, choices=RefundState.choices, default=RefundState.STARTED)
    state_reason = models.CharField(max_length=200, blank=True)
    # Exactly what is sent, resent byte for byte; the key derives from uuid and never changes.
    params = models.JSONField(default=dict)
    # The processor's id of the refund; '' until it told us.
    reference = models.CharField(max_length=64, blank=True)
    trace = models.CharField(max_length=32, blank=True, default="")
    # Business time, and real time of the first request, by which keys age.
    started_at = models.DateTimeField()
    sent_at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[models.Manager[Refund]] = models.Manager()

    class Meta:
        # Never more than the payment: trigger refunds_within_payment (migration 0004).
        constraints = [
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="refund_has_an_amount"),
            models.UniqueConstraint(
                fields=["practice", "reference"], condition=~Q(reference=""), name="refund_reference_once"
            ),
            models.CheckConstraint(
                condition=Q(origin="HERE") | ~Q(reference=""), name="refund_made_elsewhere_has_its_reference"
            ),
        ]
        indexes = [
            # Read by the reconciler (payments/refund_news.py).
            models.Index(
                fields=["practice", "sent_at"],
                condition=Q(state__in=["STARTED", "PENDING", "UNKNOWN"]),
                name="refunds_to_reconcile",
            ),
            # Read by the Payments list (payments/payment_list.py), newest first.
            models.Index(fields=["practice", "-started_at", "-id"], name="refunds_recent"),
        ]

    def __str__(self) -> str:
        return f"refund {self.pk}"

    @property
    def key(self) -> str:
        # Never change this format: a resend after a deployment must carry the same key.
        return f"kp-refund-{self.uuid}"

    @property
    def is_lost_dispute(self) -> bool:
        return self.reason == self.Reason.DISPUTE

    @property
    def is_open(self) -> bool:
        return self.state in RefundState.open()

    @property
    def is_void(self) -> bool:
        return self.reason == self.Reason.VOID

    @property
    def back_cents(self) -> int:
        """Below zero, as a refund stands among payments."""
        return -self.amount_cents

    @classmethod
    def refundable_cents(cls, payment: Payment) -> int:
        """What is left of a payment. Under the lock when something is decided by it."""
        held = cls.objects.filter(payment=payment, state__in=RefundState.holding())
        return payment.amount_cents - _sum(held)

    @classmethod
    def refunded_cents(cls, payment: Payment) -> int:
        """What has gone back for certain."""
        return _sum(cls.objects.filter(payment=payment, state=RefundState.SUCCEEDED))


def _sum(rows: models.QuerySet[Refund]) -> int:
    return int(rows.aggregate(cents=Sum("amount_cents"))["cents"] or 0)
