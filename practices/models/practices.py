"""A practice is a tenant; clinics are locations inside it (Open Dental ClinicNum)."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.db import models
from django.utils.functional import cached_property

from practices.models.rows import PracticeRow


class Practice(models.Model):
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    timezone = models.CharField(max_length=64, default="America/New_York")
    phone = models.CharField(max_length=32, blank=True)
    email = models.EmailField(blank=True)
    address = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=2, blank=True, help_text="Two-letter US state")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # Set by a restore: charges made since then are looked for at the processor first, and nothing is charged until
    # they are found (docs/money.md, "After a restore").
    recover_since = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @cached_property
    def payment_settings(self) -> PaymentSettings:
        """Read once for this object (it lives as long as a request or a transaction); defaults where none are kept."""
        settings = PaymentSettings.objects.filter(practice=self).first() or PaymentSettings()
        settings.practice = self
        return settings


class PaymentSettings(PracticeRow):
    """Settings → Payment Settings → General. One row a practice; hours are practice-local."""

    charge_hour = models.PositiveSmallIntegerField(default=10)
    # A practice may be gentler than the network limits, never looser (payplans/retry.py).
    max_tries = models.PositiveSmallIntegerField(default=15)
    # ISO weekdays (1 Monday … 7 Sunday) on which a failed payment may be tried again.
    retry_weekdays = models.JSONField(default=list, blank=True)
    quiet_from_hour = models.PositiveSmallIntegerField(default=21)
    quiet_until_hour = models.PositiveSmallIntegerField(default=8)
    notify_every_nth_failure = models.PositiveSmallIntegerField(default=3)
    upcoming_days = models.PositiveSmallIntegerField(default=3)
    # So many days after its due date a charge may be moved by staff at most.
    move_days = models.PositiveSmallIntegerField(default=30, db_default=30)
    # How many days later a payer may put a charge off, and how often one installment; 0 = not at all (docs/adr/0013).
    patient_move_days = models.PositiveSmallIntegerField(default=14, db_default=14)
    patient_moves = models.PositiveSmallIntegerField(default=2, db_default=2)
    # How much a role may give back, in cents: at once and on one practice-local day; null = no limit, 0 = nothing
    # (practices/refund_limits.py). Admins have none.
    refund_front_desk_cents = models.BigIntegerField(null=True, blank=True, default=0, db_default=0)
    refund_front_desk_day_cents = models.BigIntegerField(null=True, blank=True)
    refund_biller_cents = models.BigIntegerField(null=True, blank=True, default=500_00, db_default=500_00)
    refund_biller_day_cents = models.BigIntegerField(null=True, blank=True)
    refund_manager_cents = models.BigIntegerField(null=True, blank=True)
    refund_manager_day_cents = models.BigIntegerField(null=True, blank=True)
    # Days after a request was sent on which it is sent again; 0 = never.
    first_reminder_days = models.PositiveSmallIntegerField(default=2, db_default=2)
    second_reminder_days = models.PositiveSmallIntegerField(default=5, db_default=5)
    # So many texts at most go to one person within 24 hours (notifications/pace.py).
    texts_per_day = models.PositiveSmallIntegerField(default=5, db_default=5)
    # Patients may pay a part of a request.
    part_payments = models.BooleanField(default=False, db_default=False)
    # An admin's word that staff allocate by hand where no proven posting route exists (decisions 9).
    allocation_by_hand_accepted_by = models.ForeignKey(
        "practices.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # Without the Queries permission the office's own card tool can't be seen: an admin attests it is off.
    card_tool_off_attested_by = models.ForeignKey(
        "practices.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice"], name="one_payment_settings_per_practice"),
            models.CheckConstraint(condition=models.Q(charge_hour__lte=23), name="charge_hour_is_an_hour"),
            models.CheckConstraint(
                condition=models.Q(max_tries__gte=1, max_tries__lte=15), name="max_tries_within_network_limit"
            ),
        ]


class Clinic(PracticeRow):
    clinic_num = models.BigIntegerField()
    name = models.CharField(max_length=120)
    phone = models.CharField(max_length=32, blank=True)
    is_hidden = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "clinic_num"], name="clinic_once_per_practice")]
