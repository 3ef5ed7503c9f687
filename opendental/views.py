"""Settings → Open Dental: connection health, a test now, statements of an admin; and the chip in the top bar."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from core import clock
from opendental import after, attest, learn, pages
from opendental.errors import OpenDentalError
from opendental.models import Connection
from practices import access
from practices.access import Permission, StaffRequest


@access.staff(Permission.VIEW)
@require_GET
def sync_chip(request: HttpRequest) -> HttpResponse:
    state = pages.sync_state(cast("StaffRequest", request).practice, clock.now())
    return render(request, "opendental/chip.html", {"sync": state})


@access.staff(Permission.VIEW)
@require_GET
def settings_opendental(request: HttpRequest) -> HttpResponse:
    return render(request, "opendental/health.html", pages.health(cast("StaffRequest", request).practice))


@access.staff(Permission.VIEW)
@require_GET
def catch_up(request: HttpRequest) -> HttpResponse:
    return render(request, "opendental/catch_up.html", after.of(cast("StaffRequest", request).practice, clock.now()))


@access.staff(Permission.VIEW)
@require_GET
def waits(request: HttpRequest) -> HttpResponse:
    """A note on top of Payments, empty while everything answers."""
    return render(request, "opendental/waits.html", after.waits(cast("StaffRequest", request).practice, clock.now()))


@access.staff(Permission.CONNECTION)
@require_POST
def test_connection(request: HttpRequest) -> HttpResponse:
    connection = get_object_or_404(Connection, practice=cast("StaffRequest", request).practice)
    try:
        missing = learn.learn(connection, now=clock.now())
    except OpenDentalError as error:
        messages.error(request, learn.explain(error))
    else:
        lacks = f"{len(missing)} thing{'s' if len(missing) != 1 else ''} missing, listed below." if missing else ""
        messages.success(request, f"Open Dental {connection.version} answers. {lacks}".strip())
    return redirect("settings_opendental")


@access.staff(Permission.CONNECTION)
@require_POST
def attest_statement(request: HttpRequest, what: str) -> HttpResponse:
    staff = cast("StaffRequest", request)
    if what not in attest.STATEMENTS:
        raise Http404("no such statement")
    given = request.POST.get("given") == "1"
    attest.attest(staff.practice, what, given=given, user=staff.user, now=clock.now())
    messages.success(request, "Recorded with your name." if given else "Withdrawn.")
    return redirect("settings_opendental")
