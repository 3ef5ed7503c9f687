"""My plan on the payer's phone: look, take a receipt, change the card, name a backup, stop, ask to pay off (ADR 13)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cards import autopay as turning
from cards import saving
from cards.autopay import Witness
from cards.models import Card, CardSetup, Consent
from core import clock
from core.money import format_cents
from core.tokens import link_token
from paylinks import limits, links, my_plan, opening, plan_links, receipt_links
from paylinks.models import PlanLink
from paylinks.opening import link_page, spoken
from paylinks.plan_links import FoundPlan
from payments import attaching, backup_cards, calls
from payments.attaching import UnableToAttach
from payments.backup_cards import UnableToName
from payments.models import DuePart, Payment
from payplans.models import Installment
from practices import tenancy
from practices.models import Practice
from processors.port import UnableToReachProcessor

RETURN_FOR = timedelta(hours=2)
# Card pages of one link in a day: more is somebody trying out cards that are not theirs.
MAX_A_DAY = 10
STEPS = ("use", "new_card", "stop", "backup", "payoff", "receipt_of", "repair")
DID = ("card", "backup", "no_backup", "stopped", "payoff")


def show(request: HttpRequest, found: FoundPlan, now: datetime, *, note: str = "", status: int = 200) -> HttpResponse:
    """The whole page. `?did` says what was just done, `?card` which new card was just saved."""
    page, did = my_plan.of(found.plan, now, spoken()), request.GET.get("did", "")
    fresh = next((pair for pair in page.cards if str(pair[0].pk) == request.GET.get("card", "")), None)
    name = "my_plan_card" if fresh is not None and not note else "my_plan"
    return _render(request, found, name, status, page=page, note=note or (did if did in DID else ""), fresh=fresh)


def _render(request: HttpRequest, found: FoundPlan, name: str, status: int = 200, **more: Any) -> HttpResponse:
    to = {"page": plan_links.address(found.link)} | {
        one: plan_links.address(found.link, f"plan_{one}") for one in STEPS
    }
    page = {"practice": found.link.practice, "code": found.link.spoken_code, "plan": found.plan, "to": to, **more}
    return render(request, f"patient/{name}.html", page, status=status)


def _back(found: FoundPlan, did: str = "") -> HttpResponse:
    return HttpResponseRedirect(f"{plan_links.address(found.link)}{f'?did={did}' if did else ''}", status=303)


def _actor(found: FoundPlan) -> str:
    return f"patient:{found.link.patient_id}"


def _witness(request: HttpRequest, found: FoundPlan) -> Witness:
    return Witness(Consent.Channel.LINK, _actor(found), opening.address_of(request) or None, spoken())


def _pressed(found: FoundPlan, now: datetime) -> None:
    PlanLink.objects.filter(pk=found.link.pk, opened_at=None).update(opened_at=now)


def _chosen(request: HttpRequest, found: FoundPlan) -> Card | None:
    """One of the payer's own active cards."""
    given = request.POST.get("card", "")
    if not (given.isascii() and given.isdecimal() and len(given) < 19):
        return None
    return Card.objects.filter(pk=int(given), patient=found.plan.guarantor_id, state=Card.State.ACTIVE).first()


def _shown(request: HttpRequest) -> str:
    return request.POST.get("text", "").replace("\r\n", "\n")


@require_http_methods(["GET", "POST"])
@link_page(plan_links.find)
def use_card(request: HttpRequest, found: FoundPlan, now: datetime) -> HttpResponse:
    """This card pays the plan from now on, under the words that stood above the button. Pressed twice it is once."""
    card = _chosen(request, found) if request.method == "POST" else None
    if card is None or getattr(my_plan.of(found.plan, now, spoken()).autopay, "card_id", None) == card.pk:
        return _back(found)
    if _shown(request) != my_plan.card_text(found.plan, card, spoken(), now):
        return show(request, found, now, note="changed", status=409)
    _pressed(found, now)
    maximum = turning.proposed_maximum_cents(found.plan)
    try:
        attaching.attach(found.plan, card, max_charge_cents=maximum, witness=_witness(request, found), now=now)
    except UnableToAttach:
        return show(request, found, now, note="not_attached", status=409)
    return _back(found, "card")


@require_http_methods(["GET", "POST"])
@link_page(plan_links.find)
def new_card(request: HttpRequest, found: FoundPlan, now: datetime) -> HttpResponse:
    """To the processor's card page; nothing is charged and nothing changes before the words are agreed to."""
    if request.method != "POST" or not found.plan.is_collectable:
        return _back(found)
    lately = CardSetup.objects.filter(link_nonce=found.link.nonce, created_at__gt=now - timedelta(days=1))
    if lately.count() >= MAX_A_DAY:
        return show(request, found, now, note="worn_out", status=429)
    _pressed(found, now)
    # The link's own address would store its token; this one leads back by the visit's number, for a while.
    path = reverse("plan_back", args=[found.link.practice.slug])
    try:
        url = saving.start(
            patient=found.link.patient, return_path=path, actor=_actor(found), now=now, link_nonce=found.link.nonce
        )
    except UnableToReachProcessor:
        return show(request, found, now, note="unreachable", status=503)
    return HttpResponseRedirect(url, status=303)


