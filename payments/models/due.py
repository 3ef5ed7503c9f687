"""What is collected: a due part is (installment, request or desk sale) × payer × cents."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

from cards.models import PayerAutopay
from patients.models import Patient
from payments.models.attempts import Attempt, AttemptState
from payments.models.sales import Sale
from payplans.models import Installment
from practices.models.rows import PracticeRow

if TYPE_CHECKING:
    from payments.models.fees import TenderFee


class DuePartQuerySet(models.QuerySet["DuePart"]):
    def due(self, now: datetime) -> Self:
        """Parts whose next try has come, that nothing holds and nothing is collecting, on plans with autopay on."""
        busy = Attempt.objects.filter(due_part=OuterRef("pk"), state__in=AttemptState.open_or_paid())
        second = PayerAutopay.objects.filter(plan=OuterRef("installment__plan"), payer=OuterRef("payer"), is_on=True)
        return self.filter(
            ~Exists(busy),
            Q(installment__plan__autopay__is_on=True) | Exists(second),
            Q(leased_until=None) | Q(leased_until__lte=now),
            state=DuePart.State.OPEN,
            hold="",
            is_automatic=True,
            next_try_at__lte=now,
        ).order_by("next_try_at", "pk")


class DuePart(PracticeRow):
    class Kind(models.TextChoices):
        INSTALLMENT = "INSTALLMENT", "Installment"
        REQUEST = "REQUEST", "Request"
        SALE = "SALE", "Desk sale"

    class State(models.TextChoices):
        OPEN = "OPEN", "Open"
        PAID = "PAID", "Paid"
        # Replaced by other parts, paid in Open Dental, or the plan is closed.
        CLOSED = "CLOSED", "Closed"

    class Hold(models.TextChoices):
        """Why autopay waits for a person (or for Open Dental). '' = nothing holds."""

        NONE = "", ""
        ARREARS = "ARREARS", "Was overdue when the card was attached"
        NOT_ISSUED = "NOT_ISSUED", "The office's charge run was missed"
        ABOVE_CONSENT = "ABOVE_CONSENT", "Plan changed: above the agreed maximum"
        NEW_CARD = "NEW_CARD", "Needs new card"
        STAFF = "STAFF", "Needs a look by staff"
        RECONCILE = "RECONCILE", "Looking for an earlier payment"
        PAUSED = "PAUSED", "Due while the plan was paused"
        SKIPPED = "SKIPPED", "Skipped by staff"

    kind = models.CharField(max_length=12, choices=Kind.choices)
    installment = models.ForeignKey(
        Installment, null=True, blank=True, on_delete=models.PROTECT, related_name="due_parts"
    )
    # One tender of a desk sale.
    sale = models.ForeignKey(
        Sale, null=True, blank=True, on_delete=models.PROTECT, related_name="due_parts", db_index=False
    )
    payer = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="due_parts")
    amount_cents = models.BigIntegerField()
    # Among the open parts of one installment and payer: 0 unless it is divided (payments/dividing.py).
    slot = models.PositiveSmallIntegerField(default=0, db_default=0)
    # Practice-local: autopay takes it on no earlier day, as the payer was told when it was divided.
    charge_from = models.DateField(null=True, blank=True)
    # Made for one charge of a part: joined with its rest again when that charge takes nothing.
    is_once = models.BooleanField(default=False, db_default=False)
    state = models.CharField(max_length=6, choices=State.choices, default=State.OPEN)
    # When autopay tries (first try: the due date at the charge hour); null = autopay has no date.
    next_try_at = models.DateTimeField(null=True, blank=True)
    hold = models.CharField(max_length=16, choices=Hold.choices, default=Hold.NONE, blank=True)
    hold_reason = models.CharField(max_length=200, blank=True)
    # Autopay was on when the part was last brought up to date. False only keeps it out of the sweep's index, where
    # everything overdue without autopay would be looked at again and again; the sweep itself asks the autopay.
    is_automatic = models.BooleanField(default=True, db_default=True)
    # The sweep handed it to a worker; until then no other sweep does. A row with an open attempt needs no lease.
    leased_until = models.DateTimeField(null=True, blank=True)
    # Why the last hand-over came to nothing (office offline, processor not connected): shown, cleared by a claim.
    wait_reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager[DuePart]] = models.Manager.from_queryset(DuePartQuerySet)()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="due_part_has_an_amount"),
            models.CheckConstraint(
                condition=Q(kind="INSTALLMENT", installment__isnull=False)
                | (~Q(kind="INSTALLMENT") & Q(installment__isnull=True)),
                name="due_part_of_an_installment_names_it",
            ),
            models.CheckConstraint(
                condition=Q(kind="SALE", sale__isnull=False) | (~Q(kind="SALE") & Q(sale__isnull=True)),
                name="due_part_of_a_sale_names_it",
            ),
            # Several only where somebody divided it; which parts belong together is payments/due_parts.py's to say.
            models.UniqueConstraint(
                fields=["installment", "payer", "slot"], condition=Q(state="OPEN"), name="one_open_part_per_slot"
            ),
        ]
        indexes = [
            # Read by the sweep (payments/sweep.py).
            models.Index(
                fields=["practice", "next_try_at"],
                condition=Q(state="OPEN", hold="", is_automatic=True),
                name="due_parts_of_autopay",
            ),
            # Few of all parts, so the others are left out of it.
            models.Index(fields=["sale"], condition=Q(sale__isnull=False), name="tenders_of_a_sale"),
        ]

    def __str__(self) -> str:
        return f"due part {self.pk}"

    @property
    def fee(self) -> TenderFee | None:
        """Of a tender of a desk sale. Nothing else ever bears one."""
        found: TenderFee | None = getattr(self, "tender_fee", None) if self.sale_id else None
        return found

    @property
    def charge_cents(self) -> int:
        """What is asked of the payer for it."""
        return self.fee.total_cents if self.fee else self.amount_cents

    def set_hold(self, hold: str, reason: str = "") -> None:
        self.hold, self.hold_reason = hold, reason[:200]
        self.save(update_fields=["hold", "hold_reason"])

    def plan_next_try(self, at: datetime | None) -> None:
        self.next_try_at = at
        self.save(update_fields=["next_try_at"])


class DueCheck(PracticeRow):
    """The newest answer of Open Dental to "is this still owed?". A claim refuses one older than 5 minutes."""

    due_part = models.OneToOneField(DuePart, on_delete=models.CASCADE, related_name="check_row")
    checked_at = models.DateTimeField()
    owed_cents = models.BigIntegerField()
    # Why it must not be charged now, although money is owed; '' = it may.
    obstacle = models.CharField(max_length=200, blank=True)

    objects: ClassVar[models.Manager[DueCheck]] = models.Manager()

    @classmethod
    def stamp(cls, part: DuePart, *, owed_cents: int, obstacle: str, now: datetime) -> None:
        """Keep this answer in place of the one before, in one statement."""
        row = cls(
            practice_id=part.practice_id, due_part=part, checked_at=now, owed_cents=owed_cents, obstacle=obstacle[:200]
        )
        facts = ["checked_at", "owed_cents", "obstacle"]
        cls.objects.bulk_create([row], update_conflicts=True, unique_fields=["due_part"], update_fields=facts)
