"""Patient pages of links; of a fix-it link: see what failed, use another card, try the same card, see how it ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from cards.models import Card, Consent
from core import clock
from core.tokens import link_token
from paylinks import (
    charges,
    choices,
    consent_views,
    limits,
    links,
    my_plan_views,
    opening,
    pages,
    receipt_links,
    receipt_views,
    request_views,
    tasks,
)
from paylinks.charges import Agreement
from paylinks.consent_links import FoundConsent
from paylinks.links import Found, State
from paylinks.models import LinkCharge
from paylinks.opening import Opened, link_page, spoken
from paylinks.plan_links import FoundPlan
from paylinks.receipt_forms import BirthDateForm
from paylinks.receipt_links import FoundReceipt
from paylinks.requests import FoundRequest
from payments import attaching
from payments.attaching import UnableToAttach, Witness
from payments.models import AttemptState, DuePart
from practices import tenancy
from practices.models import Practice
from processors.port import UnableToReachProcessor

RETURN_FOR = timedelta(hours=2)


@require_safe
@link_page(receipt_links.find_any)
def show(request: HttpRequest, found: Opened, now: datetime) -> HttpResponse:
    """What failed and the one button that repairs it; of other links their own page."""
    if isinstance(found, FoundReceipt):
        return receipt_views.ask(request, found, BirthDateForm())
    if isinstance(found, FoundRequest):
        return request_views.show(request, found, now)
    if isinstance(found, FoundPlan):
        return my_plan_views.show(request, found, now)
    if isinstance(found, FoundConsent):
        return consent_views.show(request, found, now)
    assert isinstance(found, Found)
    if found.state == State.PAID:
        return _paid(request, found, now)
    if found.state == State.NOTHING_OWED:
        return render_link(request, found, "nothing_owed")
    under_way = pages.charge_under_way(found)
    if under_way is not None or pages.open_attempt(found.part) is not None:
        return waiting(request, found)
    did = request.GET.get("did", "")
    return fix(request, found, now, note=did if did in ("day", "halves", "call") else "")


def fix(
    request: HttpRequest, found: Found, now: datetime, name: str = "fix", *, note: str = "", cents: int = 0,
    status: int = 200, **more: Any,
) -> HttpResponse:  # fmt: skip
    """The page of a failed payment, or one of its steps; `cents`: a part of it is to be paid."""
    page = pages.fix_page(found, now, spoken(), cents)
    return render_link(request, found, name, status=status, page=page, note=note, to=addresses(found), **more)


def addresses(found: Found) -> dict[str, str]:
    slug, token = found.link.practice.slug, link_token(found.link.nonce)
    names = ("page", "card", "again", "autopay", "part", "day", "halves", "call", "plan")
    return {name: reverse(f"link_{name}", args=[slug, token]) for name in names}


def render_link(request: HttpRequest, found: Found, name: str, *, status: int = 200, **context: Any) -> HttpResponse:
    context |= {"practice": found.link.practice, "found": found, "code": found.link.spoken_code}
    return render(request, f"patient/{name}.html", context, status=status)


def _paid(request: HttpRequest, found: Found, now: datetime, *, note: str = "", status: int = 200) -> HttpResponse:
    paid = pages.receipt(found)
    offer = pages.offer(found, paid, spoken(), now)
    left = found.part if found.part.state == DuePart.State.OPEN else None
    return render_link(
        request, found, "paid", status=status, paid=paid, offer=offer, note=note, to=addresses(found), left=left,
        left_card=pages.autopay_card(left) if left else None,
    )  # fmt: skip


def waiting(request: HttpRequest, found: Found) -> HttpResponse:
    attempt = pages.open_attempt(found.part)
    is_unknown = attempt is not None and attempt.state == AttemptState.UNKNOWN
    moving = attempt or pages.charge_under_way(found)
    cents = moving.amount_cents if moving else found.part.amount_cents
    page = render_link(request, found, "charging", is_unknown=is_unknown, cents=cents)
    page.headers["Refresh"] = "10" if is_unknown else "3"
    return page


@require_POST
@link_page(links.find)
def use_another_card(request: HttpRequest, found: Found, now: datetime) -> HttpResponse:
    """Agree to one charge and go to the processor's card page."""
    if not may_agree(request, found):
        return back_to_page(found)
    if charges.is_worn_out(found.link, now):
        return fix(request, found, now, note="worn_out", status=429)
    try:
        url = charges.with_new_card(found, _agreement(request, found, None), now=now)
    except UnableToReachProcessor:
        return fix(request, found, now, note="unreachable", status=503)
    return HttpResponseRedirect(url, status=303)


@require_POST
@link_page(links.find)
def try_again(request: HttpRequest, found: Found, now: datetime) -> HttpResponse:
    """Agree to one more try with the card that failed."""
    card = pages.fix_page(found, now, spoken()).same_card if may_agree(request, found) else None
    if card is None:
        return back_to_page(found)
    if charges.is_worn_out(found.link, now):
        return fix(request, found, now, note="worn_out", status=429)
    charge = charges.with_card(found, card, _agreement(request, found, card), now=now)
    tasks.hand_over(charge.practice_id, charge.pk)
    return HttpResponseRedirect(_done_address(charge), status=303)


