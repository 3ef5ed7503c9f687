"""Money that moved, what it pays for, and its postings to the Open Dental ledger."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from core.tokens import ledger_reference
from patients.models import Patient
from payments.models.attempts import Attempt
from payments.models.sales import SaleLine
from payplans.models import Installment, PayPlan
from practices.models.rows import PracticeRow


class Payment(PracticeRow):
    attempt = models.OneToOneField(Attempt, on_delete=models.PROTECT, related_name="payment")
    payer = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="payments")
    amount_cents = models.BigIntegerField()
    paid_at = models.DateTimeField(help_text="Business time, UTC")
    processor_reference = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            # '' is what no processor took.
            models.UniqueConstraint(
                fields=["practice", "processor_reference"],
                condition=~Q(processor_reference=""),
                name="one_payment_per_intent",
            ),
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="payment_has_an_amount"),
        ]
        indexes = [models.Index(fields=["practice", "-paid_at"], name="payments_recent")]

    @property
    def posting(self) -> LedgerPosting | None:
        """How the payment itself gets into the ledger, among the prefetched `postings`; its refunds have their own."""
        return next((one for one in self.postings.all() if one.movement == LedgerPosting.Movement.PAYMENT), None)


class Allocation(PracticeRow):
    """What a payment pays for. Allocations of a payment sum to it, less its surcharge (ADR 8)."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="allocations")
    # One of the two.
    installment = models.ForeignKey(
        Installment, null=True, blank=True, on_delete=models.PROTECT, related_name="allocations"
    )
    line = models.ForeignKey(
        SaleLine, null=True, blank=True, on_delete=models.PROTECT, related_name="allocations", db_index=False
    )
    amount_cents = models.BigIntegerField()
    # Settled beside it by a discount of the tender; an adjustment in Open Dental.
    discount_cents = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["payment", "installment"], name="one_allocation_per_installment"),
            models.UniqueConstraint(
                fields=["payment", "line"], condition=Q(line__isnull=False), name="one_allocation_per_line"
            ),
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="allocation_has_an_amount"),
            models.CheckConstraint(
                condition=Q(installment__isnull=False, line__isnull=True)
                | Q(installment__isnull=True, line__isnull=False),
                name="allocation_is_of_one_thing",
            ),
        ]


