"""The Payments screen: the list with its filters, its export, and the Needs posting queue."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from core import clock
from core.calendar import local_date
from payments import needs_posting, payment_export, payment_list
from payments.payment_filters import FilterForm
from practices import access
from practices.access import Permission, StaffRequest
from practices.models import Event


@access.staff(Permission.VIEW)
@require_GET
def payments(request: HttpRequest) -> HttpResponse:
    if request.GET.get("filter") == "posting":
        return redirect("needs_posting")
    page = payment_list.page(cast("StaffRequest", request).practice, request.GET, now=clock.now())
    return render(request, "payments/payments.html", page, status=422 if page["form"].errors else 200)


@access.staff(Permission.VIEW)
@require_GET
def needs_posting_queue(request: HttpRequest) -> HttpResponse:
    page = needs_posting.page(cast("StaffRequest", request).practice, request.GET, now=clock.now())
    return render(request, "payments/needs_posting.html", page)


@access.staff(Permission.EXPORT)
@require_GET
def export(request: HttpRequest) -> HttpResponseBase:
    """The list as it is filtered; who took it out stands in the trail before the first line is sent."""
    practice, now = cast("StaffRequest", request).practice, clock.now()
    form, chosen = FilterForm(request.GET, practice=practice), payment_list.chosen_of(request.GET)
    if not form.is_valid():
        return redirect(f"{request.path.removesuffix('export.csv')}?{request.GET.urlencode()}")
    # Ids and choices only: what was searched for may be a name.
    kept = {name: text for name, text in form.kept.items() if name != "q"}
    Event.record(
        practice.pk, kind="payments_exported", actor=access.actor(request), now=now, about={},
        text=f"Payments exported: {payment_list.LABELS[chosen]}{', of a search' if 'q' in form.kept else ''}",
        after={"filter": chosen, **kept},
    )  # fmt: skip
    lines = payment_export.stream(practice, form, chosen)
    name = f"payments-{local_date(now, practice.zone).isoformat()}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)
