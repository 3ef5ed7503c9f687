"""Manual entry at the desk: to the processor's card page and back, and giving up what waits for a card."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET, require_POST

from core import clock
from core.money import format_cents
from payments import presented, sale_pages
from payments.models import Attempt, AttemptState, Sale
from practices import access
from practices.access import Permission, StaffRequest
from processors import accounts
from processors.port import UnableToReachProcessor


def _tender(request: HttpRequest, sale_uuid: UUID, part_id: int) -> tuple[Sale, Attempt | None]:
    """The sale, and the attempt of this tender that a card page was opened for."""
    found = sale_pages.sale_or_404(cast("StaffRequest", request).practice, sale_uuid)
    part = get_object_or_404(found.due_parts, pk=part_id)
    return found, part.attempts.filter(channel=Attempt.Channel.HOSTED).exclude(page="").order_by("pk").last()


@access.staff(Permission.CHARGE)
@require_GET
def card_page(request: HttpRequest, sale_uuid: UUID, part_id: int) -> HttpResponse:
    """To the processor's page; back to the sale when it is open no more."""
    found, attempt = _tender(request, sale_uuid, part_id)
    if attempt is None or attempt.is_final:
        return redirect("sale", found.uuid)
    try:
        address = accounts.for_practice(found.practice_id).page_address(attempt.page)
    except UnableToReachProcessor as error:
        messages.error(request, f"The card page can't be opened: {error}.")
        return redirect("sale", found.uuid)
    if not address:
        # Paid or expired, and the news has not come yet.
        look(request, attempt)
    return redirect(address) if address else redirect("sale", found.uuid)


@access.staff(Permission.CHARGE)
@require_GET
def card_page_back(request: HttpRequest, sale_uuid: UUID, part_id: int) -> HttpResponse:
    """Where the processor's page leads when the card was taken: ask at once instead of waiting for the news."""
    found, attempt = _tender(request, sale_uuid, part_id)
    if attempt is not None and not attempt.is_final:
        look(request, attempt)
    return redirect("sale", found.uuid)


def look(request: HttpRequest, attempt: Attempt) -> None:
    """Ask the processor how it stands; the person is told when it doesn't answer."""
    try:
        presented.look(attempt, now=clock.now(), actor=access.actor(request))
    except UnableToReachProcessor as error:
        messages.warning(request, f"{error}. It will be asked again by itself.")


@access.staff(Permission.CHARGE)
@require_POST
def give_up(request: HttpRequest, sale_uuid: UUID, part_id: int) -> HttpResponse:
    """Nobody presents a card for this tender any more."""
    found, attempt = _tender(request, sale_uuid, part_id)
    if attempt is not None:
        end(request, attempt)
    return redirect("sale", found.uuid)


def end(request: HttpRequest, attempt: Attempt) -> None:
    """Close the page at the processor, and say what became of it."""
    try:
        _say(request, presented.give_up(attempt, now=clock.now(), actor=access.actor(request)))
    except UnableToReachProcessor as error:
        messages.error(request, f"{error}: the card page may still be open. Try again.")


def _say(request: HttpRequest, attempt: Attempt) -> None:
    match attempt.state:
        case AttemptState.SUCCEEDED:
            messages.warning(request, f"{format_cents(attempt.amount_cents)} was paid before the page could be closed.")
        case AttemptState.NOT_TAKEN:
            messages.success(request, "The card page is closed. Nothing was charged.")
        case _:
            messages.warning(request, "The processor has not said yet whether the page is closed. It is being asked.")
