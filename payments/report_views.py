"""Reports: daily settlement, payouts, what nobody can explain, and their CSV files."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core import clock
from payments import report_exports, report_pages
from payments.report_forms import SpanForm
from practices import access
from practices.access import Permission, StaffRequest
from practices.models import Event, Practice


@access.staff(Permission.VIEW)
@require_GET
def settlement(request: HttpRequest) -> HttpResponse:
    form = SpanForm(cast("StaffRequest", request).practice, request.GET, clock.now())
    if not form.is_valid():
        return render(request, "payments/settlement.html", {"form": form}, status=422)
    page = {"form": form, "query": _query(form), **report_pages.settled(form.span)}
    return render(request, "payments/settlement.html", page)


@access.staff(Permission.VIEW)
@require_GET
def settlement_csv(request: HttpRequest) -> HttpResponseBase:
    practice = cast("StaffRequest", request).practice
    form = SpanForm(practice, request.GET, clock.now())
    if not form.is_valid():
        return render(request, "payments/settlement.html", {"form": form}, status=422)
    _record(request, practice, f"Daily settlement {form.span.start} to {form.span.end}")
    return report_exports.settlement(form.span)


@access.staff(Permission.VIEW)
@require_GET
def settlement_day(request: HttpRequest, day: str) -> HttpResponse:
    span = report_pages.day_or_404(cast("StaffRequest", request).practice, day)
    page = report_pages.one_day(span, request.GET.get("page", "1"))
    return render(request, "payments/settlement_day.html", page)


@access.staff(Permission.VIEW)
@require_GET
def payouts(request: HttpRequest) -> HttpResponse:
    page = report_pages.payouts(cast("StaffRequest", request).practice, request.GET.get("page", "1"))
    return render(request, "payments/payouts.html", page)


@access.staff(Permission.VIEW)
@require_GET
def payout(request: HttpRequest, payout_id: int) -> HttpResponse:
    found = report_pages.payout_or_404(cast("StaffRequest", request).practice, payout_id)
    page = report_pages.one_payout(found, request.GET.get("page", "1"))
    return render(request, "payments/payout.html", page)


@access.staff(Permission.VIEW)
@require_GET
def payout_csv(request: HttpRequest, payout_id: int) -> HttpResponseBase:
    practice = cast("StaffRequest", request).practice
    found = report_pages.payout_or_404(practice, payout_id)
    _record(request, practice, f"Payout {found.reference}", payout=found.pk)
    return report_exports.payout_lines(found)


@access.staff(Permission.VIEW)
@require_GET
def suspense(request: HttpRequest) -> HttpResponse:
    page = report_pages.suspense(cast("StaffRequest", request).practice, request.GET.get("page", "1"))
    return render(request, "payments/payouts_suspense.html", page)


@access.staff(Permission.VIEW)
@require_GET
def payment_trail(request: HttpRequest, payment_id: int) -> HttpResponse:
    """The part of a payment's page that follows its money."""
    page = report_pages.trail(cast("StaffRequest", request).practice, payment_id)
    return render(request, "payments/report_trail.html", page)


def _query(form: SpanForm) -> str:
    return f"start={form.span.start}&end={form.span.end}"


def _record(request: HttpRequest, practice: Practice, what: str, **about: int) -> None:
    """Who took data out of the product, and what."""
    Event.record(
        practice.pk, kind="report_exported", actor=access.actor(request), now=clock.now(), about=about, text=what
    )
