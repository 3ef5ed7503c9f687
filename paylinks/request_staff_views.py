"""What staff do with requests: hand a sale over to one, look, send again, ask for another amount, cancel."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from core import calendar, clock
from core.money import format_cents
from notifications.models import Message
from patients import pages as patient_pages
from patients.models import Patient
from paylinks import request_lists, request_tries, requests
from paylinks.models import PaymentRequest
from paylinks.request_forms import AmountForm, AskForm
from paylinks.request_tries import NotNow
from paylinks.requests import Order, UnableToRequest
from payments import sale_pages
from payments.models import Sale
from practices import access
from practices.access import Permission, StaffRequest
from practices.forms import posted
from practices.templatetags.show import phone

_ADULT_YEARS = 18


@access.staff(Permission.MESSAGE)
def ask(request: HttpRequest, sale_uuid: UUID) -> HttpResponse:
    """Whom to ask for what this sale would take, and how."""
    sale, now = sale_pages.sale_or_404(cast("StaffRequest", request).practice, sale_uuid), clock.now()
    form = AskForm(posted(request), people=_people(sale.patient, now), initial={"click": uuid.uuid4()})
    if request.method == "POST" and form.is_valid():
        order = Order(form.payer, form.channel, form.cleaned_data["click"])
        try:
            made = requests.ask(sale, order, actor=access.actor(request), now=now)
        except UnableToRequest as refused:
            form.add_error(None, f"{refused}.")
        else:
            _say_sent(request, made, now)
            return redirect("patient_payments", sale.patient_id)
    page = {**patient_pages.head(sale.patient, "patient_payments"), **_page(sale, form)}
    return render(request, "paylinks/ask.html", page, status=422 if form.errors else 200)


def _people(patient: Patient, now: datetime) -> list[Patient]:
    """The patient and their guarantor; of a child the guarantor first."""
    guarantor = Patient.objects.filter(practice=patient.practice_id, pat_num=patient.guarantor_num).first()
    if guarantor is None or guarantor.pk == patient.pk:
        return [patient]
    today = calendar.local_date(now, patient.practice.zone)
    born = patient.birth_date
    is_child = born is not None and (today.year - born.year) - ((today.month, today.day) < (born.month, born.day)) < (
        _ADULT_YEARS
    )
    return [guarantor, patient] if is_child else [patient, guarantor]


def _page(sale: Sale, form: AskForm) -> dict[str, Any]:
    return {"sale": sale, "form": form, "lines": sale.lines.select_related("patient").order_by("pk")}


def _say_sent(request: HttpRequest, made: PaymentRequest, now: datetime) -> None:
    sent = Message.objects.filter(link_nonce=made.nonce).order_by("-pk").first()
    if sent is None or sent.state == Message.State.BLOCKED:
        messages.warning(request, f"Not sent: {sent.state_reason if sent else 'no message was made'}.")
        return
    way = "text" if sent.channel == "SMS" else "e-mail"
    when = "goes out after the quiet hours" if sent.not_before > now else "is on its way"
    messages.success(request, f"The request of {format_cents(made.amount_cents)} {when} by {way} to {phone(sent.to)}.")


@access.staff(Permission.VIEW)
@require_GET
def requests_list(request: HttpRequest) -> HttpResponse:
    practice, chosen = cast("StaffRequest", request).practice, request.GET.get("filter", "")
    page = request_lists.listed(practice, chosen, request.GET.get("page", "1"), clock.now())
    return render(request, "paylinks/requests.html", page)


@access.staff(Permission.VIEW)
@require_GET
def patient_requests(request: HttpRequest, patient_id: int) -> HttpResponse:
    """The part of a patient's payments that lists what was asked."""
    patient = patient_pages.patient_or_404(cast("StaffRequest", request).practice, patient_id)
    page = request_lists.of_patient(patient, clock.now())
    if not cast("StaffRequest", request).htmx:
        page |= patient_pages.head(patient, "patient_payments")
        return render(request, "paylinks/patient_requests_page.html", page)
    return render(request, "paylinks/patient_requests.html", page)


@access.staff(Permission.VIEW)
@require_GET
def request_detail(request: HttpRequest, request_id: int) -> HttpResponse:
    found = request_lists.request_or_404(cast("StaffRequest", request).practice, request_id)
    return render(request, "paylinks/request.html", request_lists.detail(found, None, clock.now()))


@access.staff(Permission.MESSAGE)
@require_POST
def resend(request: HttpRequest, request_id: int) -> HttpResponse:
    found, now = request_lists.request_or_404(cast("StaffRequest", request).practice, request_id), clock.now()
    given = request.POST.get("sendings", "")
    shown = int(given) if given.isascii() and given.isdecimal() and len(given) < 6 else 0
    try:
        made = requests.resend(found.pk, shown=shown, actor=access.actor(request), now=now)
    except UnableToRequest as refused:
        messages.error(request, f"{refused}.")
    else:
        _say_sent(request, made, now)
    return redirect("request", found.pk)


@access.staff(Permission.MESSAGE)
@require_POST
def change(request: HttpRequest, request_id: int) -> HttpResponse:
    found, now = request_lists.request_or_404(cast("StaffRequest", request).practice, request_id), clock.now()
    form = AmountForm(request.POST, cents=found.amount_cents)
    if form.is_valid():
        cents, actor = form.cleaned_data["amount"], access.actor(request)
        try:
            requests.change_amount(found.pk, cents=cents, actor=actor, now=now)
        except UnableToRequest as refused:
            form.add_error("amount", f"{refused}.")
        else:
            messages.success(
                request, f"The link asks for {format_cents(cents)} now. Send it again to tell the patient."
            )
            return redirect("request", found.pk)
    return render(request, "paylinks/request.html", request_lists.detail(found, form, now), status=422)


@access.staff(Permission.MESSAGE)
@require_POST
def cancel(request: HttpRequest, request_id: int) -> HttpResponse:
    found = request_lists.request_or_404(cast("StaffRequest", request).practice, request_id)
    actor, now = access.actor(request), clock.now()
    try:
        # The patient's card page is closed first; if it was paid meanwhile, that stands (decisions 7).
        request_tries.withdraw(found, actor=actor, now=now)
        requests.cancel(found.pk, actor=actor, now=now)
    except (NotNow, UnableToRequest) as refused:
        messages.error(request, f"{refused}.")
    else:
        messages.success(request, "The request is canceled. Its link can't be used any more.")
    return redirect("request", found.pk)
