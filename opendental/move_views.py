"""Moving a payment at the desk: choose the patient, choose where it goes, see before and after, order it."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from core import clock
from opendental import moves
from opendental.forms import MoveForm
from opendental.moves import UnableToMove, Wish
from opendental.posting_views import wake
from patients import search
from patients.models import Patient
from payments import pages, upward
from payments.models import Payment
from payments.plan_views import done
from payments.upward import UnableToReadAccount
from practices import access
from practices.access import Permission, StaffRequest
from practices.forms import posted
from practices.models import Practice

_MOST = 8


@access.staff(Permission.POSTING)
def move_payment(request: HttpRequest, payment_id: int) -> HttpResponse:
    """Two steps on one page: `step=look` shows what will happen, `step=move` orders it."""
    practice = cast("StaffRequest", request).practice
    payment = pages.payment_or_404(practice, payment_id)
    page, form = _page(practice, payment, request), None
    if page["account"] is not None:
        form = MoveForm(posted(request), account=page["account"], cents=payment.amount_cents)
        page["form"] = form
    if form is not None and request.method == "POST" and form.is_valid():
        wish = Wish(page["patient"], page["account"], form.cleaned_data["procedures"])
        try:
            if request.POST.get("step") == "move":
                return _ordered(request, payment, wish, form.cleaned_data["reason"])
            page["plan"] = moves.look(payment, wish)
        except UnableToMove as error:
            page["refusal"] = str(error)
    is_wrong = request.method == "POST" and "plan" not in page
    return render(request, "opendental/move_payment.html", page, status=422 if is_wrong else 200)


def _ordered(request: HttpRequest, payment: Payment, wish: Wish, reason: str) -> HttpResponse:
    moves.order(payment, wish, reason=reason, actor=access.actor(request), now=clock.now())
    wake(payment.practice_id)
    messages.success(request, "It is being moved in Open Dental. The card is not touched.")
    return done(request, reverse("attempt", args=[payment.attempt_id]))


def _page(practice: Practice, payment: Payment, request: HttpRequest) -> dict[str, Any]:
    """Whom the search found, and the account of the chosen patient as Open Dental shows it now."""
    given = request.POST if request.method == "POST" else request.GET
    text, chosen = given.get("q", ""), given.get("patient", "")
    page: dict[str, Any] = {"payment": payment, "q": text, "patient": None, "account": None}
    page["found"] = list(search.find(practice, text, most=_MOST)[:_MOST]) if text else []
    if not chosen.isdecimal():
        return page
    page["patient"] = get_object_or_404(Patient, pk=int(chosen), practice=practice, gone_at=None)
    try:
        page["account"] = upward.handlers.account(practice.pk, page["patient"].pat_num, clock.now())
    except UnableToReadAccount as error:
        page["problem"] = str(error)
    return page
