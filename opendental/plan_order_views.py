"""A new plan from KasperPay: the work, the terms, the schedule before, and what became of the order."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from core import clock
from opendental import pay_off
from opendental import plan_order_pages as pages
from opendental.models import PlanOrder
from opendental.pay_off import UnableToPayOff
from opendental.plan_orders import UnableToOrder
from patients import pages as patient_pages
from patients.models import Patient
from payments.upward import UnableToReadAccount
from practices import access
from practices.access import Permission, StaffRequest

MOST_POLLS = 60
_NEW = "opendental/plan_new.html"


def _patient(request: HttpRequest, patient_id: int) -> Patient:
    return patient_pages.patient_or_404(cast("StaffRequest", request).practice, patient_id)


@access.staff(Permission.PLANS)
def new_plan(request: HttpRequest, patient_id: int) -> HttpResponse:
    """The page loads the account by itself: reading it takes Open Dental some seconds."""
    patient, now = _patient(request, patient_id), clock.now()
    page = {**patient_pages.head(patient, "patient_plans"), "correct": request.GET.get("correct", "")}
    if request.method != "POST":
        return render(request, _NEW, page)
    token = request.POST.get("token", "")
    offer = pages.shown_offer(patient, token)
    if offer is None:
        messages.warning(request, "This was read from Open Dental more than 10 minutes ago, so it was read again.")
        return redirect("new_plan", patient_id)
    form = pages.new_form(patient, offer, token, request.POST, now)
    if form.is_valid():
        try:
            placed = pages.place_new(patient, form, request.POST, actor=access.actor(request), now=now)
        except UnableToOrder as refused:
            form.add_error(None, f"{refused}.")
        else:
            return redirect("plan_order", placed.uuid)
    return render(request, _NEW, {**page, **pages.chooser(patient, offer, form)}, status=422)


@access.staff(Permission.PLANS)
@require_GET
def plan_offer(request: HttpRequest, patient_id: int) -> HttpResponse:
    """The form, fed by Open Dental at this moment; `correct` is a refused order to go on from."""
    patient, now = _patient(request, patient_id), clock.now()
    page = patient_pages.head(patient, "patient_plans")
    try:
        offer, token = pages.read_offer(patient, now)
    except UnableToReadAccount as error:
        page["problem"] = str(error)
    else:
        refused = _to_correct(request, patient)
        data = pages.again(refused, token) if refused else None
        page |= pages.chooser(patient, offer, pages.new_form(patient, offer, token, data, now), refused)
    part_only = cast("StaffRequest", request).htmx
    return render(request, "opendental/plan_offer.html" if part_only else _NEW, page)


def _to_correct(request: HttpRequest, patient: Patient) -> PlanOrder | None:
    try:
        wanted = UUID(request.GET.get("correct", ""))
    except ValueError:
        return None
    return PlanOrder.objects.filter(patient=patient, uuid=wanted, kind=PlanOrder.Kind.CREATE).first()


@access.staff(Permission.PLANS)
@require_POST
def plan_preview(request: HttpRequest, patient_id: int) -> HttpResponse:
    """The schedule of what stands in the form, asked for whenever something in it changes."""
    patient, token = _patient(request, patient_id), request.POST.get("token", "")
    offer = pages.shown_offer(patient, token)
    if offer is None:
        return render(request, "opendental/plan_preview.html", {"is_old": True})
    form = pages.new_form(patient, offer, token, request.POST, clock.now())
    form.is_valid()
    return render(request, "opendental/plan_preview.html", {"preview": form.preview, "form": form})


@access.staff(Permission.VIEW)
@require_GET
def plan_order(request: HttpRequest, order_uuid: UUID) -> HttpResponse:
    order = pages.order_or_404(cast("StaffRequest", request).practice, order_uuid)
    return render(request, "opendental/plan_order.html", pages.page(order, poll=1))


@access.staff(Permission.VIEW)
@require_GET
def plan_order_state(request: HttpRequest, order_uuid: UUID) -> HttpResponse:
    """The part that replaces itself until the order is final, or MOST_POLLS were asked."""
    order = pages.order_or_404(cast("StaffRequest", request).practice, order_uuid)
    given = request.GET.get("poll", "1")
    poll = int(given) + 1 if given.isdecimal() and int(given) < MOST_POLLS else 0
    return render(request, "opendental/plan_order_state.html", pages.page(order, poll=poll))


@access.staff(Permission.CHARGE)
@require_POST
def pay_off_order(request: HttpRequest, order_uuid: UUID) -> HttpResponse:
    """From the quote to the sale that takes it, read anew; nothing is charged yet."""
    order = pages.order_or_404(cast("StaffRequest", request).practice, order_uuid)
    try:
        sale = pay_off.draft(order, actor=access.actor(request), now=clock.now())
    except UnableToPayOff as error:
        messages.warning(request, f"{error}.")
        return redirect("plan_order", order.uuid)
    return redirect("sale", sale.uuid)


@access.staff(Permission.VIEW)
@require_GET
def plan_orders(request: HttpRequest, patient_id: int) -> HttpResponse:
    """On the Payment Plans tab: orders under way or ended badly; empty otherwise."""
    return render(
        request, "opendental/plan_orders.html", {"orders": pages.open_or_failed(_patient(request, patient_id))}
    )
