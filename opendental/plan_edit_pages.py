"""Changing the terms of a plan and closing it: what would follow, and the orders that valid forms become."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.shortcuts import get_object_or_404

from cards.models import Autopay
from core.calendar import local_date
from core.tokens import reference_of
from opendental import breaker, features, plan_order_pages, plan_production, plan_quote, plan_terms
from opendental.client import Office
from opendental.errors import OpenDentalError
from opendental.fields import Unreadable
from opendental.models import Connection, PlanOrder
from opendental.plan_forms import ClosePlanForm, EditPlanForm
from opendental.plan_orders import UnableToOrder
from opendental.plan_quote import Quote
from opendental.plan_terms import Preview, UnableToSchedule
from opendental.plans import pull_plan
from opendental.store import Overtaken
from patients import pages as patient_pages
from payplans.models import ChargeRow, PayPlan
from practices.models import Practice

Kind = PlanOrder.Kind
_NEEDS = {Kind.TERMS: "25.3.31", Kind.CLOSE: "22.4.39"}
_DO = {Kind.TERMS: "change terms", Kind.CLOSE: "close plans"}


def plan_or_404(practice: Practice, plan_id: int) -> PayPlan:
    rows = PayPlan.objects.filter(practice=practice).select_related("patient", "guarantor", "practice")
    return get_object_or_404(rows, pk=plan_id)


def fresh(plan: PayPlan, now: datetime) -> str:
    """Read the plan anew, so that what is shown is what is there; '' or why that was not possible."""
    connection = Connection.objects.filter(practice_id=plan.practice_id).first()
    if connection is None:
        return "Open Dental is not connected."
    if reason := breaker.refusal(connection, now):
        return reason
    try:
        pull_plan(connection, plan.pay_plan_num, now, office=Office(connection, urgent=True))
    except Overtaken:
        return ""
    except OpenDentalError as error:
        breaker.missed(connection, error, now=now)
        return error.reason
    except Unreadable as error:
        return f"Open Dental's answer about this plan can't be understood: {error}."
    plan.refresh_from_db()
    return ""


def refusal(plan: PayPlan, kind: str) -> str:
    """Why this can't be done from here, and where else; '' = it can."""
    connection = Connection.objects.filter(practice_id=plan.practice_id).first()
    if connection is None:
        return "Open Dental is not connected."
    if plan.kind == PayPlan.Kind.INSURANCE:
        return "Insurance payment plans are changed and closed in Open Dental itself."
    if plan.gone_at is not None or plan.is_closed:
        return "The plan is closed already." if plan.is_closed else "Open Dental no longer has this plan."
    if kind == Kind.TERMS and plan.kind == PayPlan.Kind.OLD:
        return "Old payment plans are changed in Open Dental itself."
    if not features.at_least(connection, _NEEDS[Kind(kind)]):
        needed = f"Open Dental {_NEEDS[Kind(kind)]} or later lets programs {_DO[Kind(kind)]}; this office has"
        return f"{needed} {connection.version}. Do it in Open Dental itself; it shows here within a minute."
    return ""


def edit_form(plan: PayPlan, data: QueryDict | None, now: datetime) -> EditPlanForm:
    has_charges = ChargeRow.objects.filter(installment__plan=plan).exists()
    initial = {
        "pay": f"{plan.pay_amount_cents / 100:.2f}", "frequency": plan.frequency, "start": plan.start_date,
        "apr": plan.apr.normalize(), "interest_start": plan.interest_start_date, "agreed": plan.agreed_date,
        "locked": plan.is_locked, "order": uuid.uuid4(),
    }  # fmt: skip
    asked = plan_order_pages.rules(plan.practice, now)
    return EditPlanForm(data, plan=plan, has_charges=has_charges, initial=initial, **asked)


def edit_page(plan: PayPlan, form: EditPlanForm, now: datetime) -> dict[str, Any]:
    return {
        **patient_pages.head(plan.patient, "patient_plans"),
        "plan": plan,
        "form": form,
        "refusal": refusal(plan, Kind.TERMS),
        **compared(plan, form, now),
    }


def compared(plan: PayPlan, form: EditPlanForm, now: datetime) -> dict[str, Any]:
    """The schedule as it is and as it would be, and what that means for the consent."""
    before = _now(plan, now)
    after = form.preview
    return {"before": before, "after": after, "consent": _consent(plan, after)}


def _now(plan: PayPlan, now: datetime) -> Preview | None:
    try:
        return plan_terms.of_plan(plan, plan_terms.wish_of(plan), local_date(now, plan.practice.zone))
    except UnableToSchedule:
        return None


def _consent(plan: PayPlan, after: Preview | None) -> str:
    autopay = Autopay.objects.filter(plan=plan, is_on=True).select_related("consent").first()
    if autopay is None or after is None:
        return ""
    most = max((row.total_cents for row in after.rows), default=0)
    if most > autopay.consent.max_charge_cents:
        return "ABOVE"
    return "WITHIN"


def place_edit(plan: PayPlan, form: EditPlanForm, *, actor: str, now: datetime) -> PlanOrder:
    """Commit the order of a valid form and wake the worker. Raises UnableToOrder."""
    return plan_order_pages.place(
        _order(
            plan, Kind.TERMS, form.cleaned_data, actor, now, body=form.body(),
            expected=form.preview.expected() if form.preview else [],
        )
    )  # fmt: skip


def _order(plan: PayPlan, kind: str, given: dict[str, Any], actor: str, now: datetime, **more: Any) -> PlanOrder:
    number: uuid.UUID = given["order"]
    return PlanOrder(
        practice_id=plan.practice_id, uuid=number, kind=kind, patient=plan.patient, plan=plan,
        reference=reference_of(number, "PLAN"), pay_plan_num=plan.pay_plan_num, reason=given["reason"], actor=actor,
        made_at=now, **more,
    )  # fmt: skip


def close_page(plan: PayPlan, form: ClosePlanForm, now: datetime, *, problem: str) -> dict[str, Any]:
    return {
        **patient_pages.head(plan.patient, "patient_plans"),
        "plan": plan,
        "form": form,
        "problem": problem,
        "refusal": refusal(plan, Kind.CLOSE),
        "quote": quote(plan, now),
        "has_autopay": Autopay.objects.filter(plan=plan, is_on=True).exists(),
    }


def quote(plan: PayPlan, now: datetime) -> Quote:
    return plan_quote.of(plan, local_date(now, plan.practice.zone))


def _procedures(plan: PayPlan) -> list[int]:
    connection = Connection.objects.get(practice_id=plan.practice_id)
    try:
        return plan_production.procedures_on(connection, Office(connection, urgent=True), plan.pay_plan_num)
    except OpenDentalError as error:
        raise UnableToOrder(error.reason.rstrip(".")) from error
    except Unreadable as error:
        raise UnableToOrder(f"Open Dental's answer about this plan can't be understood: {error}") from error


def place_close(plan: PayPlan, form: ClosePlanForm, *, actor: str, now: datetime) -> PlanOrder:
    """Commit it and wake the worker. Raises UnableToOrder."""
    # Work that the plan has not begun to charge leaves it: paying off must still know it (pay_off.py).
    kept = {"quote_cents": quote(plan, now).pay_off_cents, "procedures": _procedures(plan)}
    return plan_order_pages.place(_order(plan, Kind.CLOSE, form.cleaned_data, actor, now, body={}, form=kept))
