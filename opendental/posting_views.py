"""Verbs of the Needs posting queue (payments/): post now, look again, it is this payment, posted by hand."""

from __future__ import annotations

import logging
from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST
from kombu.exceptions import OperationalError

from core import clock
from opendental import adopt, marking, outbox
from opendental.adopt import UnableToAdopt
from opendental.forms import MarkForm, NameForm
from opendental.models import Connection
from opendental.tasks import post_one
from payments.models import LedgerPosting
from payments.plan_views import done
from practices import access
from practices.access import Permission, StaffRequest
from practices.forms import posted
from practices.models import Event, Practice

logger = logging.getLogger(__name__)
_GONE = "This posting does not wait for a person any more."


@access.staff(Permission.POSTING)
@require_POST
def look_again(request: HttpRequest, posting_id: int) -> HttpResponse:
    """Somebody removed the cause: the poster searches Open Dental first and never just sends again."""
    posting = _posting_or_404(request, posting_id)
    if outbox.look_again(posting, now=clock.now()):
        _asked(request, posting, "posting_looked_at_again")
        messages.success(request, "Open Dental is being looked at again. The result appears here.")
    else:
        messages.warning(request, _GONE)
    return redirect("needs_posting")


@access.staff(Permission.POSTING)
@require_POST
def post_now(request: HttpRequest, posting_id: int) -> HttpResponse:
    """It need not wait for the next pass. What decides whether it may be sent stays with the poster."""
    posting = _posting_or_404(request, posting_id)
    if outbox.hurry(posting, now=clock.now()):
        _asked(request, posting, "posting_hurried")
        messages.success(request, "Open Dental is being asked now. The result appears here.")
    else:
        messages.warning(request, "This posting is being worked on already.")
    return redirect("needs_posting")


@access.staff(Permission.POSTING)
def name_payment(request: HttpRequest, posting_id: int) -> HttpResponse:
    """Staff say which payment in Open Dental it is; it is compared before it is believed."""
    posting, form = _posting_or_404(request, posting_id), NameForm(posted(request))
    if request.method == "POST" and form.is_valid() and _named(request, posting, form):
        messages.success(request, f"It is payment {form.cleaned_data['pay_num']} in Open Dental and is read back now.")
        return done(request, reverse("needs_posting"))
    status = 422 if request.method == "POST" else 200
    return render(request, "opendental/name_payment.html", {"posting": posting, "form": form}, status=status)


def _named(request: HttpRequest, posting: LedgerPosting, form: NameForm) -> bool:
    connection = Connection.objects.filter(practice=cast("StaffRequest", request).practice).first()
    if connection is None:
        form.add_error("pay_num", "Open Dental is not connected, so nothing can be compared.")
        return False
    number = form.cleaned_data["pay_num"]
    try:
        adopt.name(connection, posting, number, actor=access.actor(request), now=clock.now())
    except UnableToAdopt as error:
        form.add_error("pay_num", str(error))
        return False
    wake(posting.practice_id)
    return True


@access.staff(Permission.POSTING)
def mark(request: HttpRequest, posting_id: int) -> HttpResponse:
    """Staff say that it is in Open Dental in a way that can't be compared, and why."""
    posting, form = _posting_or_404(request, posting_id), MarkForm(posted(request))
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        if marking.mark(posting, reason=reason, actor=access.actor(request), now=clock.now()):
            messages.success(request, "Marked as posted by hand. It stays listed as not read back.")
        else:
            messages.warning(request, _GONE)
        return done(request, reverse("needs_posting"))
    page = {"posting": posting, "form": form, "is_open": posting.state in marking.MARKABLE}
    return render(request, "opendental/mark_posting.html", page, status=422 if request.method == "POST" else 200)


@access.staff(Permission.POSTING)
@require_POST
def unmark(request: HttpRequest, posting_id: int) -> HttpResponse:
    posting = _posting_or_404(request, posting_id)
    if marking.unmark(posting, actor=access.actor(request), now=clock.now()):
        messages.success(request, "Taken back. It waits for you again.")
    else:
        messages.warning(request, "This posting is not marked as posted by hand any more.")
    return redirect("needs_posting")


def _posting_or_404(request: HttpRequest, posting_id: int) -> LedgerPosting:
    practice: Practice = cast("StaffRequest", request).practice
    rows = LedgerPosting.objects.filter(practice=practice)
    related = rows.select_related("patient", "plan__patient", "plan__guarantor", "payment", "refund")
    return get_object_or_404(related, pk=posting_id)


def _asked(request: HttpRequest, posting: LedgerPosting, kind: str) -> None:
    """Who asked stands in the trail; the poster is woken."""
    Event.record(
        posting.practice_id, kind=kind, actor=access.actor(request), now=clock.now(), about=outbox.about(posting),
        text=posting.reference,
    )  # fmt: skip
    wake(posting.practice_id)


def wake(practice_id: int) -> None:
    """The poster comes by itself as well, within seconds."""
    try:
        post_one.delay(practice_id=practice_id)
    except OperationalError:
        logger.warning("The poster of practice %s was not woken: the queue is away", practice_id)
