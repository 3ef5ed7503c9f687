"""What staff or the payer decided about when and with which card a plan is charged (ADR 11, 13).

Open Dental knows nothing of it.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q

from cards.models import Card, Consent
from payplans.models import Installment, PayPlan
from practices.models.rows import PracticeRow


class PlanChangeQuerySet(models.QuerySet["PlanChange"]):
    def in_force(self) -> Self:
        """Pauses count for what came due in them, also when they are over."""
        return self.filter(Q(kind=PlanChange.Kind.PAUSE, until_date__gte=F("from_date")) | Q(ended_at=None))


class PlanChange(PracticeRow):
    class Kind(models.TextChoices):
        PAUSE = "PAUSE", "Pause"
        SKIP = "SKIP", "Skip one payment"
        MOVE = "MOVE", "Move one charge"
        CARD = "CARD", "Another card for one charge"
        # The parts themselves are due parts; this is who asked for them, and when.
        SPLIT = "SPLIT", "One payment in two parts"
        BACKUP = "BACKUP", "Backup card"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    plan = models.ForeignKey(PayPlan, on_delete=models.PROTECT, related_name="changes")
    # Of everything but a pause and a backup card.
    installment = models.ForeignKey(
        Installment, null=True, blank=True, on_delete=models.PROTECT, related_name="changes"
    )
    # Practice-local. Of a pause its first and last day (resumed at once: the last is before the first); of a move its
    # new day; of a split the days of its parts.
    from_date = models.DateField(null=True, blank=True)
    until_date = models.DateField(null=True, blank=True)
    # Where Open Dental had the installment at that time: moved since, the change is void.
    planned_date = models.DateField(null=True, blank=True)
    card = models.ForeignKey(Card, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    consent = models.ForeignKey(Consent, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=200)
    actor = models.CharField(max_length=80)
    made_at = models.DateTimeField(help_text="Business time, UTC")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=80, blank=True)
    end_reason = models.CharField(max_length=200, blank=True)

    objects: ClassVar[models.Manager[PlanChange]] = models.Manager.from_queryset(PlanChangeQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["plan"], condition=Q(kind="BACKUP", ended_at=None), name="one_backup_card_per_plan"
            ),
            models.UniqueConstraint(
                fields=["installment", "kind"], condition=Q(ended_at=None), name="one_change_of_a_kind_per_installment"
            ),
            models.CheckConstraint(
                condition=Q(kind="PAUSE", installment=None, from_date__isnull=False, until_date__isnull=False)
                | Q(kind="SKIP", installment__isnull=False)
                | Q(kind="MOVE", installment__isnull=False, from_date__isnull=False)
                | Q(kind="CARD", installment__isnull=False, card__isnull=False, consent__isnull=False)
                | Q(kind="SPLIT", installment__isnull=False, from_date__isnull=False, until_date__isnull=False)
                | Q(kind="BACKUP", installment=None, card__isnull=False, consent__isnull=False),
                name="plan_change_names_what_it_needs",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="plan_change_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    def fits(self, installment: Installment) -> bool:
        """Open Dental has it where it was when this was decided."""
        return self.planned_date == installment.due_date

    def covers(self, day: date) -> bool:
        """The pause includes this day."""
        return self.from_date is not None and self.until_date is not None and self.from_date <= day <= self.until_date

    def end(self, *, actor: str, reason: str, now: datetime) -> None:
        self.ended_at, self.ended_by, self.end_reason = now, actor, reason[:200]
        self.save(update_fields=["ended_at", "ended_by", "end_reason", "until_date"])
