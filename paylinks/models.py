"""A link that was texted or mailed. Only the hash of its token is stored."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models

from patients.models import Patient
from payments.models import DuePart
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
    opened_at = models.DateTimeField(null=True, blank=True)
    # A card was entered through it.
    used_at = models.DateTimeField(null=True, blank=True)

    def is_usable(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at
