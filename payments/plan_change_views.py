"""Plan work at the desk: pause, end a pause, skip, move, another card for one charge. Drawers, one form each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from cards.autopay import Witness
from cards.models import Consent
from core import clock
from payments import charge_cards, plan_change_pages, plan_changes
from payments.plan_change_forms import PauseForm, ReasonForm
from payments.plan_change_pages import Words
from payments.plan_changes import By, UnableToChange
from payments.plan_views import done, plan_url
from payplans.models import Installment, PayPlan
from practices import access
from practices.access import Permission, StaffRequest
from practices.forms import posted

_PAGE = "payments/plan_change.html"


def _by(request: HttpRequest, form: Form) -> By:
    return By(access.actor(request), form.cleaned_data["reason"].strip(), clock.now())


def _plan(request: HttpRequest, plan_id: int) -> PayPlan:
    return plan_change_pages.plan_or_404(cast("StaffRequest", request).practice, plan_id)


def _one(request: HttpRequest, installment_id: int) -> Installment:
    return plan_change_pages.installment_or_404(cast("StaffRequest", request).practice, installment_id)


def _answer(
    request: HttpRequest, plan: PayPlan, words: Words, form: Form, page: Callable[[], dict[str, Any]],
    change: Callable[[By], object], template: str = _PAGE,
) -> HttpResponse:  # fmt: skip
    """Show the form, or do it; what is refused stands above the form."""
    if request.method == "POST" and form.is_valid():
        try:
            change(_by(request, form))
        except UnableToChange as refused:
            form.add_error(None, f"{refused}.")
        else:
            messages.success(request, words.done)
            return done(request, plan_url(plan))
    return render(request, template, page(), status=422 if form.errors else 200)


@access.staff(Permission.AUTOPAY)
def pause_plan(request: HttpRequest, plan_id: int) -> HttpResponse:
    plan, form, words = _plan(request, plan_id), PauseForm(posted(request)), plan_change_pages.PAUSE
    return _answer(
        request, plan, words, form, lambda: plan_change_pages.about_plan(plan, words, form, clock.now()),
        lambda by: plan_changes.pause(
            plan.pk, first=form.cleaned_data["first"], last=form.cleaned_data["last"], by=by
        ),
    )  # fmt: skip


@access.staff(Permission.AUTOPAY)
def resume_plan(request: HttpRequest, plan_id: int) -> HttpResponse:
    plan, form, words = _plan(request, plan_id), ReasonForm(posted(request)), plan_change_pages.RESUME
    return _answer(
        request, plan, words, form, lambda: plan_change_pages.about_plan(plan, words, form, clock.now()),
        lambda by: plan_changes.resume(plan.pk, by=by),
    )  # fmt: skip


def _with_reason(
    request: HttpRequest, installment_id: int, words: Words, change: Callable[[int, int, By], object]
) -> HttpResponse:
    one, form = _one(request, installment_id), ReasonForm(posted(request))
    return _answer(
        request, one.plan, words, form, lambda: plan_change_pages.about_one(one, words, form, clock.now()),
        lambda by: change(one.plan_id, one.pk, by),
    )  # fmt: skip


@access.staff(Permission.AUTOPAY)
def skip_installment(request: HttpRequest, installment_id: int) -> HttpResponse:
    words = plan_change_pages.SKIP
    return _with_reason(request, installment_id, words, lambda plan, one, by: plan_changes.skip(plan, one, by=by))


@access.staff(Permission.AUTOPAY)
def unskip_installment(request: HttpRequest, installment_id: int) -> HttpResponse:
    words = plan_change_pages.UNSKIP
    return _with_reason(request, installment_id, words, lambda plan, one, by: plan_changes.unskip(plan, one, by=by))


@access.staff(Permission.AUTOPAY)
def drop_charge_card(request: HttpRequest, installment_id: int) -> HttpResponse:
    words = plan_change_pages.DROP_CARD
    return _with_reason(request, installment_id, words, lambda plan, one, by: charge_cards.drop(plan, one, by=by))


@access.staff(Permission.AUTOPAY)
def move_charge(request: HttpRequest, installment_id: int) -> HttpResponse:
    one, words = _one(request, installment_id), plan_change_pages.MOVE
    form = plan_change_pages.move_form(one, posted(request), clock.now())
    return _answer(
        request, one.plan, words, form, lambda: plan_change_pages.about_one(one, words, form, clock.now()),
        lambda by: plan_changes.move(one.plan_id, one.pk, day=form.cleaned_data["day"], by=by),
    )  # fmt: skip


@access.staff(Permission.AUTOPAY)
def charge_card(request: HttpRequest, installment_id: int) -> HttpResponse:
    one, words = _one(request, installment_id), plan_change_pages.CARD
    form = plan_change_pages.card_form(one, posted(request))

    def choose(by: By) -> None:
        given = form.cleaned_data
        witness = Witness(Consent.Channel.STAFF, by.actor, request.META["REMOTE_ADDR"], given["language"])
        charge_cards.choose(one.plan_id, one.pk, card=form.card, shown=given["shown"], witness=witness, by=by)

    return _answer(
        request, one.plan, words, form, lambda: plan_change_pages.card_page(one, form, clock.now()), choose,
        "payments/charge_card.html",
    )  # fmt: skip


@access.staff(Permission.AUTOPAY)
@require_GET
def charge_card_text(request: HttpRequest, installment_id: int) -> HttpResponse:
    """The words for the choices now in the form, asked for whenever one of them changes."""
    one = _one(request, installment_id)
    form = plan_change_pages.card_form(one, request.GET)
    return render(request, "payments/consent_text.html", plan_change_pages.card_page(one, form, clock.now()))
