"""The page on which a patient agrees to autopay with one tap; reading it changes nothing."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from core.tokens import link_token
from paylinks import consent_links, opening
from paylinks.consent_links import FoundConsent, UnableToAgree
from paylinks.opening import link_page, spoken


def show(
    request: HttpRequest, found: FoundConsent, now: datetime, *, note: str = "", status: int = 200
) -> HttpResponse:
    """What is asked; once it was agreed to, what was agreed to."""
    link = found.link
    asked = None if link.consent else consent_links.asked(link, spoken(), now)
    context = {
        "practice": link.practice, "found": found, "code": link.spoken_code, "asked": asked, "consent": link.consent,
        "note": note, "agree": reverse("link_agree", args=_address(found)),
    }  # fmt: skip
    return render(request, "patient/consent.html", context, status=status)


def _address(found: FoundConsent) -> list[str]:
    return [found.link.practice.slug, link_token(found.link.nonce)]


@require_POST
@link_page(consent_links.find)
def agree(request: HttpRequest, found: FoundConsent, now: datetime) -> HttpResponse:
    """The button: agrees to exactly what was shown above it, once."""
    ip = opening.address_of(request) or None
    if found.link.agreed_at is None:
        try:
            consent_links.agree(found.link, shown=request.POST.get("shown", ""), language=spoken(), ip=ip, now=now)
        except UnableToAgree:
            return show(request, found, now, note="changed", status=409)
    return HttpResponseRedirect(reverse("link_page", args=_address(found)), status=303)
