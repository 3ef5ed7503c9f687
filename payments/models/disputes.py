"""A payment that the cardholder's bank disputes: how far it is, what money went, what is frozen (docs/money.md)."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from cards.models import Card
from core import calendar
from payments.models.payments import Payment
from payments.models.refunds import Refund
from practices.models.rows import PracticeRow
from processors.port import DisputeNews


class Dispute(PracticeRow):
    class State(models.TextChoices):
        INQUIRY = DisputeNews.INQUIRY, "Inquiry: reply or refund"
        INQUIRY_REVIEW = DisputeNews.INQUIRY_REVIEW, "Inquiry: the bank reads the reply"
        INQUIRY_CLOSED = DisputeNews.INQUIRY_CLOSED, "Inquiry closed"
        NEEDS_RESPONSE = DisputeNews.NEEDS_RESPONSE, "Needs a reply"
        UNDER_REVIEW = DisputeNews.UNDER_REVIEW, "The bank decides"
        PREVENTED = DisputeNews.PREVENTED, "Prevented"
        LOST = DisputeNews.LOST, "Lost"
        APPEAL = DisputeNews.APPEAL, "Appeal: needs a reply"
        APPEAL_REVIEW = DisputeNews.APPEAL_REVIEW, "Appeal: the bank decides"
        WON = DisputeNews.WON, "Won"

    # What a claim is refused with (payments/guards.py), and by which the waiting parts are found again.
    FROZEN: ClassVar[str] = "Autopay with this card is held: a payment with it is disputed"

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="disputes")
    reference = models.CharField(max_length=64)
    state = models.CharField(max_length=14, choices=State.choices)
    # The processor's word; payments/dispute_words.py has ours.
    reason = models.CharField(max_length=40)
    network_code = models.CharField(max_length=20, blank=True)
    amount_cents = models.BigIntegerField()
    # By the dispute's own lines of the balance: what is gone now, and what it cost.
    withdrawn_cents = models.BigIntegerField(default=0)
    fee_cents = models.BigIntegerField(default=0)
    # The processor would still give the payment back (an inquiry).
    is_refundable = models.BooleanField(default=False)
    reply_by = models.DateTimeField(null=True, blank=True, help_text="UTC")
    made_at = models.DateTimeField(help_text="By the processor, UTC")
    # Real time at which what stands here was asked for.
    heard_at = models.DateTimeField()
    over_at = models.DateTimeField(null=True, blank=True, help_text="Business time")
    # The number of the card; every card with it is frozen for autopay. '' = the processor named none.
    fingerprint = models.CharField(max_length=64, blank=True)
    is_frozen = models.BooleanField(default=False)
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.CharField(max_length=80, blank=True)
    release_reason = models.CharField(max_length=200, blank=True)
    # Staff say so: KasperPay sends no evidence.
    submitted_on = models.DateField(null=True, blank=True, help_text="Practice-local")
    submitted_note = models.CharField(max_length=200, blank=True)
    # What a lost one took out of the books.
    loss = models.OneToOneField(Refund, null=True, blank=True, on_delete=models.PROTECT, related_name="dispute")

    objects: ClassVar[models.Manager[Dispute]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "reference"], name="dispute_reference_once"),
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="dispute_has_an_amount"),
            models.CheckConstraint(
                condition=Q(is_frozen=False) | Q(released_at=None), name="released_dispute_is_not_frozen"
            ),
        ]
        indexes = [
            models.Index(fields=["practice", "-made_at"], name="disputes_recent"),
            # Read by every autopay (payments/guards.py).
            models.Index(fields=["practice", "fingerprint"], condition=Q(is_frozen=True), name="disputes_frozen"),
        ]

    def __str__(self) -> str:
        return f"dispute {self.pk}"

    @classmethod
    def in_play(cls) -> list[str]:
        """The bank has not decided."""
        states = cls.State
        return [
            states.INQUIRY, states.INQUIRY_REVIEW, states.NEEDS_RESPONSE, states.UNDER_REVIEW, states.APPEAL,
            states.APPEAL_REVIEW,
        ]  # fmt: skip

    @classmethod
    def awaiting_reply(cls) -> list[str]:
        return [cls.State.INQUIRY, cls.State.NEEDS_RESPONSE, cls.State.APPEAL]

    @classmethod
    def unsettled(cls) -> Q:
        """News is still to come, or what it said is not carried through."""
        not_back = ~Q(withdrawn_cents=0) | Q(loss__state="SUCCEEDED")
        return Q(state__in=cls.in_play()) | Q(state=cls.State.WON) & not_back | Q(state=cls.State.LOST, loss=None)

    @classmethod
    def freezes(cls, card: Card) -> bool:
        """Autopay with this card number is held (every card of the number)."""
        return cls.objects.filter(practice_id=card.practice_id, fingerprint=card.fingerprint, is_frozen=True).exists()

    @classmethod
    def frozen_numbers(cls, practice_id: int) -> set[str]:
        """Of all cards whose autopay is held."""
        held = cls.objects.filter(practice_id=practice_id, is_frozen=True)
        return set(held.values_list("fingerprint", flat=True))

    @classmethod
    def barring_refunds(cls, payment: Payment) -> Dispute | None:
        """The open dispute because of which the processor gives nothing of this payment back."""
        return cls.objects.filter(payment=payment, state__in=cls.in_play(), is_refundable=False).first()

    @property
    def is_in_play(self) -> bool:
        return self.state in self.in_play()

    @property
    def awaits_reply(self) -> bool:
        return self.state in self.awaiting_reply()

    @property
    def wants_freeze(self) -> bool:
        """Lost ones too: only a person ends that."""
        return (
            bool(self.fingerprint) and self.released_at is None and (self.is_in_play or self.state == self.State.LOST)
        )

    @property
    def is_not_back(self) -> bool:
        """Won, and the balance does not have the money yet."""
        return self.state == self.State.WON and self.withdrawn_cents != 0

    def days_left(self, now: datetime) -> int | None:
        """Practice-local days to the last one on which a reply is in time; below zero when it is past."""
        if self.reply_by is None or not self.awaits_reply:
            return None
        zone = self.practice.zone
        return (calendar.local_date(self.reply_by, zone) - calendar.local_date(now, zone)).days

    def reply_date(self) -> date | None:
        return calendar.local_date(self.reply_by, self.practice.zone) if self.reply_by else None

    def may_become(self, state: str) -> bool:
        """Only forward; an appeal may be lost like the dispute before it."""
        if state == self.State.LOST and self.state in (self.State.APPEAL, self.State.APPEAL_REVIEW):
            return True
        order = list(self.State.values)
        return order.index(state) > order.index(self.state)


# Open ones first, of those the nearest day to reply by; then those that were over last.
OPEN_FIRST = (F("over_at").desc(nulls_first=True), F("reply_by").asc(nulls_last=True), "-pk")
