"""Terminals: the readers by location, registering, renaming and retiring one, my default."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from core import clock
from payments.plan_views import done
from practices import access
from practices.access import Permission, StaffRequest
from practices.forms import posted
from processors.port import UnableToReachProcessor
from processors.terminal_port import UnableToSetUp
from terminals import pages, registering
from terminals.forms import ReaderForm, RenameForm


@access.staff(Permission.VIEW)
@require_GET
def terminals(request: HttpRequest) -> HttpResponse:
    """As last heard; the list asks the processor by itself."""
    staff = cast("StaffRequest", request)
    return render(request, "terminals/terminals.html", pages.listing(staff.practice, staff.user))


@access.staff(Permission.VIEW)
@require_GET
def readers_now(request: HttpRequest) -> HttpResponse:
    """The list as the processor knows it at this moment."""
    staff, problem = cast("StaffRequest", request), ""
    try:
        registering.refresh(staff.practice)
    except UnableToReachProcessor as error:
        problem = str(error)
    page = {**pages.listing(staff.practice, staff.user), "problem": problem, "is_fresh": True}
    return render(request, "terminals/readers.html" if staff.htmx else "terminals/terminals.html", page)


@access.staff(Permission.TERMINALS)
def register_reader(request: HttpRequest) -> HttpResponse:
    practice = cast("StaffRequest", request).practice
    form = ReaderForm(posted(request), practice=practice)
    page = {"form": form, "locations": pages.locations(practice)}
    if request.method == "POST" and form.is_valid():
        try:
            made = registering.register(
                form.cleaned_data["location"], code=form.cleaned_data["code"], label=form.cleaned_data["label"],
                token=form.cleaned_data["token"], actor=access.actor(request), now=clock.now(),
            )  # fmt: skip
        except UnableToSetUp as error:
            form.refuse(error)
        else:
            messages.success(request, f"{made} is registered and can take payments.")
            return done(request, reverse("terminals"))
    return render(request, "terminals/register.html", page, status=422 if form.errors else 200)


@access.staff(Permission.TERMINALS)
def rename_reader(request: HttpRequest, reader_id: int) -> HttpResponse:
    reader = pages.reader_or_404(cast("StaffRequest", request).practice, reader_id)
    form = RenameForm(posted(request), initial={"label": reader.label})
    if request.method == "POST" and form.is_valid():
        try:
            registering.rename(reader, form.cleaned_data["label"], actor=access.actor(request), now=clock.now())
        except UnableToSetUp as error:
            form.refuse(error)
        else:
            return done(request, reverse("terminals"))
    return render(
        request, "terminals/rename.html", {"form": form, "reader": reader}, status=422 if form.errors else 200
    )


@access.staff(Permission.TERMINALS)
def retire_reader(request: HttpRequest, reader_id: int) -> HttpResponse:
    reader = pages.reader_or_404(cast("StaffRequest", request).practice, reader_id)
    if request.method != "POST":
        return render(request, "terminals/retire.html", {"reader": reader})
    try:
        registering.retire(reader, actor=access.actor(request), now=clock.now())
    except UnableToSetUp as error:
        return render(request, "terminals/retire.html", {"reader": reader, "refusal": str(error)}, status=422)
    messages.success(request, f"{reader} is retired.")
    return done(request, reverse("terminals"))


@access.staff(Permission.CHARGE)
@require_POST
def my_reader(request: HttpRequest, reader_id: int) -> HttpResponse:
    """Make it the one that stands chosen when I take a payment."""
    staff = cast("StaffRequest", request)
    reader = pages.reader_or_404(staff.practice, reader_id)
    registering.choose_default(staff.practice, staff.user, reader, actor=access.actor(request), now=clock.now())
    messages.success(request, f"{reader} is your default terminal.")
    return redirect("terminals")
