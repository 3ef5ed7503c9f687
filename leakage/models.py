"""What leaks, what became of it, and each day's sum (docs/adr/0017)."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from patients.models import Patient
from practices.models.rows import PracticeRow


class LeakQuerySet(models.QuerySet["Leak"]):
    def open(self) -> Self:
        return self.filter(closed_at=None)

    def awake(self, now: datetime) -> Self:
        """Open and not snoozed: what the Dashboard sums up."""
        return self.open().filter(Q(snoozed_until=None) | Q(snoozed_until__lte=now))

    def asleep(self, now: datetime) -> Self:
        return self.open().filter(snoozed_until__gt=now)


class Leak(PracticeRow):
    class Cause(models.TextChoices):
        FAILED = "FAILED", "Payment failed"
        NEW_CARD = "NEW_CARD", "Needs new card"
        PLAN_CHANGED = "PLAN_CHANGED", "Plan changed"
        HELD = "HELD", "Held"
        NO_CARD = "NO_CARD", "Overdue, no card"
        NO_AUTOPAY = "NO_AUTOPAY", "No autopay"
        CARD_EXPIRES = "CARD_EXPIRES", "Card expires first"
        UNKNOWN = "UNKNOWN", "Outcome unknown"
        NOT_POSTED = "NOT_POSTED", "Not posted"
        REFUSED = "REFUSED", "Refused by Open Dental"
        NOT_READ_BACK = "NOT_READ_BACK", "Not read back"
        REFUND_NOT_POSTED = "REFUND_NOT_POSTED", "Refund not posted"
        REQUEST_UNPAID = "REQUEST_UNPAID", "Request unpaid"
        REQUEST_LOST = "REQUEST_LOST", "Request undeliverable"
        DISPUTE = "DISPUTE", "Dispute open"
        SYNC = "SYNC", "Sync behind"

    class Outcome(models.TextChoices):
        RECOVERED = "RECOVERED", "Recovered"
        PUT_RIGHT = "PUT_RIGHT", "Put right"
        GONE = "GONE", "Gone"

    cause = models.CharField(max_length=20, choices=Cause.choices)
    # The same leak is found again by it: "FAILED:installment:12".
    key = models.CharField(max_length=80)
    patient = models.ForeignKey(Patient, null=True, on_delete=models.PROTECT, related_name="+")
    amount_cents = models.BigIntegerField()
    # The most that leaked while it was open, and what had been paid on the same thing when it was found.
    most_cents = models.BigIntegerField()
    paid_before_cents = models.BigIntegerField(default=0)
    words = models.CharField(max_length=300)
    # Ids of what it is about: {"plan": 3, "installment": 5}.
    about = models.JSONField(default=dict)
    since = models.DateTimeField(help_text="When it began to leak, UTC")
    found_at = models.DateTimeField()
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    snoozed_until = models.DateTimeField(null=True, blank=True)
    snooze_reason = models.CharField(max_length=200, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=9, choices=Outcome.choices, blank=True)
    # What came back or was put right of most_cents, and by what: "Autopay", "Paid in the office".
    back_cents = models.BigIntegerField(default=0)
    back_by = models.CharField(max_length=120, blank=True)

    objects: ClassVar[models.Manager[Leak]] = models.Manager.from_queryset(LeakQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["practice", "key"], condition=Q(closed_at__isnull=True), name="leak_open_once"
            ),
            models.CheckConstraint(
                condition=Q(amount_cents__gte=0, back_cents__gte=0, back_cents__lte=models.F("most_cents")),
                name="leak_brings_back_no_more_than_it_lost",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, outcome="") | (Q(closed_at__isnull=False) & ~Q(outcome="")),
                name="closed_leak_has_an_outcome",
            ),
        ]
        indexes = [
            models.Index(fields=["practice", "-closed_at"], condition=Q(closed_at__isnull=False), name="leaks_closed")
        ]

    def __str__(self) -> str:
        return f"leak {self.pk}"


class LeakDay(PracticeRow):
    """What leaked at the last look of a practice-local day; the row without a cause is the sum of all."""

    day = models.DateField()
    cause = models.CharField(max_length=20, blank=True)
    leaks = models.PositiveIntegerField()
    cents = models.BigIntegerField()
    looked_at = models.DateTimeField()

    objects: ClassVar[models.Manager[LeakDay]] = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "day", "cause"], name="leak_day_once")]
