"""Links on which a person agrees to autopay of a plan with one tap (ADR 14). Only the hash of a token is stored."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models

from cards.models import Card, Consent
from notifications.codes import spoken_code
from notifications.models import Message
from patients.models import Patient
from payplans.models import PayPlan
from practices.models.rows import PracticeRow


class ConsentLink(PracticeRow):
    # The token is derived from the nonce and the secret key (core/tokens.py).
    nonce = models.UUIDField(default=uuid.uuid4, unique=True)
    token_hash = models.CharField(max_length=64, unique=True)
    # The order to send it, made with the form: a double click is one link and one message.
    click = models.UUIDField()
    plan = models.ForeignKey(PayPlan, on_delete=models.PROTECT, related_name="consent_links")
    # Who is asked, and whose card it is.
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    card = models.ForeignKey(Card, on_delete=models.PROTECT, related_name="+")
    message = models.ForeignKey(Message, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    actor = models.CharField(max_length=80)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    agreed_at = models.DateTimeField(null=True, blank=True)
    consent = models.OneToOneField(Consent, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "click"], name="consent_link_once_per_click")]

    @property
    def spoken_code(self) -> str:
        return spoken_code(self.nonce)

    def is_usable(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at
