"""Links to a payer's own page of one plan. Only the hash of a token is stored."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models

from notifications.codes import spoken_code
from patients.models import Patient
from payplans.models import PayPlan
from practices.models.rows import PracticeRow


class PlanLink(PracticeRow):
    # The token is derived from the nonce and the secret key (core/tokens.py).
    nonce = models.UUIDField(default=uuid.uuid4, unique=True)
    token_hash = models.CharField(max_length=64, unique=True)
    plan = models.ForeignKey(PayPlan, on_delete=models.PROTECT, related_name="links")
    # Who paid the plan when it was made; of no use to anybody when somebody else pays it now.
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    # The first button was pressed; merely reading the page changes nothing.
    opened_at = models.DateTimeField(null=True, blank=True)

    @property
    def spoken_code(self) -> str:
        return spoken_code(self.nonce)

    def is_usable(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at and self.patient_id == self.plan.guarantor_id