class LedgerPosting(PracticeRow):
    """One ledger movement to write to Open Dental: an outbox row that is sent, found again and compared."""

    class Movement(models.TextChoices):
        PAYMENT = "PAYMENT", "Payment"
        REFUND = "REFUND", "Refund"
        # Of a move: the payment is taken off where it stands and posted where it belongs.
        MOVE_OUT = "MOVE_OUT", "Taken off"
        MOVE_IN = "MOVE_IN", "Moved here"

    class Route(models.TextChoices):
        """How it gets there (docs/money.md, table of routes)."""

        CHARGE_ROWS = "CHARGE_ROWS", "To the plan's charge rows"
        PREPAYMENT = "PREPAYMENT", "As a prepayment on the plan"
        PLAN_FIFO = "PLAN_FIFO", "To the plan, oldest charge first"
        PATIENT = "PATIENT", "To the patient's account, allocated by staff"
        # Of desk sales.
        PROCEDURES = "PROCEDURES", "To the procedures named"
        UNEARNED = "UNEARNED", "As a prepayment on the account"
        # Of refunds (opendental/post_refund.py).
        REFUND = "REFUND", "As Open Dental's refund of the payment"
        NEGATIVE = "NEGATIVE", "As a negative payment"
        BY_HAND = "BY_HAND", "By staff: Open Dental lets no program do it"

    class State(models.TextChoices):
        QUEUED = "QUEUED", "Waiting"
        SENDING = "SENDING", "Sending"
        # Sent, the answer was lost: Open Dental is searched for the reference before anything is sent again.
        UNCLEAR = "UNCLEAR", "Looking for it in Open Dental"
        POSTED = "POSTED", "Posted, reading back"
        MATCHED = "MATCHED", "Posted and read back"
        MISMATCH = "MISMATCH", "Posted, but Open Dental shows something else"
        REFUSED = "REFUSED", "Refused by Open Dental"
        BY_HAND = "BY_HAND", "Waits for staff to enter it in Open Dental"
        # A person says so, with a reason; nothing was compared (opendental/marking.py).
        MARKED = "MARKED", "Posted by hand, not read back"
        WITHDRAWN = "WITHDRAWN", "No longer needed"

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="postings")
    movement = models.CharField(max_length=12, choices=Movement.choices, default=Movement.PAYMENT)
    # Set for movement REFUND: what it writes down.
    refund = models.OneToOneField(
        "payments.Refund", null=True, blank=True, on_delete=models.PROTECT, related_name="posting"
    )
    # What carries out a move, or goes where a move says; null for everything else.
    move = models.ForeignKey(
        "payments.Move", null=True, blank=True, on_delete=models.PROTECT, related_name="postings", db_index=False
    )
    reference = models.CharField(max_length=25, default=ledger_reference, unique=True)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    plan = models.ForeignKey(PayPlan, null=True, on_delete=models.PROTECT, related_name="postings")
    amount_cents = models.BigIntegerField()
    route = models.CharField(max_length=12, choices=Route.choices, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    state_reason = models.CharField(max_length=300, blank=True)
    pay_num = models.BigIntegerField(null=True, blank=True)
    # What was sent, for evidence and for the search afterwards.
    sent_body = models.JSONField(default=dict, blank=True)
    office_date = models.DateField(null=True, blank=True, help_text="The office's day when it was sent")
    claimed_at = models.DateTimeField(null=True, blank=True)
    next_at = models.DateTimeField(help_text="When the poster looks at it again")
    # Searches that found nothing since the last send; two, with a gap, allow the one resend.
    searches = models.PositiveSmallIntegerField(default=0)
    sends = models.PositiveSmallIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0, help_text="Refusals that may heal, for the back-off")
    created_at = models.DateTimeField()
    matched_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[models.Manager[LedgerPosting]] = models.Manager()

    class Meta:
        constraints = [
            # M7: one movement, one posting. (A refund's is one to one with it.)
            models.UniqueConstraint(
                fields=["payment"], condition=Q(movement="PAYMENT"), name="one_posting_of_a_payment"
            ),
            models.CheckConstraint(
                condition=Q(movement="REFUND", refund__isnull=False) | (~Q(movement="REFUND") & Q(refund__isnull=True)),
                name="posting_of_a_refund_names_it",
            ),
            models.UniqueConstraint(
                fields=["practice", "pay_num"], condition=Q(pay_num__isnull=False), name="posting_pay_num_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["practice", "next_at"],
                condition=Q(state__in=["QUEUED", "SENDING", "UNCLEAR", "POSTED"]),
                name="postings_to_work",
            ),
            # Few of all postings, so the others are left out of it.
            models.Index(fields=["move"], condition=Q(move__isnull=False), name="postings_of_a_move"),
            # Read by opendental/refund_by_hand.py.
            models.Index(fields=["practice", "next_at"], condition=Q(state="BY_HAND"), name="postings_by_hand"),
            # Read by the queue of what waits for a person (payments/needs_posting.py) and the badge.
            models.Index(
                fields=["practice", "created_at"],
                condition=Q(state__in=["MISMATCH", "REFUSED", "BY_HAND", "MARKED"]),
                name="postings_of_people",
            ),
        ]

    @classmethod
    def standing(cls, payment_id: int) -> LedgerPosting | None:
        """Where the payment stands or is to stand in Open Dental: as posted, or as its last finished move left it."""
        rows = cls.objects.filter(payment=payment_id)
        moved = rows.filter(movement=cls.Movement.MOVE_IN, move__state="DONE").order_by("-pk").first()
        return moved or rows.filter(movement=cls.Movement.PAYMENT).first()

    @classmethod
    def in_doubt(cls, plan: PayPlan) -> models.QuerySet[LedgerPosting]:
        """Open Dental may or does have it, under a number we don't hold: its splits look like the office's own."""
        return cls.objects.filter(plan=plan, pay_num=None).exclude(state__in=cls._certainly_not_there())

    @property
    def is_in_doubt(self) -> bool:
        return self.pay_num is None and self.state not in self._certainly_not_there()

    @classmethod
    def _certainly_not_there(cls) -> list[str]:
        # What a person marked stands under a number of the office's own, as far as anybody knows: PAID_TWICE tells.
        return [cls.State.QUEUED, cls.State.REFUSED, cls.State.BY_HAND, cls.State.MARKED, cls.State.WITHDRAWN]
