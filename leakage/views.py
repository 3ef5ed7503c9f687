"""The Dashboard: what leaks, one leak in the drawer, taking, snoozing and noting."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from core import clock
from core.calendar import local_date
from leakage import pages, tasks, work
from leakage.forms import NoteForm, SnoozeForm
from leakage.models import Leak
from practices import access
from practices.access import Permission, StaffRequest
from practices.forms import posted


@access.staff(Permission.VIEW)
@require_GET
def dashboard(request: HttpRequest) -> HttpResponse:
    """What was found at the last look; opening the page orders the next one."""
    staff = cast("StaffRequest", request)
    tasks.order_look(staff.practice.pk)
    page = pages.dashboard(staff.practice, staff.user, request.GET, now=clock.now())
    return render(request, "leakage/dashboard.html", page)


@access.staff(Permission.VIEW)
@require_GET
def dashboard_badge(request: HttpRequest) -> HttpResponse:
    count = pages.attention(cast("StaffRequest", request).practice, clock.now())
    return render(request, "parts/badge.html", {"count": count, "what": "leaks"})


@access.staff(Permission.VIEW)
@require_GET
def leak(request: HttpRequest, leak_id: int) -> HttpResponse:
    return _shown(request, _leak(request, leak_id))


@access.staff(Permission.LEAKS)
@require_POST
def take(request: HttpRequest, leak_id: int) -> HttpResponse:
    """Pressed by who has it already, it is handed back."""
    staff, found = cast("StaffRequest", request), _leak(request, leak_id)
    if found.owner_id == staff.user.pk:
        work.hand_back(staff.practice, [found.pk], now=clock.now(), actor=access.actor(request))
    else:
        work.take(staff.practice, [found.pk], staff.user, now=clock.now(), actor=access.actor(request))
    return redirect("leak", found.pk)


@access.staff(Permission.LEAKS)
@require_POST
def snooze(request: HttpRequest, leak_id: int) -> HttpResponse:
    staff, found, now = cast("StaffRequest", request), _leak(request, leak_id), clock.now()
    form = SnoozeForm(posted(request), today=local_date(now, staff.practice.zone))
    if not form.is_valid():
        return _shown(request, found, snooze_form=form, status=422)
    given = form.cleaned_data
    work.snooze(staff.practice, [found.pk], given["until"], given["reason"], now=now, actor=access.actor(request))
    return redirect("leak", found.pk)


@access.staff(Permission.LEAKS)
@require_POST
def wake(request: HttpRequest, leak_id: int) -> HttpResponse:
    found = _leak(request, leak_id)
    work.wake(cast("StaffRequest", request).practice, [found.pk], now=clock.now(), actor=access.actor(request))
    return redirect("leak", found.pk)


@access.staff(Permission.LEAKS)
@require_POST
def note(request: HttpRequest, leak_id: int) -> HttpResponse:
    found, form = _leak(request, leak_id), NoteForm(posted(request))
    if not form.is_valid():
        return _shown(request, found, note_form=form, status=422)
    work.note(found, form.cleaned_data["text"], now=clock.now(), actor=access.actor(request))
    return redirect("leak", found.pk)


@access.staff(Permission.LEAKS)
@require_POST
def bulk(request: HttpRequest) -> HttpResponse:
    """Take all the ticked ones, or hand them back."""
    staff = cast("StaffRequest", request)
    ids = [int(one) for one in request.POST.getlist("leak") if one.isdecimal() and len(one) < 18]
    if not ids:
        messages.error(request, "Tick at least one row first.")
    elif request.POST.get("do") == "hand_back":
        count = work.hand_back(staff.practice, ids, now=clock.now(), actor=access.actor(request))
        messages.success(request, f"{count} handed back.")
    else:
        count = work.take(staff.practice, ids, staff.user, now=clock.now(), actor=access.actor(request))
        messages.success(request, f"{count} taken: you find them under Mine.")
    return redirect("dashboard")


def _leak(request: HttpRequest, leak_id: int) -> Leak:
    return pages.leak_or_404(cast("StaffRequest", request).practice, leak_id)


def _shown(
    request: HttpRequest,
    found: Leak,
    *,
    snooze_form: SnoozeForm | None = None,
    note_form: NoteForm | None = None,
    status: int = 200,
) -> HttpResponse:
    now = clock.now()
    today = local_date(now, cast("StaffRequest", request).practice.zone)
    page = {
        **pages.one(found, now=now),
        "snooze_form": snooze_form or SnoozeForm(today=today),
        "note_form": note_form or NoteForm(),
    }
    return render(request, "leakage/leak.html", page, status=status)
