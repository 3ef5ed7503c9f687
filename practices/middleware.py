"""Puts the signed-in person's practice on the request, in database scope and on the clock (its time zone)."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from practices import tenancy
from practices.models import Membership

PRACTICE_KEY = "practice"


class PracticeMiddleware:
    """Sets request.practice and request.membership; both are None for visitors and people without a practice."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        membership = _membership(request)
        request.membership = membership  # type: ignore[attr-defined]
        request.practice = membership.practice if membership else None  # type: ignore[attr-defined]
        if membership is None:
            return self.get_response(request)
        # Screens of staff speak English whatever the browser asks for; a patient's page chooses its language itself.
        english = translation.override("en")
        with tenancy.scope(membership.practice_id), timezone.override(membership.practice.zone), english:
            return self.get_response(request)


def _membership(request: HttpRequest) -> Membership | None:
    """The membership of the practice chosen in this session, else the oldest one."""
    if not request.user.is_authenticated:
        return None
    mine = list(
        Membership.objects.filter(user=request.user.pk, is_active=True, practice__is_active=True)
        .select_related("practice")
        .order_by("pk")
    )
    chosen = request.session.get(PRACTICE_KEY)
    return next((one for one in mine if one.practice_id == chosen), mine[0] if mine else None)
