"""Patient pages of a request: the amount, Pay by the processor's page or a saved card, how it ends, the receipt."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import clock
from core.tokens import link_token
from paylinks import limits, opening, receipt_links, request_pages, request_tries, requests, tasks
from paylinks.models import PaymentRequest, RequestTry
from paylinks.opening import link_page, spoken
from paylinks.receipt_forms import BirthDateForm
from paylinks.request_pages import PayPage, UnderWay
from paylinks.request_tries import Agreement, NotNow
from paylinks.requests import FoundRequest
from payments import presented
from payments.forms import read_cents
from payments.models import Attempt, AttemptState
from practices import tenancy
from practices.models import Practice
from processors import accounts
from processors.port import UnableToReachProcessor

State = PaymentRequest.State
RETURN_FOR = timedelta(hours=2)
_NAMES = ("pay", "amount", "paying", "card_page", "close", "services", "itemised")


def show(request: HttpRequest, found: FoundRequest, now: datetime, **more: Any) -> HttpResponse:
    """The page behind the link: what is to be paid, or how it stands."""
    row = found.request
    if row.state == State.PAID:
        return _paid(request, row)
    if row.state == State.SETTLED:
        return _render(request, row, "nothing_owed")
    moving = request_pages.under_way(row)
    if moving is not None:
        return _moving(request, row, moving)
    return _ask(request, row, now, **more)


def _ask(
    request: HttpRequest, row: PaymentRequest, now: datetime, *, pay_cents: int = 0, note: str = "", status: int = 200,
    **more: Any,
) -> HttpResponse:  # fmt: skip
    page = request_pages.pay_page(row, now, spoken(), pay_cents=pay_cents)
    if not page.asked_cents:
        return _render(request, row, "nothing_owed")
    lines = request_pages.services(row) if requests.is_pass(row, request.GET.get("seen", "")) else []
    shown = {"form": BirthDateForm(), "lines": lines, "page": page, "note": note, **more}
    return _render(request, row, "request", status=status, **shown)


def _render(request: HttpRequest, row: PaymentRequest, name: str, *, status: int = 200, **more: Any) -> HttpResponse:
    slug, token = row.practice.slug, link_token(row.nonce)
    to = {one: reverse(f"request_{one}", args=[slug, token]) for one in _NAMES}
    to["page"] = reverse("link_page", args=[slug, token])
    page = {"practice": row.practice, "row": row, "code": row.spoken_code, "to": to, **more}
    return render(request, f"patient/{name}.html", page, status=status)


def _paid(request: HttpRequest, row: PaymentRequest) -> HttpResponse:
    return _render(request, row, "request_paid", payment=request_pages.last_payment(row))


def _moving(request: HttpRequest, row: PaymentRequest, moving: UnderWay, *, note: str = "") -> HttpResponse:
    if moving.is_at_page:
        return _render(request, row, "request_at_page", cents=_cents(moving), note=note)
    page = _render(request, row, "request_paying", cents=_cents(moving), moving=moving)
    page.headers["Refresh"] = "10" if moving.is_unknown else "2"
    return page


def _cents(moving: UnderWay) -> int:
    return moving.attempt.amount_cents if moving.attempt else moving.tried.amount_cents if moving.tried else 0


@require_http_methods(["GET", "POST"])
@link_page(requests.find)
def pay(request: HttpRequest, found: FoundRequest, now: datetime) -> HttpResponse:
    """Agree to the amount that is shown. Whatever is pressed twice is one try."""
    row = found.request
    if request.method != "POST" or row.state != State.OPEN or request_pages.under_way(row) is not None:
        # Whoever changes the language comes back by a GET.
        return _back(row)
    page = request_pages.pay_page(row, now, spoken(), pay_cents=_number(request, "cents"))
    wish = _agreement(request, page)
    if wish is None:
        return _ask(request, row, now, note=_("The amount has changed since this page was opened."), status=409)
    if request_tries.is_worn_out(row, now):
        return _ask(request, row, now, note=_("There were too many tries with this link today."), status=429)
    tried = request_tries.agree(row, wish, now=now)
    tasks.hand_over_try(tried.practice_id, tried.pk)
    return HttpResponseRedirect(_paying_address(tried), status=303)


def _number(request: HttpRequest, name: str) -> int:
    given = request.POST.get(name, "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 12 else 0


def _agreement(request: HttpRequest, page: PayPage) -> Agreement | None:
    """None when the page on the phone showed another amount, or a card that is not there any more."""
    shown, cents, way = _number(request, "shown"), _number(request, "cents"), request.POST.get("card", "")
    chosen = next(((card, text) for card, text in page.cards if str(card.pk) == way), None)
    if shown != page.asked_cents or cents != page.pay_cents or cents < requests.LEAST_CENTS or (way and not chosen):
        return None
    card, text = chosen or (None, "")
    return Agreement(shown, cents, card, text, spoken(), opening.address_of(request) or None)


def _address(row: PaymentRequest) -> str:
    return reverse("link_page", args=[row.practice.slug, link_token(row.nonce)])


def _back(row: PaymentRequest) -> HttpResponse:
    return HttpResponseRedirect(_address(row), status=303)


def _paying_address(tried: RequestTry) -> str:
    path = reverse("request_paying", args=[tried.request.practice.slug, link_token(tried.request.nonce)])
    return f"{path}?try={tried.uuid}"


@require_http_methods(["GET", "POST"])
@link_page(requests.find)
def another_amount(request: HttpRequest, found: FoundRequest, now: datetime) -> HttpResponse:
    """The same page with a part of the amount to pay, where the practice allows it."""
    row, asked = found.request, request_pages.pay_page(found.request, now, spoken())
    if request.method != "POST" or not asked.may_pay_part or row.state != State.OPEN:
        return _back(row)
    try:
        cents = read_cents(request.POST.get("dollars", ""))
    except forms.ValidationError:
        cents = 0
    if not requests.LEAST_CENTS <= cents <= asked.asked_cents:
        return show(request, found, now, note=_("Type an amount that is not more than what is due."), status=422)
    return show(request, found, now, pay_cents=cents)


@require_GET
@link_page(requests.find, also_late=True)
def paying(request: HttpRequest, found: FoundRequest, now: datetime) -> HttpResponse:
    """How a press of Pay goes: reloads itself, leads once to the processor's page, then tells the end."""
    row, tried = found.request, _try(request, found.request)
    if tried is None:
        return _back(row)
    moving = request_pages.under_way(row)
    if moving is None:
        return _outcome(request, found, tried, now)
    is_mine = moving.attempt is not None and moving.attempt.pk == tried.attempt_id
    if moving.is_at_page and is_mine and RequestTry.objects.filter(pk=tried.pk, led_at=None).update(led_at=now):
        return _to_page(request, row, moving, now)
    return _moving(request, row, moving)


