"""What follows for a desk sale when one of its tenders is settled, inside that transaction: rows only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Sum
from django.db.models.functions import Coalesce

from core.tokens import reference_of
from payments import upward
from payments.models import Allocation, DuePart, LedgerPosting, Payment, Sale, SaleLine


def of_success(sale: Sale, payment: Payment, now: datetime) -> None:
    """What it pays for, its posting, and the end of the sale when nothing is left."""
    Allocation.objects.bulk_create(
        Allocation(practice_id=payment.practice_id, payment=payment, line=line, amount_cents=cents)
        for line, cents in _spread(sale, payment.amount_cents)
    )
    movement, is_recovered = LedgerPosting.Movement.PAYMENT, payment.attempt.recovered_at is not None
    LedgerPosting.objects.create(
        practice_id=payment.practice_id, payment=payment, patient_id=sale.patient_id, amount_cents=payment.amount_cents,
        next_at=now, created_at=now, movement=movement, reference=reference_of(payment.attempt.uuid, movement),
        state=LedgerPosting.State.UNCLEAR if is_recovered else LedgerPosting.State.QUEUED, sends=int(is_recovered),
    )  # fmt: skip
    paid = sale.due_parts.filter(state=DuePart.State.PAID).aggregate(cents=Sum("amount_cents"))["cents"] or 0
    if paid >= sale.amount_cents and sale.state == Sale.State.OPEN:
        sale.state, sale.ended_at = Sale.State.PAID, now
        sale.save(update_fields=["state", "ended_at"])
    upward.handlers.sale_paid(sale.pk, now)


def _spread(sale: Sale, cents: int) -> Iterator[tuple[SaleLine, int]]:
    """The lines in their order, each up to what earlier tenders left of it; what is too much goes with the last."""
    lines = list(sale.lines.annotate(taken=Coalesce(Sum("allocations__amount_cents"), 0)).order_by("pk"))
    for line in lines:
        part = cents if line is lines[-1] else min(cents, line.amount_cents - line.taken)
        if part > 0:
            yield line, part
            cents -= part


def of_nothing_taken(part: DuePart) -> None:
    """The person is at the desk: another card or cash is a new tender."""
    part.state = DuePart.State.CLOSED
    part.save(update_fields=["state"])
