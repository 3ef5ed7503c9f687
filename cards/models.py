"""Cards belong to a person (decisions 12). Autopay is a card on a plan with a consent that stands."""

from __future__ import annotations

import uuid
from datetime import date
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from core.calendar import last_day_of_month
from patients.models import Patient
from payplans.models import PayPlan
from practices.models.rows import PracticeRow


class CardQuerySet(models.QuerySet["Card"]):
    def usable(self) -> Self:
        return self.filter(state=Card.State.ACTIVE)


class Card(PracticeRow):
    class State(models.TextChoices):
        ACTIVE = "ACTIVE", "Active"
        # The network said never again: kept to show why, never charged.
        BLOCKED = "BLOCKED", "Needs replacement"
        REMOVED = "REMOVED", "Removed"

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="cards")
    customer = models.CharField(max_length=64)
    payment_method = models.CharField(max_length=64)
    brand = models.CharField(max_length=20)
    last4 = models.CharField(max_length=4)
    exp_month = models.PositiveSmallIntegerField()
    exp_year = models.PositiveSmallIntegerField()
    funding = models.CharField(max_length=10, default="unknown", help_text="credit, debit, prepaid, unknown")
    # The same number has the same fingerprint: the decline budget counts by it.
    fingerprint = models.CharField(max_length=64)
    is_primary = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    state_reason = models.CharField(max_length=200, blank=True)
    # The bank or network forbade it; holds for every card with the same fingerprint, also one entered again.
    never_again = models.BooleanField(default=False)
    saved_at = models.DateTimeField()

    objects: ClassVar[models.Manager[Card]] = models.Manager.from_queryset(CardQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "payment_method"], name="card_once_per_practice"),
            models.UniqueConstraint(
                fields=["patient"], condition=Q(is_primary=True, state="ACTIVE"), name="one_primary_card_per_person"
            ),
        ]
        indexes = [
            models.Index(fields=["practice", "last4"], name="cards_by_last4"),
            # Read by every charge: cards of one number share a budget (payments/locks.py, payments/budget.py).
            models.Index(fields=["practice", "fingerprint"], name="cards_of_one_number"),
        ]

    def __str__(self) -> str:
        return f"{self.brand.title()} {self.last4}"

    def expires_before(self, day: date) -> bool:
        """True when the card is no longer valid on `day` (a card is good to the end of its month)."""
        return last_day_of_month(self.exp_year, self.exp_month) < day


class CardSetup(PracticeRow):
    """One visit to the hosted page to save a card; the row is committed before the page is asked for."""

    class State(models.TextChoices):
        OPEN = "OPEN", "Open"
        SAVED = "SAVED", "Card saved"
        EXPIRED = "EXPIRED", "Expired"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    session = models.CharField(max_length=120, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    card = models.ForeignKey(Card, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # Where the browser goes afterwards (a path of ours).
    return_path = models.CharField(max_length=300)
    # The fix-it link this card was entered for: its due part is charged once the card is saved.
    link_nonce = models.UUIDField(null=True, blank=True)
    # The words that stand on the page and under which the card is kept; '' = another consent covers it.
    consent_text = models.TextField(blank=True, default="", db_default="")
    language = models.CharField(max_length=5, default="en", db_default="en")
    actor = models.CharField(max_length=80)
    created_at = models.DateTimeField()


class Consent(PracticeRow):
    """What a person agreed to, word for word. Never edited; it can only be revoked."""

    class Kind(models.TextChoices):
        AUTOPAY = "AUTOPAY", "Autopay of a plan"
        CARD_ON_FILE = "CARD_ON_FILE", "Card on file"
        ONE_CHARGE = "ONE_CHARGE", "One charge"

    class Channel(models.TextChoices):
        STAFF = "STAFF", "Witnessed by staff"
        LINK = "LINK", "Patient's phone"
        PAGE = "PAGE", "On the card page"

    kind = models.CharField(max_length=12, choices=Kind.choices)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="consents")
    card = models.ForeignKey(Card, on_delete=models.PROTECT, related_name="consents")
    plan = models.ForeignKey(PayPlan, null=True, blank=True, on_delete=models.PROTECT, related_name="consents")
    text = models.TextField()
    text_version = models.CharField(max_length=20)
    language = models.CharField(max_length=5, default="en")
    card_last4 = models.CharField(max_length=4)
    # [{"installment": 7, "due_date": "2026-12-01", "amount_cents": 12860}, …] as it stood when they agreed; the payer's
    # own part. Older ones of autopay name no installment.
    schedule = models.JSONField(default=list)
    # The plan's terms beside the schedule: {"apr": "6.5"}; {} = older than that.
    terms = models.JSONField(default=dict, blank=True, db_default={})
    # The Truth in Lending disclosure that stands in the text (payplans/lending.py); null = none was needed.
    disclosure = models.JSONField(null=True, blank=True)
    # 0 of a card on file: nothing is charged by itself.
    max_charge_cents = models.BigIntegerField()
    channel = models.CharField(max_length=8, choices=Channel.choices)
    given_by = models.CharField(max_length=80, help_text='"user:3" as witness, or "patient:9"')
    given_at = models.DateTimeField()
    ip = models.GenericIPAddressField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(max_charge_cents__gt=0) | Q(kind="CARD_ON_FILE", max_charge_cents=0),
                name="consent_has_its_maximum",
            ),
            models.CheckConstraint(condition=~Q(text=""), name="consent_has_its_text"),
        ]


class Autopay(PracticeRow):
    """One row a plan: which card of its guarantor pays it, on what consent. Off keeps the row as the last state."""

    plan = models.OneToOneField(PayPlan, on_delete=models.PROTECT, related_name="autopay")
    card = models.ForeignKey(Card, on_delete=models.PROTECT, related_name="autopays")
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, related_name="+")
    is_on = models.BooleanField(default=True)
    since = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True, blank=True)
    stopped_reason = models.CharField(max_length=200, blank=True)


class PayerAutopay(PracticeRow):
    """The same for the second payer of a plan: their own card and consent (ADR 14)."""

    plan = models.ForeignKey(PayPlan, on_delete=models.PROTECT, related_name="payer_autopays")
    payer = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="payer_autopays")
    card = models.ForeignKey(Card, on_delete=models.PROTECT, related_name="payer_autopays")
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, related_name="+")
    is_on = models.BooleanField(default=True)
    since = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True, blank=True)
    stopped_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["plan", "payer"], name="one_autopay_per_payer")]


AnyAutopay = Autopay | PayerAutopay
