"""Reading the reports for people: daily settlement, one day of it, payouts, one payout, lines in suspense."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.paginator import Paginator
from django.db.models import BooleanField, Case, Count, QuerySet, Sum, Value, When
from django.http import Http404
from django.shortcuts import get_object_or_404

from payments import settlement, settlement_rows, settlement_trail
from payments.models import LedgerPosting, Payment, Payout, PayoutLine, Refund
from payments.report_forms import FIRST, LAST
from payments.settlement import Sums
from payments.settlement_rows import Span
from practices.models import Practice

PAGE_SIZE = 50
# Other lines of one day, and refunds of one day: tens at most; what is more is in the CSV.
MOST = 200
_OF_LINES = ("payout__carried_by", "payment__payer", "payment__attempt")


def settled(span: Span) -> dict[str, Any]:
    """The days of the span and their sum."""
    days = settlement_rows.days(span)
    return {
        "days": days,
        "total": settlement.total(days),
        "has_other": any(day.other.moved for day in days),
        "suspense": suspense_of(span.practice),
    }


def suspense_of(practice: Practice) -> dict[str, int]:
    """Number and net cents of the lines that nobody here can explain."""
    found = _suspense(practice).aggregate(n=Count("pk"), cents=Sum("net_cents"))
    return {"n": found["n"], "cents": found["cents"] or 0}


def _suspense(practice: Practice) -> QuerySet[PayoutLine]:
    return PayoutLine.objects.filter(PayoutLine.in_suspense(), practice=practice)


def day_or_404(practice: Practice, text: str) -> Span:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise Http404("No such day") from error
    if not FIRST <= day <= LAST:
        raise Http404("No such day")
    return Span(practice, day, day)


def one_day(span: Span, page: str) -> dict[str, Any]:
    """One day, its difference line by line, and every movement with its trail."""
    day = settlement.total(settlement_rows.days(span))
    paginator = Paginator(_payments(span), PAGE_SIZE)
    # Counted already.
    paginator.count = day.taken.n
    payments = paginator.get_page(page)
    others = settlement_rows.other_lines_in(span).select_related(*_OF_LINES)
    return {
        "day": day,
        "date": span.start,
        "unposted": _unposted(day),
        "page": payments,
        "followed": settlement_trail.follow_payments(list(payments)),
        "refunds": settlement_trail.follow_refunds(list(_refunds(span)[:MOST])),
        "others": list(others.order_by("made_at", "pk")[:MOST]),
    }


def _unposted(day: settlement.Day) -> list[tuple[str, Sums]]:
    """What was not read back from Open Dental, by state of its posting; '' has none."""
    matched = LedgerPosting.State.MATCHED
    found = [(state, sums) for state, sums in sorted(day.postings.items()) if state != matched]
    with_posting = sum(sums.moved for sums in day.postings.values())
    without = day.taken.moved + day.refunds.moved - with_posting
    number = day.taken.n + day.refunds.n - sum(sums.n for sums in day.postings.values())
    return [*found, ("", Sums(n=number, moved=without))] if number else found


def _payments(span: Span) -> QuerySet[Payment]:
    rows = settlement_rows.payments_in(span).select_related("payer").prefetch_related("postings")
    return rows.order_by("paid_at", "pk")


def _refunds(span: Span) -> QuerySet[Refund]:
    return settlement_rows.refunds_in(span).select_related("posting", "payment__payer")


def trail(practice: Practice, payment_id: int) -> dict[str, Any]:
    """The trail of one payment, for its own page."""
    rows = Payment.objects.filter(practice=practice).select_related("payer").prefetch_related("postings")
    payment = get_object_or_404(rows, pk=payment_id)
    return {"steps": settlement_trail.follow_payments([payment])[0].steps}


def payouts(practice: Practice, page: str) -> dict[str, Any]:
    """Every payout, newest first."""
    rows = Payout.objects.filter(practice=practice).select_related("carried_by")
    counted = rows.annotate(n=Count("lines"), fees=Sum("lines__fee_cents")).order_by("-made_at", "-pk")
    return {"page": Paginator(counted, PAGE_SIZE).get_page(page), "suspense": suspense_of(practice)}


def payout_or_404(practice: Practice, payout_id: int) -> Payout:
    return get_object_or_404(Payout.objects.select_related("carried_by", "practice"), pk=payout_id, practice=practice)


def one_payout(payout: Payout, page: str) -> dict[str, Any]:
    """One payout: how its lines make its amount, and the lines."""
    lines = lines_of(payout).order_by("-made_at", "-pk")
    return {
        "payout": payout,
        "sums": _by_kind(payout),
        "page": Paginator(lines, PAGE_SIZE).get_page(page),
        "carries": list(payout.carries.order_by("made_at")),
    }


def lines_of(payout: Payout) -> QuerySet[PayoutLine]:
    return payout.lines.select_related(*_OF_LINES)


def _by_kind(payout: Payout) -> list[dict[str, Any]]:
    """What the lines of each kind make together; those in suspense apart."""
    unsure = Case(When(PayoutLine.in_suspense(), then=Value(True)), default=Value(False), output_field=BooleanField())
    rows = payout.lines.annotate(unsure=unsure).values("unsure", "kind").order_by()
    sums = rows.annotate(n=Count("pk"), amount=Sum("amount_cents"), fee=Sum("fee_cents"), net=Sum("net_cents"))
    found = [{**row, "label": PayoutLine.Kind(row["kind"]).label} for row in sums]
    return sorted(found, key=lambda row: (row["unsure"], PayoutLine.Kind.values.index(row["kind"])))


def suspense(practice: Practice, page: str) -> dict[str, Any]:
    rows = _suspense(practice).select_related(*_OF_LINES)
    return {
        "page": Paginator(rows.order_by("-made_at", "-pk"), PAGE_SIZE).get_page(page),
        "suspense": suspense_of(practice),
    }
