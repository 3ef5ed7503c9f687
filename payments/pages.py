"""Reading payments for people: one attempt, a receipt, a patient's payments, and what waits for a look."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet, Sum
from django.shortcuts import get_object_or_404

from core import clock
from patients.models import Patient
from payments import refund_rows, voids
from payments.models import Alarm, Attempt, DuePart, LedgerPosting, Payment, Refund, RefundState
from payments.refund_rows import RefundRow
from practices import timeline
from practices.models import Event, Practice

PAGE_SIZE = 50
# Postings that wait for a person, not for the next pass.
STUCK = [LedgerPosting.State.MISMATCH, LedgerPosting.State.REFUSED]


def with_people(attempts: QuerySet[Attempt]) -> QuerySet[Attempt]:
    """What a row of the list shows, without a query per row."""
    return attempts.select_related(
        "card", "payment", "due_part__payer", "due_part__installment__plan__patient"
    ).prefetch_related("payment__postings", "payment__refunds")


def _with_refunds(attempts: Iterable[Attempt]) -> list[tuple[Attempt, list[RefundRow]]]:
    """Each attempt of a page of `with_people` with the refunds of what it took."""
    shown = [(attempt, getattr(attempt, "payment", None)) for attempt in attempts]
    rows = refund_rows.of_payments(payment for _, payment in shown if payment)
    return [(attempt, rows.get(payment.pk, []) if payment else []) for attempt, payment in shown]


def attention(practice: Practice) -> int:
    """Postings and alarms that wait for a person: the red number in the navigation."""
    stuck = LedgerPosting.objects.filter(practice=practice, state__in=STUCK).count()
    return stuck + Alarm.objects.filter(practice=practice, closed_at=None).count()


def attempt_or_404(practice: Practice, attempt_id: int) -> Attempt:
    return get_object_or_404(with_people(Attempt.objects.filter(practice=practice)), pk=attempt_id)


def attempt_page(attempt: Attempt) -> dict[str, Any]:
    """One attempt: facts beside the timeline of everything that is known about it."""
    parts, ours = attempt_parts(attempt), Event.objects.filter(practice=attempt.practice_id)
    events = ours.about(attempt=attempt.pk)
    if parts["payment"] is not None:
        events |= ours.about(payment=parts["payment"].pk)
    return {**parts, "lines": timeline.lines(events.order_by("-at", "-pk"))}


def attempt_parts(attempt: Attempt) -> dict[str, Any]:
    payment: Payment | None = getattr(attempt, "payment", None)
    refunds = refund_rows.of_payment(payment) if payment else []
    installment = attempt.due_part.installment
    return {
        "attempt": attempt,
        "payment": payment,
        "posting": payment.posting if payment else None,
        "refunds": refunds,
        "given_back": refund_rows.given_back(refunds),
        "disputes": payment.disputes.order_by("pk") if payment else [],
        "left": refund_rows.left_of(payment, refunds) if payment else 0,
        "can_void": payment is not None and not voids.refusal(payment, payment.amount_cents, clock.now()),
        "moves": payment.moves.order_by("pk") if payment else [],
        "can_move": payment is not None and not refunds,
        "installment": installment,
        "plan": installment.plan if installment else None,
    }


def payment_or_404(practice: Practice, payment_id: int) -> Payment:
    rows = Payment.objects.filter(practice=practice).select_related(
        "practice", "payer", "attempt__card", "attempt__due_part__sale"
    )
    also = ("allocations__installment__plan__patient", "allocations__line__patient", "postings", "refunds")
    return get_object_or_404(rows.prefetch_related(*also), pk=payment_id)


def of_patient(patient: Patient, page: str) -> dict[str, Any]:
    """Processed payments and tries that this person paid, or that were paid for their plans."""
    # Sets, each found by its index; "this or that" over joins would read every attempt of the practice.
    paid_for = DuePart.objects.filter(installment__plan__patient=patient)
    sold_to = DuePart.objects.filter(sale__patient=patient)
    own = DuePart.objects.filter(payer=patient).values_list("pk", flat=True)
    parts = list(own.union(paid_for.values_list("pk", flat=True), sold_to.values_list("pk", flat=True)))
    attempts = with_people(Attempt.objects.filter(due_part__in=parts, practice=patient.practice_id))
    found = Paginator(attempts.order_by("-started_at", "-pk"), PAGE_SIZE).get_page(page)
    back = Refund.objects.filter(payment__attempt__due_part__in=parts, state=RefundState.SUCCEEDED)
    return {
        "page": found,
        "rows": _with_refunds(found),
        "given_back": back.aggregate(cents=Sum("amount_cents"))["cents"] or 0,
    }
