"""What staff do with a discount that waits in Needs posting: look now, post it again, mark it as entered by hand."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from core import clock
from opendental import adjusting
from opendental.forms import MarkForm
from opendental.posting_views import wake
from payments.models import LedgerAdjustment
from payments.plan_views import done
from practices import access
from practices.access import Permission, StaffRequest
from practices.forms import posted

_GONE = "This discount does not wait for that any more."


@access.staff(Permission.POSTING)
@require_POST
def look_at_adjustment(request: HttpRequest, adjustment_id: int) -> HttpResponse:
    """Post now, read back now, look again: whatever is next is done at once."""
    row = _row_or_404(request, adjustment_id)
    is_done = adjusting.hurry(row, actor=access.actor(request), now=clock.now())
    return _answer(request, row, is_done, "Open Dental is being asked now. The result appears here.")


@access.staff(Permission.POSTING)
@require_POST
def post_adjustment_again(request: HttpRequest, adjustment_id: int) -> HttpResponse:
    row = _row_or_404(request, adjustment_id)
    is_done = adjusting.again(row, actor=access.actor(request), now=clock.now())
    return _answer(request, row, is_done, "Open Dental is searched for it first; then it is posted once more.")


@access.staff(Permission.POSTING)
def mark_adjustment(request: HttpRequest, adjustment_id: int) -> HttpResponse:
    """Staff say that it is in Open Dental in a way that can't be compared, and why."""
    row, form = _row_or_404(request, adjustment_id), MarkForm(posted(request))
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        if adjusting.mark(row, reason=reason, actor=access.actor(request), now=clock.now()):
            messages.success(request, "Marked as entered by hand. It stays listed as not read back.")
        else:
            messages.warning(request, _GONE)
        return done(request, reverse("needs_posting"))
    page = {"row": row, "form": form, "is_open": row.state == LedgerAdjustment.State.BY_HAND}
    return render(request, "opendental/mark_adjustment.html", page, status=422 if request.method == "POST" else 200)


@access.staff(Permission.POSTING)
@require_POST
def unmark_adjustment(request: HttpRequest, adjustment_id: int) -> HttpResponse:
    row = _row_or_404(request, adjustment_id)
    is_done = adjusting.unmark(row, actor=access.actor(request), now=clock.now())
    return _answer(request, row, is_done, "Taken back. It waits for you again.")


def _row_or_404(request: HttpRequest, adjustment_id: int) -> LedgerAdjustment:
    rows = LedgerAdjustment.objects.filter(practice=cast("StaffRequest", request).practice).select_related("patient")
    return get_object_or_404(rows, pk=adjustment_id)


def _answer(request: HttpRequest, row: LedgerAdjustment, is_done: bool, said: str) -> HttpResponse:
    if is_done:
        wake(row.practice_id)
        messages.success(request, said)
    else:
        messages.warning(request, _GONE)
    return redirect("needs_posting")