@require_GET
@never_cache
def back(request: HttpRequest, slug: str) -> HttpResponse:
    """Where the processor's page sends the browser. Good for two hours, so that it does not become a second secret."""
    if limits.is_over(opening.address_of(request)):
        return opening.too_often(request)
    practice = Practice.objects.filter(slug=slug, is_active=True).first()
    if practice is None:
        return opening.dead(request, None)
    with tenancy.scope(practice.pk):
        now = clock.now()
        setup = _visit(request, now)
        link = _link_of(setup) if setup is not None else None
        if setup is None or link is None:
            return opening.dead(request, practice)
        return HttpResponseRedirect(f"{plan_links.address(link)}{_saved(setup, now)}")


def _link_of(setup: CardSetup) -> PlanLink | None:
    if setup.link_nonce is None:
        return None
    return PlanLink.objects.filter(nonce=setup.link_nonce).select_related("practice").first()


def _visit(request: HttpRequest, now: datetime) -> CardSetup | None:
    try:
        wanted = UUID(request.GET.get("setup", ""))
    except ValueError:
        return None
    recent = CardSetup.objects.filter(created_at__gt=now - RETURN_FOR)
    return recent.filter(uuid=wanted).exclude(link_nonce=None).first()


def _saved(setup: CardSetup, now: datetime) -> str:
    """The card that was typed in, for the page to ask about; it appears by itself later when it is not known yet."""
    try:
        card = saving.finish(setup.uuid, now=now)
    except UnableToReachProcessor:
        return ""
    return f"?card={card.pk}" if card is not None else ""


@require_http_methods(["GET", "POST"])
@link_page(plan_links.find)
def stop(request: HttpRequest, found: FoundPlan, now: datetime) -> HttpResponse:
    """Asked once more; then at once."""
    page = my_plan.of(found.plan, now, spoken())
    if page.autopay is None:
        return _back(found)
    if request.method != "POST" or request.POST.get("sure") != "yes":
        return _render(request, found, "my_plan_stop", page=page)
    _pressed(found, now)
    attaching.detach(found.plan, actor=_actor(found), reason="Stopped by the payer on My plan", now=now)
    return _back(found, "stopped")


@require_http_methods(["GET", "POST"])
@link_page(plan_links.find)
def backup(request: HttpRequest, found: FoundPlan, now: datetime) -> HttpResponse:
    """Name a backup card under its words, or take it off."""
    if request.method != "POST":
        return _back(found)
    _pressed(found, now)
    card = _chosen(request, found)
    if card is None:
        backup_cards.drop(found.plan, actor=_actor(found), now=now)
        return _back(found, "no_backup")
    try:
        backup_cards.name(found.plan, card, shown=_shown(request), witness=_witness(request, found), now=now)
    except UnableToName:
        return show(request, found, now, note="changed", status=409)
    return _back(found, "backup")


@require_http_methods(["GET", "POST"])
@link_page(plan_links.find)
def pay_off(request: HttpRequest, found: FoundPlan, now: datetime) -> HttpResponse:
    """The desk closes the plan and sends the request: charged before, it would not pay the plan (ADR 11)."""
    quote = my_plan.quote(found.plan, now)
    if request.method != "POST" or quote is None:
        return _back(found)
    if request.POST.get("cents") != str(quote.cents):
        return show(request, found, now, note="changed", status=409)
    _pressed(found, now)
    calls.want_payoff(found.plan, format_cents(quote.cents), now=now)
    return _back(found, "payoff")


@require_POST
@link_page(plan_links.find)
def receipt_of(request: HttpRequest, found: FoundPlan, now: datetime) -> HttpResponse:
    """The receipt of one payment has a link of its own, which asks for the birth date before it names services."""
    given = request.POST.get("payment", "")
    mine = Payment.objects.filter(allocations__installment__plan=found.plan, payer=found.plan.guarantor_id)
    number = int(given) if given.isascii() and given.isdecimal() and len(given) < 19 else 0
    payment = mine.select_related("attempt").filter(pk=number).first()
    if payment is None or found.patient.birth_date is None:
        return _back(found)
    link = receipt_links.link_of(payment, click=payment.attempt.uuid, now=now)
    return HttpResponseRedirect(
        reverse("link_page", args=[found.link.practice.slug, link_token(link.nonce)]), status=303
    )


@require_POST
@link_page(plan_links.find)
def repair(request: HttpRequest, found: FoundPlan, now: datetime) -> HttpResponse:
    """To the page of the payment that failed."""
    failed = DuePart.objects.filter(
        installment__plan=found.plan, installment__status=Installment.Status.FAILED, payer=found.plan.guarantor_id,
        state=DuePart.State.OPEN,
    )  # fmt: skip
    part = failed.order_by("installment__due_date", "slot", "pk").first()
    if part is None:
        return _back(found)
    nonce = links.open_fix_link(due_part=part, now=now)
    return HttpResponseRedirect(reverse("link_page", args=[found.link.practice.slug, link_token(nonce)]), status=303)
