"""Reading requests for staff: of one patient, of the practice by state, one with its trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Count, QuerySet, Sum
from django.shortcuts import get_object_or_404

from patients.models import Patient
from paylinks import request_amounts, request_tries
from paylinks.models import PaymentRequest
from paylinks.request_forms import AmountForm
from practices import timeline
from practices.models import Event, Practice

PAGE_SIZE = 50
Shown = PaymentRequest.Shown
# Filters of the list: name in the address, label, the states people are shown.
_FILTERS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("unpaid", "Unpaid", (Shown.QUEUED, Shown.SENT, Shown.DELIVERED, Shown.OPENED)),
    ("undeliverable", "Undeliverable", (Shown.UNDELIVERABLE,)),
    ("expired", "Expired", (Shown.EXPIRED,)),
    ("paid", "Paid", (Shown.PAID, Shown.SETTLED)),
    ("canceled", "Canceled", (Shown.CANCELED,)),
)


def request_or_404(practice: Practice, request_id: int) -> PaymentRequest:
    rows = PaymentRequest.objects.filter(practice=practice).select_related("patient", "payer", "practice", "message")
    return get_object_or_404(rows, pk=request_id)


def _rows(practice: Practice, now: datetime) -> QuerySet[Any]:
    """Requests with their `shown_state`, newest first."""
    rows = PaymentRequest.objects.filter(practice=practice).with_shown_state(now)
    return rows.select_related("patient", "payer", "message").order_by("-created_at", "-pk")


def of_patient(patient: Patient, now: datetime) -> dict[str, Any]:
    """Asked of this person or for their account, newest first; the last 50."""
    rows = _rows(patient.practice, now)
    mine = rows.filter(patient=patient) | rows.filter(payer=patient)
    return {"patient": patient, "rows": list(mine[:PAGE_SIZE])}


def listed(practice: Practice, chosen: str, page: str, now: datetime) -> dict[str, Any]:
    """The list with its filters and their counts; an unknown filter lists all."""
    states = {name: states for name, _, states in _FILTERS}
    rows = _rows(practice, now)
    counts = {row["shown_state"]: row["n"] for row in rows.order_by().values("shown_state").annotate(n=Count("pk"))}
    picked = rows.filter(shown_state__in=states[chosen]) if chosen in states else rows
    filters = [{"label": "All", "query": "?", "here": chosen not in states, "count": sum(counts.values())}]
    for name, label, of in _FILTERS:
        count = sum(counts.get(state, 0) for state in of)
        query = f"?{urlencode({'filter': name})}"
        filters.append({"label": label, "query": query, "here": name == chosen, "count": count})
    found = Paginator(picked, PAGE_SIZE).get_page(page)
    cents = picked.order_by().aggregate(cents=Sum("amount_cents"))["cents"] or 0
    return {"filters": filters, "page": found, "rows": found.object_list, "cents": cents}


def detail(request: PaymentRequest, form: AmountForm | None, now: datetime) -> dict[str, Any]:
    """One request: facts, what can be done, and everything that happened to it."""
    shown = _rows(request.practice, now).get(pk=request.pk)
    events = Event.objects.filter(practice=request.practice_id).about(request=request.pk)
    for sale_id in request.tries.exclude(sale=None).values_list("sale", flat=True):
        events |= Event.objects.filter(practice=request.practice_id).about(sale=sale_id)
    most = request.lines.aggregate(cents=Sum("amount_cents"))["cents"] or 0
    return {
        "row": shown,
        "lines": timeline.lines(events.order_by("-at", "-pk")),
        "asked_for": request.lines.select_related("patient").order_by("pk"),
        "paid_cents": request_amounts.paid_cents(request),
        "tries": request.tries.exclude(refusal="").order_by("-pk")[:5],
        "is_paying": bool(request_tries.open_attempts(request)),
        "is_open": request.state == PaymentRequest.State.OPEN,
        "most_cents": most,
        "form": form or AmountForm(cents=request.amount_cents),
    }
