"""Each practice's account at the card processor, and each person's customer there."""

from __future__ import annotations

from django.db import models

from core.encryption import EncryptedTextField
from patients.models import Patient
from practices.models.rows import PracticeRow


class ProcessorAccount(PracticeRow):
    base_url = models.CharField(max_length=200)
    secret_key = EncryptedTextField()
    webhook_secret = EncryptedTextField(blank=True)
    # A connected account (Stripe-Account header); '' = the key's own account.
    account = models.CharField(max_length=64, blank=True)
    # The account that answers to the key (acct_…), learned when it was connected.
    reference = models.CharField(max_length=64, blank=True, default="", db_default="")
    is_live = models.BooleanField(default=False)
    connected_at = models.DateTimeField()
    # Set while calls are refused (wrong key, closed account): charges wait, an operator is told.
    problem = models.CharField(max_length=200, blank=True)
    # The breaker (processors/breaker.py): charges in a row that were not taken, since when, next try. Business time.
    failures = models.PositiveSmallIntegerField(default=0, db_default=0)
    away_since = models.DateTimeField(null=True, blank=True)
    next_try_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice"], name="one_processor_account_per_practice")]


class ProcessorCustomer(PracticeRow):
    """The processor's customer of one person. Made once; the key of the request is the person's row."""

    patient = models.OneToOneField(Patient, on_delete=models.PROTECT, related_name="processor_customer")
    reference = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "reference"], name="customer_once_per_practice")]
