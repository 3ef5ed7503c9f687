"""Giving money back: what will happen, the one order, and its live state."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from core import clock
from payments import asking, pages, refund_pages
from payments.forms import RefundForm, VoidForm
from payments.models import Payment
from payments.refunds import UnableToRefund
from payments.views import MOST_POLLS
from practices import access
from practices.access import Permission, StaffRequest
from practices.forms import posted
from practices.models import Membership


@access.staff(Permission.REFUND)
def refund_payment(request: HttpRequest, payment_id: int) -> HttpResponse:
    payment, giver = _asked(request, payment_id)
    form = refund_pages.form_for(payment, posted(request))
    answer, refusal = _order(request, payment, form)
    if answer is not None:
        return answer
    # Read anew: whoever was refused sees what has happened meanwhile.
    page = {**refund_pages.page(_asked(request, payment_id)[0], form, giver), "refusal": refusal}
    return render(request, "payments/refund_payment.html", page, status=422 if request.method == "POST" else 200)


@access.staff(Permission.REFUND)
def void_payment(request: HttpRequest, payment_id: int) -> HttpResponse:
    """All of a payment of today goes back; the page says first what will happen."""
    payment, giver = _asked(request, payment_id)
    form = refund_pages.void_form(payment, posted(request))
    answer, refusal = _order(request, payment, form)
    if answer is not None:
        return answer
    page = {**refund_pages.void_page(_asked(request, payment_id)[0], form, giver, clock.now()), "refusal": refusal}
    return render(request, "payments/void_payment.html", page, status=422 if request.method == "POST" else 200)


def _asked(request: HttpRequest, payment_id: int) -> tuple[Payment, Membership]:
    """The payment as it is now, and who asks."""
    staff = cast("StaffRequest", request)
    return pages.payment_or_404(staff.practice, payment_id), staff.membership


def _order(request: HttpRequest, payment: Payment, form: RefundForm | VoidForm) -> tuple[HttpResponse | None, str]:
    """The way to the refund that was ordered; or why none was."""
    if request.method != "POST" or not form.is_valid():
        return None, ""
    wish = refund_pages.wish(payment, form, cast("StaffRequest", request).membership)
    try:
        made = asking.refund(payment, wish, now=clock.now())
    except UnableToRefund as error:
        return None, str(error)
    return redirect("refund", made.pk), ""


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
