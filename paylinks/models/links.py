"""Links that were texted or mailed, and the charges agreed to on one. Only the hash of a token is stored."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q

from cards.models import Card, CardSetup
from notifications.codes import spoken_code
from patients.models import Patient
from payments.models import Attempt, DuePart, Payment
from practices.models.rows import PracticeRow


class PatientLink(PracticeRow):
    class Purpose(models.TextChoices):
        FIX_PAYMENT = "FIX_PAYMENT", "Fix a failed payment"

    # The token is derived from the nonce and the secret key (core/tokens.py).
    nonce = models.UUIDField(default=uuid.uuid4, unique=True)
    token_hash = models.CharField(max_length=64, unique=True)
    purpose = models.CharField(max_length=12, choices=Purpose.choices)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    due_part = models.ForeignKey(DuePart, on_delete=models.PROTECT, related_name="links")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    # The first button was pressed; merely reading the page changes nothing (previews of messengers read too).
    opened_at = models.DateTimeField(null=True, blank=True)
    # A card was entered through it.
    used_at = models.DateTimeField(null=True, blank=True)

    @property
    def spoken_code(self) -> str:
        return spoken_code(self.nonce)

    def is_usable(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at


class ReceiptLink(PracticeRow):
    """A receipt that was sent: shown to whoever has the address and knows the payer's birth date."""

    nonce = models.UUIDField(default=uuid.uuid4, unique=True)
    token_hash = models.CharField(max_length=64, unique=True)
    # The order to send it, made with the form: a double click is one link and one message.
    click = models.UUIDField()
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="receipt_links")
    # Who paid, and gets it.
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    # The right birth date was given for the first time.
    opened_at = models.DateTimeField(null=True, blank=True)
    wrong_tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "click"], name="receipt_link_once_per_click")]

    @property
    def spoken_code(self) -> str:
        return spoken_code(self.nonce)

    def is_usable(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at


class LinkCharge(PracticeRow):
    """One charge a patient agreed to on a link. It leads to at most one attempt, however often anything is repeated."""

    class State(models.TextChoices):
        # The patient is on the hosted card page.
        AGREED = "AGREED", "Entering a card"
        READY = "READY", "Waiting for a worker"
        RUNNING = "RUNNING", "Charging"
        DONE = "DONE", "Done"

    # Stands in the address the browser comes back to.
    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    link = models.ForeignKey(PatientLink, on_delete=models.PROTECT, related_name="charges")
    due_part = models.ForeignKey(DuePart, on_delete=models.PROTECT, related_name="+")
    amount_cents = models.BigIntegerField()
    state = models.CharField(max_length=7, choices=State.choices)
    # Exactly what was shown above the button; it becomes a Consent when the card is known.
    consent_text = models.TextField()
    language = models.CharField(max_length=5, default="en")
    ip = models.GenericIPAddressField(null=True, blank=True)
    agreed_at = models.DateTimeField()
    setup = models.OneToOneField(CardSetup, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    card = models.ForeignKey(Card, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # Real time by the database's clock: a lease of the worker, not business time.
    claimed_at = models.DateTimeField(null=True, blank=True)
    attempt = models.OneToOneField(Attempt, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # Why nothing was asked, for staff.
    refusal = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            # A double click is one charge.
            models.UniqueConstraint(
                fields=["link"], condition=Q(state__in=["READY", "RUNNING"]), name="one_charge_under_way_per_link"
            ),
        ]
        indexes = [
            # Read by the task that finishes what a lost call left (paylinks/charges.py).
            models.Index(
                fields=["practice", "agreed_at"],
                condition=Q(state__in=["AGREED", "READY", "RUNNING"]),
                name="link_charges_unfinished",
            ),
        ]
