"""Money on its way from the processor to the practice's bank, and line by line what it is made of."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from payments.models.payments import Payment
from payments.models.refunds import Refund
from practices.models.rows import PracticeRow
from processors.port import LineKind, PayoutNews


class Payout(PracticeRow):
    class State(models.TextChoices):
        PENDING = PayoutNews.PENDING, "Being prepared"
        IN_TRANSIT = PayoutNews.IN_TRANSIT, "On its way to the bank"
        PAID = PayoutNews.PAID, "Paid out"
        FAILED = PayoutNews.FAILED, "Returned by the bank"
        CANCELED = PayoutNews.CANCELED, "Canceled"

    reference = models.CharField(max_length=64)
    # Below zero: the bank was debited.
    amount_cents = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=State.choices)
    made_at = models.DateTimeField(help_text="By the processor, UTC")
    arrives_date = models.DateField(help_text="The bank's day")
    failure = models.CharField(max_length=200, blank=True)
    # Of a manual payout the processor doesn't say what is in it.
    is_automatic = models.BooleanField(default=True)
    # The processor knows all its lines; they were read.
    is_complete = models.BooleanField(default=False)
    read_at = models.DateTimeField(null=True, blank=True)
    # Amount less the net of its lines; null until they were read. Anything but 0 has an alarm.
    difference_cents = models.BigIntegerField(null=True, blank=True)
    # The later payout that carries the money of this one, which came back.
    carried_by = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="carries")

    objects: ClassVar[models.Manager[Payout]] = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "reference"], name="payout_reference_once")]
        indexes = [models.Index(fields=["practice", "-made_at"], name="payouts_recent")]

    def __str__(self) -> str:
        return f"payout {self.pk}"

    @classmethod
    def before(cls, state: str) -> list[str]:
        """The states that news of `state` may follow: news is fetched at one time and stored at another."""
        if state == cls.State.IN_TRANSIT:
            return [cls.State.PENDING]
        if state == cls.State.PAID:
            return [cls.State.PENDING, cls.State.IN_TRANSIT]
        # A bank may return what counted as paid.
        is_end = state in (cls.State.FAILED, cls.State.CANCELED)
        return [cls.State.PENDING, cls.State.IN_TRANSIT, cls.State.PAID] if is_end else []


class PayoutLine(PracticeRow):
    """One line of the processor's balance inside a payout; net = amount - fee, all signed cents."""

    class Kind(models.TextChoices):
        PAYMENT = LineKind.PAYMENT, "Payment"
        REFUND = LineKind.REFUND, "Refund"
        REFUND_FAILED = LineKind.REFUND_FAILED, "Refund that failed"
        DISPUTE = LineKind.DISPUTE, "Dispute"
        FEE = LineKind.FEE, "Processor's fee"
        RETURNED = LineKind.RETURNED, "Returned payout"
        OTHER = LineKind.OTHER, "Unknown"

    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="lines")
    reference = models.CharField(max_length=64)
    kind = models.CharField(max_length=14, choices=Kind.choices)
    # The processor's own name of the kind.
    word = models.CharField(max_length=60)
    amount_cents = models.BigIntegerField()
    fee_cents = models.BigIntegerField()
    net_cents = models.BigIntegerField()
    made_at = models.DateTimeField(help_text="UTC")
    source = models.CharField(max_length=64, blank=True)
    # The processor's id of the payment it belongs to, also of one that isn't ours.
    intent = models.CharField(max_length=64, blank=True)
    description = models.CharField(max_length=200, blank=True)
    # Without a constraint of the database: checking one would lock rows of the money path.
    payment = models.ForeignKey(
        Payment, null=True, blank=True, on_delete=models.PROTECT, related_name="payout_lines", db_constraint=False
    )
    refund = models.ForeignKey(
        Refund, null=True, blank=True, on_delete=models.PROTECT, related_name="payout_lines", db_constraint=False
    )

    objects: ClassVar[models.Manager[PayoutLine]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "reference"], name="payout_line_reference_once"),
            models.CheckConstraint(
                condition=Q(net_cents=F("amount_cents") - F("fee_cents")), name="payout_line_net_is_amount_less_fee"
            ),
        ]
        indexes = [models.Index(fields=["practice", "made_at"], name="payout_lines_by_time")]

    @classmethod
    def in_suspense(cls) -> Q:
        """Lines that nobody here can explain: of an unknown type, or of something that isn't in our books."""
        of_ours = [cls.Kind.PAYMENT, cls.Kind.DISPUTE]
        of_refunds = [cls.Kind.REFUND, cls.Kind.REFUND_FAILED]
        return Q(kind=cls.Kind.OTHER) | Q(kind__in=of_ours, payment=None) | Q(kind__in=of_refunds, refund=None)

    @property
    def carrier(self) -> Payout:
        """The payout that carries its money now."""
        return self.payout.carried_by or self.payout

    @property
    def is_in_suspense(self) -> bool:
        if self.kind in (self.Kind.PAYMENT, self.Kind.DISPUTE):
            return self.payment_id is None
        if self.kind in (self.Kind.REFUND, self.Kind.REFUND_FAILED):
            return self.refund_id is None
        return self.kind == self.Kind.OTHER
