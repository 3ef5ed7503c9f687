"""Messages: a patient's conversation, writing to them, and what waits for staff in the whole practice."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from core import clock
from notifications import inbox, message_pages, tasks, ways, writing
from notifications.models import Message, Reply
from notifications.writing import UnableToWrite
from patients import pages as patient_pages
from practices import access, rounds
from practices.access import Permission, StaffRequest
from practices.templatetags.show import phone


@access.staff(Permission.VIEW)
@require_GET
def patient_messages(request: HttpRequest, patient_id: int) -> HttpResponse:
    patient = patient_pages.patient_or_404(cast("StaffRequest", request).practice, patient_id)
    offers, now = ways.offers(patient), clock.now()
    form = message_pages.write_form(patient, offers, None)
    page = message_pages.conversation_page(patient, form, offers, request.GET.get("page", "1"), now)
    return render(request, "notifications/messages.html", page)


@access.staff(Permission.MESSAGE)
@require_POST
def message_write(request: HttpRequest, patient_id: int) -> HttpResponse:
    staff, now = cast("StaffRequest", request), clock.now()
    patient = patient_pages.patient_or_404(staff.practice, patient_id)
    offers = ways.offers(patient)
    form = message_pages.write_form(patient, offers, request.POST)
    if form.is_valid():
        try:
            written = writing.write(patient, **form.cleaned_data, user=staff.user, now=now)
        except UnableToWrite as refused:
            for finding in refused.findings:
                form.add_error("words", finding.text)
        else:
            rounds.wake(tasks.send_one, staff.practice.pk)
            _say(request, written)
            return redirect("patient_messages", patient.pk)
    page = message_pages.conversation_page(patient, form, offers, "1", now)
    return render(request, "notifications/messages.html", page, status=422)


def _say(request: HttpRequest, written: Message) -> None:
    if written.state == Message.State.BLOCKED:
        messages.warning(request, f"Not sent: {written.state_reason}.")
        return
    way = "text" if written.channel == "SMS" else "e-mail"
    when = "goes out after the quiet hours" if written.not_before > clock.now() else "is on its way"
    messages.success(request, f"The message {when} by {way} to {phone(written.to)}.")


@access.staff(Permission.MESSAGE)
@require_POST
def conversation_read(request: HttpRequest, patient_id: int) -> HttpResponse:
    """All read; or the newest unread again (?unread=1 in the form)."""
    patient = patient_pages.patient_or_404(cast("StaffRequest", request).practice, patient_id)
    if request.POST.get("unread"):
        inbox.mark_unread(patient)
    else:
        inbox.mark_read(patient, by=access.actor(request), now=clock.now())
    return redirect("patient_messages", patient.pk)


@access.staff(Permission.VIEW)
@require_GET
def messages_list(request: HttpRequest) -> HttpResponse:
    practice, asked = cast("StaffRequest", request).practice, request.GET
    page = message_pages.inbox_page(
        practice, asked.get("filter", ""), asked.get("page", "1"), asked.get("code", "").strip()[:20]
    )
    return render(request, "notifications/inbox.html", page)


@access.staff(Permission.VIEW)
@require_GET
def messages_badge(request: HttpRequest) -> HttpResponse:
    count = inbox.to_read(cast("StaffRequest", request).practice).count()
    return render(request, "parts/badge.html", {"count": count, "what": "texts to read"})


@access.staff(Permission.MESSAGE)
@require_POST
def reply_read(request: HttpRequest, reply_id: int) -> HttpResponse:
    practice = cast("StaffRequest", request).practice
    reply = get_object_or_404(Reply, practice=practice, pk=reply_id)
    inbox.read_one(reply, by=access.actor(request), now=clock.now())
    return redirect("messages")


@access.staff(Permission.MESSAGE)
@require_POST
def message_handled(request: HttpRequest, message_id: int) -> HttpResponse:
    """The person was told another way."""
    practice = cast("StaffRequest", request).practice
    message = get_object_or_404(Message, practice=practice, pk=message_id)
    if inbox.settle(message, by=access.actor(request), now=clock.now()):
        messages.success(request, "Taken off the list.")
    return redirect(f"{reverse('messages')}?filter=undelivered")
