"""What a finished move of a payment changes on payment plans (ADR 9): rows only, under the locks of the move."""

from __future__ import annotations

from datetime import datetime

from core.money import format_cents
from payments import due_parts, notices
from payments.models import Allocation, DuePart, Payment, Refund
from payplans import shares
from payplans.models import Installment


def leaves_plan(payment: Payment, now: datetime) -> None:
    """What it paid on a plan is owed there again, and never taken by itself."""
    # A dispute, or a refund made at the processor, may have come while it was moved.
    back = Refund.refunded_cents(payment)
    for allocation in Allocation.objects.filter(payment=payment).exclude(installment=None).order_by("pk"):
        row = Installment.objects.select_related("plan").get(allocations=allocation)
        allocation.delete()
        kept = max(0, allocation.amount_cents - back)
        row.collected_cents = max(0, row.collected_cents - kept)
        shares.count(row.plan, row, payment.payer_id, -kept)
        if row.status == Installment.Status.PAID and row.owed_cents:
            row.status, row.paid_at = Installment.Status.PENDING, None
            row.status_note = f"{format_cents(allocation.amount_cents)} was moved to another place"
        row.save(update_fields=["collected_cents", "shared_cents", "status", "paid_at", "status_note"])
        due_parts.refresh(row.plan, now=now)
        for part in DuePart.objects.filter(installment=row, state=DuePart.State.OPEN):
            part.set_hold(DuePart.Hold.STAFF, due_parts.MOVED_AWAY)


def pays(payment: Payment, installment: Installment, now: datetime) -> None:
    """From now on it pays this installment."""
    row = Installment.objects.select_related("plan__practice").get(pk=installment.pk)
    Allocation.objects.create(
        practice_id=payment.practice_id, payment=payment, installment=row, amount_cents=payment.amount_cents
    )
    kept = payment.amount_cents - Refund.refunded_cents(payment)
    row.collected_cents += kept
    shares.count(row.plan, row, payment.payer_id, kept)
    if row.owed_cents == 0:
        row.status, row.paid_at, row.status_note = Installment.Status.PAID, now, ""
    row.save(update_fields=["collected_cents", "shared_cents", "status", "paid_at", "status_note"])
    due_parts.refresh(row.plan, now=now)
    notices.plan_completed(row.plan, now)
