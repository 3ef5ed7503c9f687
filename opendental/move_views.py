"""Moving a payment at the desk: choose the patient, choose where it goes, see before and after, order it."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from core import clock
from opendental import moves, post_move
from opendental.forms import MoveForm
from opendental.moves import UnableToMove, Wish
from opendental.posting_views import wake
from patients import search
from patients.models import Patient
from payments import pages, upward
from payments.models import Move, Payment
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
        page["places"] = moves.places(page["patient"], payment)
        form = MoveForm(posted(request), account=page["account"], cents=payment.amount_cents, places=page["places"])
        page["form"] = form
    if form is not None and request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data
        wish = Wish(page["patient"], page["account"], chosen["procedures"], chosen["installment"])
        try:
            if request.POST.get("step") == "move":
                return _ordered(request, payment, wish, form.cleaned_data["reason"])
            page["plan"] = moves.look(payment, wish)
        except UnableToMove as error:
            page["refusal"] = str(error)
    is_wrong = request.method == "POST" and "plan" not in page
    return render(request, "opendental/move_payment.html", page, status=422 if is_wrong else 200)


@access.staff(Permission.POSTING)
@require_POST
def call_off_move(request: HttpRequest, payment_id: int) -> HttpResponse:
    """As long as staff have taken nothing off in Open Dental."""
    payment = pages.payment_or_404(cast("StaffRequest", request).practice, payment_id)
    move = payment.moves.filter(state=Move.State.ORDERED).select_related("target").first()
    if move is not None and post_move.call_off(move, actor=access.actor(request), now=clock.now()):
        messages.success(request, "Called off. The payment stays where it is.")
    else:
        messages.warning(request, "This move can't be called off any more.")
    return redirect("needs_posting")


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
