"""Giving money back: what will happen, the one order, and its live state."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from core import clock
from payments import asking, pages, refund_pages
from payments.refunds import UnableToRefund
from payments.views import MOST_POLLS
from practices import access
from practices.access import Permission, StaffRequest
from practices.forms import posted


@access.staff(Permission.REFUND)
def refund_payment(request: HttpRequest, payment_id: int) -> HttpResponse:
    practice, refusal = cast("StaffRequest", request).practice, ""
    form = refund_pages.form_for(pages.payment_or_404(practice, payment_id), posted(request))
    if request.method == "POST" and form.is_valid():
        payment = pages.payment_or_404(practice, payment_id)
        try:
            made = asking.refund(payment, **form.wish, actor=access.actor(request), now=clock.now())
        except UnableToRefund as error:
            refusal = str(error)
        else:
            return redirect("refund", made.pk)
    # Read anew: whoever was refused sees what has happened meanwhile.
    page = {**refund_pages.page(pages.payment_or_404(practice, payment_id), form), "refusal": refusal}
    return render(request, "payments/refund_payment.html", page, status=422 if request.method == "POST" else 200)


@access.staff(Permission.VIEW)
@require_GET
def refund(request: HttpRequest, refund_id: int) -> HttpResponse:
    page = refund_pages.refund_page(cast("StaffRequest", request).practice, refund_id, poll=1)
    return render(request, "payments/refund.html", page)


@access.staff(Permission.VIEW)
@require_GET
def refund_state(request: HttpRequest, refund_id: int) -> HttpResponse:
    """The part that replaces itself until the outcome is known and posted or with staff, or MOST_POLLS were asked."""
    given = request.GET.get("poll", "1")
    poll = int(given) + 1 if given.isdecimal() and int(given) < MOST_POLLS else 0
    page = refund_pages.refund_page(cast("StaffRequest", request).practice, refund_id, poll=poll)
    return render(request, "payments/refund_state.html", page)
