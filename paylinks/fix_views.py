"""The other ways out of a failed payment: a part now, another day, two parts on two days, a call (ADR 13)."""

from __future__ import annotations

from datetime import date, datetime

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods

from cards.autopay import Witness
from cards.models import Consent
from paylinks import choices, links, opening, pages, plan_links
from paylinks.links import Found, State
from paylinks.opening import link_page, spoken
from paylinks.views import addresses, back_to_page, fix
from payments import calls, self_service
from payments.forms import read_cents
from payments.plan_changes import By
from payments.self_service import Halves, Refused
from payplans.models import Installment


def _is_usable(request: HttpRequest, found: Found) -> bool:
    """A button was pressed, money is still owed, and nothing is in flight."""
    is_free = pages.charge_under_way(found) is None and pages.open_attempt(found.part) is None
    return request.method == "POST" and found.state == State.USABLE and is_free


def _said(found: Found, what: str) -> HttpResponse:
    return HttpResponseRedirect(f"{addresses(found)['page']}?did={what}", status=303)


@require_http_methods(["GET", "POST"])
@link_page(links.find)
def pay_part(request: HttpRequest, found: Found, now: datetime) -> HttpResponse:
    """The same choice of cards for a part of it."""
    if not _is_usable(request, found):
        # Whoever changes the language comes back by a GET.
        return back_to_page(found)
    cents = _read(request.POST.get("dollars", ""))
    if cents == found.part.amount_cents:
        return back_to_page(found)
    if not choices.may_pay(found.part, cents):
        return fix(request, found, now, note="part", status=422)
    return fix(request, found, now, "fix_part", cents=cents)


def _read(dollars: str) -> int:
    try:
        return read_cents(dollars)
    except forms.ValidationError:
        return 0


def _day(text: str) -> date:
    """A day that no rule allows where it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return date.min


def _one(found: Found) -> Installment | None:
    return found.part.installment


def _by(found: Found, now: datetime) -> By:
    return By(f"patient:{found.link.patient_id}", "Chosen by the payer on the link", now)


@require_http_methods(["GET", "POST"])
@link_page(links.find)
def another_day(request: HttpRequest, found: Found, now: datetime) -> HttpResponse:
    one = _one(found)
    if not _is_usable(request, found) or one is None:
        return back_to_page(found)
    try:
        self_service.move(one, _day(request.POST.get("day", "")), by=_by(found, now))
    except Refused as refused:
        why = choices.words(refused.why, refused.days)
        return fix(request, found, now, note="refused", why=why, status=422)
    return _said(found, "day")


@require_http_methods(["GET", "POST"])
@link_page(links.find)
def halves(request: HttpRequest, found: Found, now: datetime) -> HttpResponse:
    """Asked once more in the exact words; agreed to, it is two parts."""
    one, given = _one(found), request.POST
    if not _is_usable(request, found) or one is None:
        return back_to_page(found)
    wanted = Halves(_read(given.get("dollars", "")), _day(given.get("first", "")), _day(given.get("second", "")))
    try:
        offered = self_service.check_split(one, wanted, now)
        text = self_service.split_text(one, offered.card, wanted, spoken())
        if given.get("shown", "").replace("\r\n", "\n") != text:
            rest = found.part.amount_cents - wanted.cents
            return fix(request, found, now, "fix_halves", halves=wanted, rest_cents=rest, text=text, given=given)
        witness = Witness(Consent.Channel.LINK, f"patient:{found.link.patient_id}", _ip(request), spoken())
        self_service.split(one, wanted, shown=text, witness=witness, by=_by(found, now))
    except Refused as refused:
        why = choices.words(refused.why, refused.days)
        return fix(request, found, now, note="refused", why=why, status=422)
    return _said(found, "halves")


def _ip(request: HttpRequest) -> str | None:
    return opening.address_of(request) or None


@require_http_methods(["GET", "POST"])
@link_page(links.find)
def call_me(request: HttpRequest, found: Found, now: datetime) -> HttpResponse:
    if request.method != "POST" or found.state != State.USABLE:
        return back_to_page(found)
    calls.want(found.part, now=now)
    return _said(found, "call")


@require_http_methods(["GET", "POST"])
@link_page(links.find)
def to_my_plan(request: HttpRequest, found: Found, now: datetime) -> HttpResponse:
    """The payer's page of the whole plan has a link of its own."""
    one = _one(found)
    if request.method != "POST" or one is None or one.plan.guarantor_id != found.link.patient_id:
        return back_to_page(found)
    return HttpResponseRedirect(plan_links.address(plan_links.open_link(one.plan, now=now)), status=303)
