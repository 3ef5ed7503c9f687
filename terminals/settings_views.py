"""Settings → Payment Settings → Terminal Settings: locations, and whose default terminal is which."""

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
from processors.terminal_port import UnableToSetUp
from terminals import pages, registering
from terminals.forms import DefaultForm, LocationForm


@access.staff(Permission.TERMINALS)
@require_GET
def terminal_settings(request: HttpRequest) -> HttpResponse:
    return render(request, "terminals/settings.html", pages.settings(cast("StaffRequest", request).practice))


@access.staff(Permission.TERMINALS)
def add_location(request: HttpRequest) -> HttpResponse:
    practice = cast("StaffRequest", request).practice
    form = LocationForm(posted(request), practice=practice)
    if request.method == "POST" and form.is_valid():
        found = form.cleaned_data
        who = {"actor": access.actor(request), "now": clock.now(), "token": found["token"]}
        try:
            registering.open_location(practice, form.place, clinic=found.get("clinic"), **who)
        except UnableToSetUp as error:
            form.refuse(error)
        else:
            messages.success(request, f"{form.place.name} is added. Terminals can be registered there.")
            return done(request, reverse("settings_terminals"))
    return render(request, "terminals/location.html", {"form": form}, status=422 if form.errors else 200)


@access.staff(Permission.TERMINALS)
def change_location(request: HttpRequest, location_id: int) -> HttpResponse:
    practice = cast("StaffRequest", request).practice
    found = pages.location_or_404(practice, location_id)
    form = LocationForm(posted(request), practice=practice, location=found)
    if request.method == "POST" and form.is_valid():
        try:
            registering.change_location(found, form.place, actor=access.actor(request), now=clock.now())
        except UnableToSetUp as error:
            form.refuse(error)
        else:
            return done(request, reverse("settings_terminals"))
    page = {"form": form, "location": found}
    return render(request, "terminals/location.html", page, status=422 if form.errors else 200)


@access.staff(Permission.TERMINALS)
@require_POST
def remove_location(request: HttpRequest, location_id: int) -> HttpResponse:
    found = pages.location_or_404(cast("StaffRequest", request).practice, location_id)
    try:
        registering.remove_location(found, actor=access.actor(request), now=clock.now())
    except UnableToSetUp as error:
        messages.error(request, f"{error}.")
    else:
        messages.success(request, f"{found} is removed.")
    return redirect("settings_terminals")


@access.staff(Permission.TERMINALS)
@require_POST
def assign_default(request: HttpRequest) -> HttpResponse:
    """Assign User: which terminal stands chosen for a person."""
    practice = cast("StaffRequest", request).practice
    form = DefaultForm(request.POST, practice=practice)
    if not form.is_valid():
        messages.error(request, "That person or terminal is not there any more. Nothing was changed.")
        return redirect("settings_terminals")
    member, reader = form.cleaned_data["member"], form.cleaned_data["reader"]
    registering.choose_default(practice, member.user, reader, actor=access.actor(request), now=clock.now())
    messages.success(request, f"{reader or 'No terminal'} is the default of {member.user.name}.")
    return redirect("settings_terminals")
