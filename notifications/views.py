"""A patient's messages, and Settings → Payment Settings → Payment Plan Templates."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from core import clock
from notifications import pages, templates, try_out
from notifications.forms import TemplateForm
from notifications.lint import Level
from notifications.templates import UnableToSaveTemplate
from patients import pages as patient_pages
from practices import access
from practices.access import Permission, StaffRequest


@access.staff(Permission.VIEW)
@require_GET
def patient_messages(request: HttpRequest, patient_id: int) -> HttpResponse:
    patient = patient_pages.patient_or_404(cast("StaffRequest", request).practice, patient_id)
    page = pages.messages_of(patient, request.GET.get("page", "1"))
    return render(request, "notifications/messages.html", page)


@access.staff(Permission.VIEW)
@require_GET
def settings_templates(_request: HttpRequest) -> HttpResponse:
    return redirect(pages.first_place().url)


@access.staff(Permission.VIEW)
@require_GET
def template(request: HttpRequest, kind: str, channel: str, language: str) -> HttpResponse:
    practice, place = cast("StaffRequest", request).practice, pages.place_or_404(kind, channel, language)
    form, text = pages.blank_form(practice, place), pages.current(practice, place)
    return render(request, "notifications/template.html", pages.template_page(practice, place, form, text))


@access.staff(Permission.SETTINGS)
@require_POST
def template_save(request: HttpRequest, kind: str, channel: str, language: str) -> HttpResponse:
    staff, place = cast("StaffRequest", request), pages.place_or_404(kind, channel, language)
    form = TemplateForm(request.POST, channel=place.channel)
    try:
        saved = templates.save_version(
            staff.practice, place.kind, place.channel, place.language, form.text, user=staff.user, now=clock.now()
        )
    except UnableToSaveTemplate as refused:
        for finding in refused.findings:
            form.add_error(None, finding.text)
        page = pages.template_page(staff.practice, place, form, form.text)
        return render(request, "notifications/template.html", page, status=422)
    messages.success(request, f"Version {saved.version} is saved and used from now on.")
    return redirect(place.url)


@access.staff(Permission.SETTINGS)
@require_POST
def template_reset(request: HttpRequest, kind: str, channel: str, language: str) -> HttpResponse:
    staff, place = cast("StaffRequest", request), pages.place_or_404(kind, channel, language)
    templates.reset_to_default(
        staff.practice, place.kind, place.channel, place.language, user=staff.user, now=clock.now()
    )
    messages.success(request, "The default text is used again. Your earlier versions are kept below.")
    return redirect(place.url)


@access.staff(Permission.VIEW)
@require_POST
def template_preview(request: HttpRequest, kind: str, channel: str, language: str) -> HttpResponse:
    """The preview for what is being typed; nothing is saved."""
    practice, place = cast("StaffRequest", request).practice, pages.place_or_404(kind, channel, language)
    text = TemplateForm(request.POST, channel=place.channel).text
    return render(request, "notifications/preview.html", pages.preview_part(practice, place, text))


@access.staff(Permission.SETTINGS)
@require_POST
def template_test(request: HttpRequest, kind: str, channel: str, language: str) -> HttpResponse:
    """Send what is in the form, with sample values, to the person who asks."""
    staff, place = cast("StaffRequest", request), pages.place_or_404(kind, channel, language)
    text = TemplateForm(request.POST, channel=place.channel).text
    told = try_out.send(staff.practice, place.kind, place.channel, place.language, text, to=request.POST.get("to", ""))
    level = messages.SUCCESS if told.level == Level.OK else messages.ERROR
    messages.add_message(request, level, told.text)
    return redirect(place.url)
