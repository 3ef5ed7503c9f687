"""The door of every patient page: finds the link, puts its practice in scope, speaks the patient's language.

A wrong, foreign, expired or revoked link gets the same page, so that nobody learns from it which links exist.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Protocol, TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from core import clock
from notifications.outbox import language_of
from patients.models import Patient
from paylinks import limits
from practices import tenancy
from practices.models import Practice


class Opened(Protocol):
    """A link that exists, of whatever kind."""

    @property
    def patient(self) -> Patient: ...

    @property
    def is_dead(self) -> bool: ...


F = TypeVar("F", bound=Opened)
Page = Callable[[HttpRequest, F, datetime], HttpResponse]
Finder = Callable[[str, datetime], F | None]


def link_page(find: Finder[F], *, also_late: bool = False) -> Callable[[Page[F]], Callable[..., HttpResponse]]:
    """Guard a page of the links that `find` finds. `also_late` shows it also when the link has expired meanwhile."""

    def decorate(page: Page[F]) -> Callable[..., HttpResponse]:
        # Whoever can forge a post here knows the address, and the address is the whole secret; phones that keep no
        # cookies must be able to pay.
        @csrf_exempt
        @never_cache
        @wraps(page)
        def opened(request: HttpRequest, slug: str, token: str) -> HttpResponse:
            if limits.is_over(address_of(request)):
                return too_often(request)
            practice = Practice.objects.filter(slug=slug, is_active=True).first()
            if practice is None:
                return dead(request, None)
            with tenancy.scope(practice.pk), timezone.override(practice.zone):
                return _open(request, practice, find(token, clock.now()), page, also_late)

        return opened

    return decorate


def _open(request: HttpRequest, practice: Practice, found: F | None, page: Page[F], also_late: bool) -> HttpResponse:
    if found is None:
        return dead(request, practice)
    with translation.override(language_for(request, found.patient)):
        is_dead = found.is_dead and not also_late
        response = gone(request, practice) if is_dead else page(request, found, clock.now())
        response.headers["Content-Language"] = translation.get_language() or settings.LANGUAGE_CODE
        return response


def language_for(request: HttpRequest, patient: Patient) -> str:
    """What was chosen on the page, else Spanish for a Spanish speaker, else what the phone asks for."""
    if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES and language_of(patient) == "es":
        return "es"
    return translation.get_language() or settings.LANGUAGE_CODE


def spoken() -> str:
    """The language in force as "en" or "es"."""
    return (translation.get_language() or settings.LANGUAGE_CODE)[:2]


def address_of(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def dead(request: HttpRequest, practice: Practice | None) -> HttpResponse:
    """The page of a link that is none."""
    limits.miss(address_of(request))
    return gone(request, practice, 404)


def gone(request: HttpRequest, practice: Practice | None, status: int = 410) -> HttpResponse:
    """The one page of every link that is of no use."""
    return render(request, "patient/gone.html", {"practice": practice or Practice(name="KasperPay")}, status=status)


def too_often(request: HttpRequest) -> HttpResponse:
    """Asked to wait a minute."""
    page = render(request, "patient/busy.html", {"practice": Practice(name="KasperPay")}, status=429)
    page.headers["Retry-After"] = "60"
    return page