def may_agree(request: HttpRequest, found: Found) -> bool:
    """Something is owed, nothing is in flight, and the amount is the one that was shown, or a part of it."""
    if found.state != State.USABLE or request.POST.get("amount") != str(found.part.amount_cents):
        return False
    if not choices.may_pay(found.part, _cents(request, found)):
        return False
    return pages.charge_under_way(found) is None and pages.open_attempt(found.part) is None


def _cents(request: HttpRequest, found: Found) -> int:
    """What is to be paid now; without a word of it all that is due."""
    given = request.POST.get("cents", str(found.part.amount_cents))
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 12 else 0


def _agreement(request: HttpRequest, found: Found, card: Card | None) -> Agreement:
    cents = _cents(request, found)
    text = pages.consent_text(found, card, spoken(), cents)
    return Agreement(cents=cents, text=text, language=spoken(), ip=opening.address_of(request) or None)


def back_to_page(found: Found) -> HttpResponse:
    return HttpResponseRedirect(addresses(found)["page"], status=303)


def _done_address(charge: LinkCharge) -> str:
    slug, token = pages.address_of(charge)
    return f"{reverse('link_done', args=[slug, token])}?charge={charge.uuid}"


@require_GET
@never_cache
def back(request: HttpRequest, slug: str, charge_uuid: UUID) -> HttpResponse:
    """Where the hosted page sends the browser. Good for two hours, so that it does not become a second secret."""
    if limits.is_over(opening.address_of(request)):
        return opening.too_often(request)
    practice = Practice.objects.filter(slug=slug, is_active=True).first()
    if practice is None:
        return opening.dead(request, None)
    with tenancy.scope(practice.pk):
        recent = LinkCharge.objects.filter(uuid=charge_uuid, agreed_at__gt=clock.now() - RETURN_FOR)
        charge = recent.select_related("link", "practice").first()
        if charge is None:
            return opening.dead(request, practice)
        if "canceled" in request.GET and charge.state == LinkCharge.State.AGREED:
            return HttpResponseRedirect(reverse("link_page", args=pages.address_of(charge)))
        return HttpResponseRedirect(_done_address(charge))


@require_GET
@link_page(links.find, also_late=True)
def done(request: HttpRequest, found: Found, now: datetime) -> HttpResponse:
    """How the charge goes: reloads itself until the outcome is known, then the receipt or the new reason."""
    charge = _charge(request, found)
    if charge is None:
        return back_to_page(found)
    try:
        charge = charges.take_card(charge, now=now)
    except UnableToReachProcessor:
        return waiting(request, found)
    if charge.state == LinkCharge.State.READY:
        tasks.hand_over(charge.practice_id, charge.pk)
    return _outcome(request, found, charge, now)


def _charge(request: HttpRequest, found: Found) -> LinkCharge | None:
    try:
        wanted = UUID(request.GET.get("charge", "") or request.POST.get("charge", ""))
    except ValueError:
        return None
    mine = LinkCharge.objects.filter(uuid=wanted, link=found.link)
    return mine.select_related("link", "practice", "setup", "attempt").first()


def _outcome(request: HttpRequest, found: Found, charge: LinkCharge, now: datetime) -> HttpResponse:
    attempt = charge.attempt
    if charge.state != LinkCharge.State.DONE or (attempt is not None and not attempt.is_final):
        return waiting(request, found)
    if found.state == State.PAID or (attempt is not None and attempt.state == AttemptState.SUCCEEDED):
        return _paid(request, found, now)
    if found.state == State.NOTHING_OWED:
        return render_link(request, found, "nothing_owed")
    if found.state != State.USABLE:
        return opening.gone(request, found.link.practice)
    note = "" if attempt is not None and attempt.state == AttemptState.DECLINED else "not_charged"
    return fix(request, found, now, note=note or "declined")


@require_POST
@link_page(links.find)
def keep_on_autopay(request: HttpRequest, found: Found, now: datetime) -> HttpResponse:
    """The card that just paid becomes the plan's card, when the box was ticked below the exact words."""
    # Also after a part was paid.
    is_good = found.state in (State.PAID, State.USABLE)
    offer = pages.offer(found, pages.receipt(found), spoken(), now) if is_good else None
    if offer is None or offer.text != request.POST.get("text", "").replace("\r\n", "\n"):
        return back_to_page(found)
    if request.POST.get("agree") != "yes":
        return _paid(request, found, now, note="tick", status=422)
    witness = Witness(
        channel=Consent.Channel.LINK, given_by=f"patient:{found.link.patient_id}",
        ip=opening.address_of(request) or None, language=spoken(),
    )  # fmt: skip
    try:
        attaching.attach(offer.plan, offer.card, max_charge_cents=offer.max_charge_cents, witness=witness, now=now)
    except UnableToAttach:
        return _paid(request, found, now, note="not_attached", status=409)
    return _paid(request, found, now, note="attached")
