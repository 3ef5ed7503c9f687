"""The live screen of a payment at a terminal: what the reader does, another card, cancel."""

from __future__ import annotations

from datetime import UTC, datetime
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


@access.staff(Permission.CHARGE)
@require_GET
def reader_payment(request: HttpRequest, part_id: int) -> HttpResponse:
    staff, real_now = cast("StaffRequest", request), datetime.now(UTC)
    part = run_pages.part_or_404(staff.practice, part_id)
    shown = run_pages.page(part, staff.user.pk, since=real_now, real_now=real_now)
    return render(request, "terminals/payment.html", {**patient_pages.head(part.payer, "patient_payments"), **shown})


@access.staff(Permission.CHARGE)
@require_GET
def reader_payment_state(request: HttpRequest, part_id: int) -> HttpResponse:
    """The part that replaces itself when something has changed; each few seconds it has the reader looked at."""
    staff, real_now = cast("StaffRequest", request), datetime.now(UTC)
    part = run_pages.part_or_404(staff.practice, part_id)
    page = run_pages.page(part, staff.user.pk, since=_moment(request.GET.get("since", "")), real_now=real_now)
    if page["run"] is not None and page["run"].is_live and page["is_asking"]:
        tasks.look_soon(page["run"])
    if page["is_asking"] and request.GET.get("seen") == page["seen"]:
        # Replacing the same by the same would take the focus away and be read out again.
        return HttpResponse(status=204)
    return render(request, "terminals/payment_state.html", page)


def _moment(text: str) -> datetime:
    """When the page was opened; long ago where that was tampered with."""
    return datetime.fromtimestamp(int(text) if text.isdecimal() and len(text) < 11 else 0, UTC)


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
