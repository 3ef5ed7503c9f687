"""The live screen of a payment at a terminal: what the reader does, another card, cancel."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from core import clock
from patients import pages as patient_pages
from payments.models import Attempt, AttemptState
from payments.upward import UnableToTakeThere
from practices import access
from practices.access import Permission, StaffRequest
from processors.port import UnableToReachProcessor
from terminals import asking, run_pages, taking, tasks

# A reader is set free after three minutes of silence, so a screen that asks each second ends by itself before this.
MOST_POLLS = 300


@access.staff(Permission.CHARGE)
@require_GET
def reader_payment(request: HttpRequest, part_id: int) -> HttpResponse:
    part = run_pages.part_or_404(cast("StaffRequest", request).practice, part_id)
    page = {
        **patient_pages.head(part.payer, "patient_payments"),
        **run_pages.page(part, request.user.pk or 0, poll=1),
    }
    return render(request, "terminals/payment.html", page)


@access.staff(Permission.CHARGE)
@require_GET
def reader_payment_state(request: HttpRequest, part_id: int) -> HttpResponse:
    """The part that replaces itself while something moves; each few seconds it has the reader looked at."""
    part = run_pages.part_or_404(cast("StaffRequest", request).practice, part_id)
    given = request.GET.get("poll", "1")
    poll = int(given) + 1 if given.isdecimal() and int(given) < MOST_POLLS else 0
    page = run_pages.page(part, request.user.pk or 0, poll=poll)
    if page["run"] is not None and page["run"].is_live:
        tasks.look_soon(page["run"])
    return render(request, "terminals/payment_state.html", page)


@access.staff(Permission.CHARGE)
@require_POST
def reader_again(request: HttpRequest, part_id: int) -> HttpResponse:
    """Another card, at this terminal or another one. The intent is the same: two cards can't both pay."""
    part = run_pages.part_or_404(cast("StaffRequest", request).practice, part_id)
    chosen = request.POST.get("reader", "")
    try:
        reader = asking.reader_of(part, int(chosen) if chosen.isdecimal() else 0)
        asking.again(part, reader, actor=access.actor(request))
    except (UnableToTakeThere, taking.UnableToTake) as error:
        messages.error(request, f"{error}.")
    return redirect("reader_payment", part.pk)


@access.staff(Permission.CHARGE)
@require_POST
def reader_cancel(request: HttpRequest, part_id: int) -> HttpResponse:
    """Set the terminal free and take nothing, unless the card was faster."""
    part = run_pages.part_or_404(cast("StaffRequest", request).practice, part_id)
    try:
        _say(request, taking.cancel(part, now=clock.now(), actor=access.actor(request)))
    except (taking.UnableToTake, UnableToReachProcessor) as error:
        messages.warning(request, f"Not canceled: {error}.")
        return redirect("reader_payment", part.pk)
    return redirect("sale", part.sale.uuid) if part.sale else redirect("reader_payment", part.pk)


def _say(request: HttpRequest, attempt: Attempt | None) -> None:
    if attempt is not None and attempt.state == AttemptState.SUCCEEDED:
        messages.warning(request, "The card was faster: this payment was taken before it could be canceled.")
    elif attempt is None or attempt.is_final:
        messages.success(request, "Canceled. Nothing was charged.")
    else:
        messages.warning(request, "The card processor has not said yet whether it is canceled. It is being asked.")
