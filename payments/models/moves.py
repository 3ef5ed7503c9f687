"""A payment put on another patient or other procedures, without touching the card (docs/adr/0009)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from payments.models.payments import Payment
from payments.models.sales import Sale
from payplans.models import Installment
from practices.models.rows import PracticeRow


class Move(PracticeRow):
    class Kind(models.TextChoices):
        SPLITS = "SPLITS", "The same payment, on other procedures"
        REPOST = "REPOST", "Taken off and posted again"
        # It was never in Open Dental, so nothing has to be taken off.
        REROUTE = "REROUTE", "Posted there in the first place"

    class State(models.TextChoices):
        ORDERED = "ORDERED", "Under way"
        DONE = "DONE", "Moved, read back"
        # Nothing was changed in Open Dental.
        REFUSED = "REFUSED", "Not moved"

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="moves")
    # Its lines say where the money is put; nobody tenders it.
    target = models.OneToOneField(Sale, on_delete=models.PROTECT, related_name="move")
    # Set where it goes onto a payment plan: what it pays there. The one line of the target then only names the cents.
    installment = models.ForeignKey(
        Installment, null=True, blank=True, on_delete=models.PROTECT, related_name="moves", db_index=False
    )
    kind = models.CharField(max_length=7, choices=Kind.choices)
    state = models.CharField(max_length=7, choices=State.choices, default=State.ORDERED)
    state_reason = models.CharField(max_length=300, blank=True)
    reason = models.CharField(max_length=200)
    actor = models.CharField(max_length=80)
    before = models.CharField(max_length=300)
    after = models.CharField(max_length=300)
    # Business time, UTC.
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    next_at = models.DateTimeField(help_text="When the poster looks at it again")
    tries = models.PositiveSmallIntegerField(default=0)

    objects: ClassVar[models.Manager[Move]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["payment"], condition=Q(state="ORDERED"), name="one_open_move_of_a_payment"
            ),
        ]
        indexes = [
            # Read by opendental/post_move.py.
            models.Index(fields=["practice", "next_at"], condition=Q(state="ORDERED"), name="moves_under_way"),
            # Read by payments/guards.py: nobody else collects what a move is about to pay.
            models.Index(fields=["installment"], condition=Q(installment__isnull=False), name="moves_onto_plans"),
        ]

    def __str__(self) -> str:
        return f"move {self.pk}"

    @property
    def alarm_key(self) -> str:
        """Of the alarm that tells staff what to take off by hand."""
        return f"move-by-hand:{self.pk}"
