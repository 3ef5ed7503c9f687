"""Changing a plan's terms and closing it in Open Dental, with what follows shown first."""

from __future__ import annotations

import uuid
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from core import clock
from opendental import plan_edit_pages as pages
from opendental.plan_forms import ClosePlanForm
from opendental.plan_orders import UnableToOrder
from payplans.models import PayPlan
from practices import access
from practices.access import Permission, StaffRequest
from practices.forms import posted


def _plan(request: HttpRequest, plan_id: int) -> PayPlan:
    return pages.plan_or_404(cast("StaffRequest", request).practice, plan_id)


@access.staff(Permission.PLANS)
def edit_terms(request: HttpRequest, plan_id: int) -> HttpResponse:
    plan, now = _plan(request, plan_id), clock.now()
    refusal = pages.refusal(plan, pages.Kind.TERMS)
    form = pages.edit_form(plan, None if refusal else posted(request), now)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect("plan_order", pages.place_edit(plan, form, actor=access.actor(request), now=now).uuid)
        except UnableToOrder as error:
            form.add_error(None, f"{error}.")
    return render(
        request, "opendental/plan_terms.html", pages.edit_page(plan, form, now), status=422 if form.errors else 200
    )


@access.staff(Permission.PLANS)
@require_POST
def terms_preview(request: HttpRequest, plan_id: int) -> HttpResponse:
    """The schedule before and after, for what stands in the form."""
    plan, now = _plan(request, plan_id), clock.now()
    form = pages.edit_form(plan, request.POST, now)
    form.is_valid()
    return render(request, "opendental/plan_compare.html", {"plan": plan, **pages.compared(plan, form, now)})


@access.staff(Permission.PLANS)
def close_plan(request: HttpRequest, plan_id: int) -> HttpResponse:
    """What becomes due is read anew each time: a page that stood open must not close on old numbers."""
    plan, now = _plan(request, plan_id), clock.now()
    form = ClosePlanForm(posted(request), initial={"order": uuid.uuid4()})
    problem = pages.fresh(plan, now)
    if request.method == "POST" and form.is_valid() and not problem and not pages.refusal(plan, pages.Kind.CLOSE):
        try:
            return redirect("plan_order", pages.place_close(plan, form, actor=access.actor(request), now=now).uuid)
        except UnableToOrder as error:
            form.add_error(None, f"{error}.")
    page = pages.close_page(plan, form, now, problem=problem)
    return render(request, "opendental/plan_close.html", page, status=422 if request.method == "POST" else 200)