def _try(request: HttpRequest, row: PaymentRequest) -> RequestTry | None:
    try:
        wanted = UUID(request.GET.get("try", ""))
    except ValueError:
        return None
    return row.tries.select_related("attempt__card", "request__practice").filter(uuid=wanted).first()


def _outcome(request: HttpRequest, found: FoundRequest, tried: RequestTry, now: datetime) -> HttpResponse:
    row = found.request
    if tried.attempt is not None and tried.attempt.state == AttemptState.SUCCEEDED:
        return _paid(request, row)
    if row.state == State.OPEN and found.is_dead or row.state == State.CANCELED:
        return opening.gone(request, row.practice)
    return show(request, found, now, note=request_pages.what_happened(tried))


def _to_page(request: HttpRequest, row: PaymentRequest, moving: UnderWay, now: datetime) -> HttpResponse:
    """To the processor's page; where none is open any more, the news is asked for."""
    assert moving.attempt is not None
    try:
        address = accounts.for_practice(row.practice_id).page_address(moving.attempt.page)
        if address:
            return HttpResponseRedirect(address)
        presented.look(moving.attempt, now=now, actor=f"patient:{row.payer_id}")
    except UnableToReachProcessor:
        return _moving(request, row, moving, note=_("The card page can't be opened at the moment."))
    return _back(row)


@require_GET
@link_page(requests.find, also_late=True)
def card_page(request: HttpRequest, found: FoundRequest, now: datetime) -> HttpResponse:
    """Go on with the card page that is open, on whichever phone."""
    moving = request_pages.under_way(found.request)
    if moving is None or not moving.is_at_page:
        return _back(found.request)
    return _to_page(request, found.request, moving, now)


@require_http_methods(["GET", "POST"])
@link_page(requests.find, also_late=True)
def close_page(request: HttpRequest, found: FoundRequest, now: datetime) -> HttpResponse:
    """The open card page is closed first, then another way can be chosen (decisions 7)."""
    row = found.request
    if request.method == "POST":
        try:
            request_tries.withdraw(row, actor=f"patient:{row.payer_id}", now=now)
        except NotNow:
            return _back(row)
    return _back(row)


@require_GET
@never_cache
def back(request: HttpRequest, slug: str, try_uuid: UUID) -> HttpResponse:
    """Where the processor's page sends the browser. Good for two hours, so that it does not become a second secret."""
    if limits.is_over(opening.address_of(request)):
        return opening.too_often(request)
    practice = Practice.objects.filter(slug=slug, is_active=True).first()
    if practice is None:
        return opening.dead(request, None)
    with tenancy.scope(practice.pk):
        now = clock.now()
        recent = RequestTry.objects.filter(uuid=try_uuid, agreed_at__gt=now - RETURN_FOR)
        tried = recent.select_related("request__practice", "attempt").first()
        if tried is None:
            return opening.dead(request, practice)
        if tried.attempt is not None:
            _ask_processor(tried.attempt, now)
        canceled = "canceled" in request.GET
        return _back(tried.request) if canceled else HttpResponseRedirect(_paying_address(tried))


def _ask_processor(attempt: Attempt, now: datetime) -> None:
    """At once instead of waiting for the news, which comes all the same."""
    try:
        presented.look(attempt, now=now, actor=attempt.actor)
    except UnableToReachProcessor:
        return


@require_http_methods(["GET", "POST"])
@link_page(requests.find)
def services(request: HttpRequest, found: FoundRequest, now: datetime) -> HttpResponse:
    """What it is for, for whoever knows the birth date. Paying works without it."""
    row, form = found.request, BirthDateForm(request.POST)
    if request.method != "POST" or row.state != State.OPEN:
        return _back(row)
    if not form.is_valid():
        return show(request, found, now, form=form, status=422)
    if requests.proves(row, form.born, now=now):
        # By a redirect: whoever goes back from the card page must not be asked to send the date again.
        return HttpResponseRedirect(f"{_address(row)}?seen={requests.make_pass(row)}", status=303)
    limits.miss(opening.address_of(request))
    return show(request, found, now, form=form, wrong=True, status=422)


@require_POST
@link_page(requests.find, also_late=True)
def itemised(request: HttpRequest, found: FoundRequest, now: datetime) -> HttpResponse:
    """The receipt with services has a link of its own, which asks for the birth date."""
    payment = request_pages.last_payment(found.request)
    if payment is None:
        return _back(found.request)
    link = receipt_links.link_of(payment, click=payment.attempt.uuid, now=now)
    return HttpResponseRedirect(
        reverse("link_page", args=[found.request.practice.slug, link_token(link.nonce)]), status=303
    )
