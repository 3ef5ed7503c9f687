"""Pay Now with a card that is not saved: an installment at a terminal, or on the processor's card page (ADR 7)."""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from core import clock
from payments import asking, card_page_views, pay_now_pages, plan_views, upward
from payments.forms import PresentedForm
from payments.models import Attempt, DuePart
from practices import access
from practices.access import Permission, StaffRequest
from processors import accounts
from processors.port import UnableToReachProcessor


@access.staff(Permission.CHARGE)
@require_POST
def pay_now_elsewhere(request: HttpRequest, installment_id: int) -> HttpResponse:
    """`way`: terminal or manual. The same attempt path as a desk sale; nothing is kept of the card."""
    staff, now = cast("StaffRequest", request), clock.now()
    part = pay_now_pages.open_part_or_404(staff.practice, installment_id)
    form = PresentedForm(request.POST, readers=upward.handlers.readers(staff.practice.pk, staff.user.pk))
    if not form.is_valid():
        messages.warning(request, "Nothing was charged: choose a terminal.")
        return plan_views.done(request, reverse("pay_now", args=[installment_id]))
    wish = {"newest": form.cleaned_data["newest"], "actor": access.actor(request)}
    if form.cleaned_data["way"] == "manual":
        back = settings.BASE_URL + reverse("part_card_page_back", args=[part.pk])
        return redirect(pay_now_pages.progress_url(part, asking.part_page(part, back=back, **wish), now))
    try:
        address = asking.part_reader(part, reader_id=form.cleaned_data["reader"], now=now, **wish)
    except upward.UnableToTakeThere as error:
        messages.error(request, f"Nothing was charged: {error}.")
        return plan_views.done(request, reverse("pay_now", args=[installment_id]))
    return plan_views.done(request, address)


def _page_of(request: HttpRequest, part_id: int) -> Attempt:
    """The newest try of this installment on a card page."""
    rows = DuePart.objects.filter(practice=cast("StaffRequest", request).practice, installment__isnull=False)
    part = get_object_or_404(rows, pk=part_id)
    tries = part.attempts.filter(channel=Attempt.Channel.HOSTED).exclude(page="")
    return get_object_or_404(tries.order_by("-pk")[:1])


@access.staff(Permission.CHARGE)
@require_GET
def part_card_page(request: HttpRequest, part_id: int) -> HttpResponse:
    """To the processor's page; to the try itself when it is open no more."""
    attempt = _page_of(request, part_id)
    try:
        address = "" if attempt.is_final else accounts.for_practice(attempt.practice_id).page_address(attempt.page)
    except UnableToReachProcessor as error:
        messages.error(request, f"The card page can't be opened: {error}.")
        return redirect("attempt", attempt.pk)
    if not address and not attempt.is_final:
        card_page_views.look(request, attempt)
    return redirect(address) if address else redirect("attempt", attempt.pk)


@access.staff(Permission.CHARGE)
@require_GET
def part_card_page_back(request: HttpRequest, part_id: int) -> HttpResponse:
    """Where the processor's page leads, with the card taken or without."""
    attempt = _page_of(request, part_id)
    if not attempt.is_final:
        card_page_views.look(request, attempt)
    return redirect("attempt", attempt.pk)


@access.staff(Permission.CHARGE)
@require_POST
def part_give_up(request: HttpRequest, part_id: int) -> HttpResponse:
    """Nobody types a card in any more."""
    attempt = _page_of(request, part_id)
    card_page_views.end(request, attempt)
    return redirect("attempt", attempt.pk)
