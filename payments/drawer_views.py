"""Reports → Drawer: what one person took and gave back on a day, on the screen, as CSV and as PDF."""

from __future__ import annotations

from typing import cast
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core import clock
from payments import drawer as drawers
from payments import drawer_paper
from payments.drawer import Drawer
from payments.drawer_forms import DrawerForm
from practices import access
from practices.access import Permission, StaffRequest
from practices.models import Event


def _form(request: HttpRequest) -> DrawerForm:
    practice = cast("StaffRequest", request).practice
    return DrawerForm(practice, request.GET, actor=access.actor(request), now=clock.now())


def _read(form: DrawerForm) -> Drawer:
    return drawers.read(form.span, form.actor, form.opening_cents)


def _refused(request: HttpRequest, form: DrawerForm) -> HttpResponse:
    return render(request, "payments/drawer.html", {"form": form}, status=422)


@access.staff(Permission.VIEW)
@require_GET
def drawer(request: HttpRequest) -> HttpResponse:
    form = _form(request)
    if not form.is_valid():
        return _refused(request, form)
    page = {"form": form, "drawer": _read(form), "query": urlencode(form.kept), "day": form.span.start}
    return render(request, "payments/drawer.html", page)


@access.staff(Permission.VIEW)
@require_GET
def drawer_csv(request: HttpRequest) -> HttpResponseBase:
    form = _form(request)
    if not form.is_valid():
        return _refused(request, form)
    _record(request, form)
    return drawer_paper.csv(_read(form), form.people)


@access.staff(Permission.VIEW)
@require_GET
def drawer_pdf(request: HttpRequest) -> HttpResponse:
    form = _form(request)
    if not form.is_valid():
        return _refused(request, form)
    _record(request, form)
    found = _read(form)
    return drawer_paper.answer(drawer_paper.document(found, form.person, now=clock.now()), found)


def _record(request: HttpRequest, form: DrawerForm) -> None:
    """Who took data out of the product, and what."""
    Event.record(
        form.span.practice.pk, kind="report_exported", actor=access.actor(request), now=clock.now(), about={},
        text=f"Drawer of {form.person}, {form.span.start}",
    )  # fmt: skip
