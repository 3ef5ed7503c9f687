"""Settings → Payment Settings → Payment Templates and Payment Plan Templates."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from core import clock
from notifications import pages, templates, try_out
from notifications.forms import TemplateForm
from notifications.lint import Level
from notifications.models import Template
from notifications.pages import Place
from notifications.templates import UnableToSaveTemplate
from practices import access
from practices.access import Permission, StaffRequest

View = Callable[[HttpRequest, Place], HttpResponse]


def _at_a_place(view: View) -> Callable[..., HttpResponse]:
    """Read the place out of the address; 404 for one that does not exist."""

    @wraps(view)
    def found(request: HttpRequest, page: str, kind: str, channel: str, language: str) -> HttpResponse:
        return view(request, pages.place_or_404(page, kind, channel, language))

    return found


@access.staff(Permission.VIEW)
@require_GET
def payment_templates(_request: HttpRequest) -> HttpResponse:
    return redirect(pages.first_place("templates").url)


@access.staff(Permission.VIEW)
@require_GET
def settings_templates(_request: HttpRequest) -> HttpResponse:
    return redirect(pages.first_place("plan-templates").url)


@access.staff(Permission.VIEW)
@require_GET
@_at_a_place
def template(request: HttpRequest, place: Place) -> HttpResponse:
    practice = cast("StaffRequest", request).practice
    form, text = pages.blank_form(practice, place), pages.current(practice, place)
    return render(request, "notifications/template.html", pages.template_page(practice, place, form, text))


@access.staff(Permission.SETTINGS)
@require_POST
@_at_a_place
def template_save(request: HttpRequest, place: Place) -> HttpResponse:
    staff, form = cast("StaffRequest", request), TemplateForm(request.POST, channel=place.channel)
    try:
        saved = templates.save_version(staff.practice, *place.where, form.text, user=staff.user, now=clock.now())
    except UnableToSaveTemplate as refused:
        for finding in refused.findings:
            form.add_error(None, finding.text)
        page = pages.template_page(staff.practice, place, form, form.text)
        return render(request, "notifications/template.html", page, status=422)
    messages.success(request, f"Version {saved.version} is saved and used from now on.")
    return redirect(place.url)


@access.staff(Permission.SETTINGS)
@require_POST
@_at_a_place
def template_reset(request: HttpRequest, place: Place) -> HttpResponse:
    staff = cast("StaffRequest", request)
    templates.reset_to_default(staff.practice, *place.where, user=staff.user, now=clock.now())
    messages.success(request, "The default text is used again. Your earlier versions are kept below.")
    return redirect(place.url)


@access.staff(Permission.SETTINGS)
@require_POST
@_at_a_place
def template_restore(request: HttpRequest, place: Place) -> HttpResponse:
    """An earlier version becomes the newest."""
    staff, version = cast("StaffRequest", request), pages.number(request.POST.get("version", ""))
    try:
        saved = templates.restore(staff.practice, *place.where, version, user=staff.user, now=clock.now())
    except Template.DoesNotExist as missing:
        raise Http404("no such version") from missing
    except UnableToSaveTemplate as refused:
        messages.error(request, f"Version {version} was not restored: {refused}")
    else:
        messages.success(request, f"Version {version} is used again, as version {saved.version}.")
    return redirect(place.url)


@access.staff(Permission.VIEW)
@require_POST
@_at_a_place
def template_preview(request: HttpRequest, place: Place) -> HttpResponse:
    """The preview for what is being typed, as a sample or as a real patient; nothing is saved."""
    practice = cast("StaffRequest", request).practice
    text = TemplateForm(request.POST, channel=place.channel).text
    shown = pages.preview_part(practice, place, text, request.POST.get("as", ""))
    return render(request, "notifications/preview.html", shown)


@access.staff(Permission.SETTINGS)
@require_POST
@_at_a_place
def template_test(request: HttpRequest, place: Place) -> HttpResponse:
    """Send what is in the form, with sample values, to the person who asks."""
    staff, text = cast("StaffRequest", request), TemplateForm(request.POST, channel=place.channel).text
    told = try_out.send(staff.practice, *place.where, text, to=request.POST.get("to", ""))
    level = messages.SUCCESS if told.level == Level.OK else messages.ERROR
    messages.add_message(request, level, told.text)
    return redirect(place.url)
