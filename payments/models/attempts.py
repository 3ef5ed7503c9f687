"""One try to move money. The row is committed before the processor is asked, and only settle() moves it."""

from __future__ import annotations

import uuid
from typing import ClassVar, NamedTuple

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from cards.models import Card
from practices.models.rows import PracticeRow


class AttemptState(models.TextChoices):
    STARTED = "STARTED", "Started"
    PENDING = "PENDING", "Processing"
    UNKNOWN = "UNKNOWN", "Outcome unknown"
    SUCCEEDED = "SUCCEEDED", "Succeeded"
    DECLINED = "DECLINED", "Declined"
    NOT_TAKEN = "NOT_TAKEN", "Not taken"

    @classmethod
    def open(cls) -> list[str]:
        """News is still to come."""
        return [cls.STARTED, cls.PENDING, cls.UNKNOWN]

    @classmethod
    def open_or_paid(cls) -> list[str]:
        """At most one attempt of a due part is in these (M2)."""
        return [*cls.open(), cls.SUCCEEDED]


class CardTold(NamedTuple):
    """A card as a receipt names it: "Visa", "4242"."""

    brand: str
    last4: str


class Attempt(PracticeRow):
    class Channel(models.TextChoices):
        AUTOPAY = "AUTOPAY", "Autopay"
        PAY_NOW = "PAY_NOW", "Pay Now"
        FIX_LINK = "FIX_LINK", "Fix-it link"
        # Of desk sales.
        ON_FILE = "ON_FILE", "Card on file"
        RECORDED = "RECORDED", "Cash, check or other"
        # A person presents the card (docs/adr/0007).
        TERMINAL = "TERMINAL", "Terminal"
        HOSTED = "HOSTED", "Manual entry"
        # The patient pays a request on their phone (docs/adr/0012).
        LINK_PAGE = "LINK_PAGE", "Text to pay"
        LINK_CARD = "LINK_CARD", "Text to pay, card on file"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    due_part = models.ForeignKey("payments.DuePart", on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveIntegerField(help_text="1 for the first try of the due part")
    amount_cents = models.BigIntegerField()
    # Null where no saved card paid: `paid_with` says then what did.
    card = models.ForeignKey(Card, null=True, blank=True, on_delete=models.PROTECT, related_name="attempts")
    paid_with = models.CharField(max_length=80, blank=True, default="", db_default="")
    # Open Dental's payment type (DefNum) of what the processor is not asked for; null: the one for cards.
    # What a presented card was, once it has paid: brand, last4, funding ... (processors.port.PaidWith).
    card_facts = models.JSONField(null=True, blank=True)
    # The processor's id of the hosted page; '' until it told us, and where there is none.
    page = models.CharField(max_length=100, blank=True, default="", db_default="")
    pay_type_num = models.BigIntegerField(null=True, blank=True)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    actor = models.CharField(max_length=80)
    state = models.CharField(max_length=10, choices=AttemptState.choices, default=AttemptState.STARTED)
    # Exactly what is sent, resent byte for byte; keys derive from uuid and never change.
    create_params = models.JSONField()
    confirm_params = models.JSONField()
    # The processor's id of the intent; '' until it told us.
    reference = models.CharField(max_length=64, blank=True)
    charge_reference = models.CharField(max_length=64, blank=True)
    decline_code = models.CharField(max_length=60, blank=True)
    advice_code = models.CharField(max_length=60, blank=True)
    network_decline_code = models.CharField(max_length=12, blank=True)
    network_advice_code = models.CharField(max_length=12, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    # Business time of the try; and real time of the first request, by which keys age.
    started_at = models.DateTimeField()
    sent_at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    # The id that every log line about this charge carries, from the sweep to the ledger (core/trace.py).
    trace = models.CharField(max_length=32, blank=True, default="", db_default="")
    # Found at the processor after a restore (payments/recover.py): its posting and message may exist already.
    recovered_at = models.DateTimeField(null=True, blank=True)
    # It took nothing, and its intent is not known to be canceled yet (payments/loose_ends.py).
    is_loose = models.BooleanField(default=False, db_default=False)

    objects: ClassVar[models.Manager[Attempt]] = models.Manager()

    class Meta:
        constraints = [
            # M2: two rows here would be two charges of the same money.
            models.UniqueConstraint(
                fields=["due_part"],
                condition=Q(state__in=["STARTED", "PENDING", "UNKNOWN", "SUCCEEDED"]),
                name="one_open_or_paid_attempt_per_due_part",
            ),
            models.UniqueConstraint(
                fields=["practice", "reference"], condition=~Q(reference=""), name="attempt_reference_once"
            ),
            models.CheckConstraint(
                condition=Q(amount_cents__gte=50) | Q(channel="RECORDED", amount_cents__gt=0),
                name="attempt_at_least_50_cents",
            ),
            models.CheckConstraint(
                condition=Q(card__isnull=False) | Q(channel__in=["RECORDED", "TERMINAL", "HOSTED", "LINK_PAGE"]),
                name="attempt_on_file_has_a_card",
            ),
        ]
        indexes = [
            # Read by the reconciler (payments/reconcile.py).
            models.Index(
                fields=["practice", "sent_at"],
                condition=Q(state__in=["STARTED", "PENDING", "UNKNOWN"]),
                name="attempts_to_reconcile",
            ),
            models.Index(fields=["practice", "sent_at"], condition=Q(is_loose=True), name="attempts_with_loose_ends"),
            # Read by the inbox (payments/inbox.py): whose page is over.
            models.Index(fields=["page"], condition=~Q(page=""), name="attempts_by_page"),
            # Read by the Payments list (payments/payment_list.py), newest first; and of what one person did.
            models.Index(fields=["practice", "-started_at", "-id"], name="attempts_recent"),
            models.Index(
                fields=["practice", "actor", "-started_at"],
                condition=~Q(channel="AUTOPAY"),
                name="attempts_by_people",
            ),
            # Read by the numbers of the last day (kasperpay/metrics.py). Rows are written in this order: a few pages.
            BrinIndex(fields=["sent_at"], name="attempts_by_time"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.pk}"

    @property
    def create_key(self) -> str:
        # Never change this format: a resend after a deployment must carry the same key.
        return f"kp-create-{self.uuid}"

    @property
    def confirm_key(self) -> str:
        return f"kp-confirm-{self.uuid}"

    @property
    def means(self) -> str:
        """What pays, as people say it: "Visa 4242", "Check 1044"."""
        return str(self.card) if self.card else self.paid_with or "no card yet"

    @property
    def card_told(self) -> CardTold | None:
        """The saved or presented card; None for cash, checks and other, and for a card that nobody presented yet."""
        if self.card:
            return CardTold(self.card.brand.title(), self.card.last4)
        facts = self.card_facts
        return CardTold(facts["brand"].title(), facts["last4"]) if facts else None

    @property
    def saved_card(self) -> Card:
        """The card that was asked: of every attempt but recorded and presented ones."""
        if self.card is None:
            raise ValueError(f"{self} was not of a saved card")
        return self.card

    @property
    def is_presented(self) -> bool:
        """A person presents the card: several may be tried, and only the processor says when it is over."""
        return self.channel == self.Channel.TERMINAL or self.is_at_page

    @property
    def is_at_page(self) -> bool:
        """The card is typed in on the processor's page, at the desk or on a phone."""
        return self.channel in (self.Channel.HOSTED, self.Channel.LINK_PAGE)

    @property
    def known_as(self) -> str:
        """What the processor calls it, as far as it told us: the intent, before that the page; '' = nothing yet."""
        return self.reference or self.page

    @property
    def is_final(self) -> bool:
        return self.state not in AttemptState.open()
