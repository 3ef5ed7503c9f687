"""What the pages of plan orders show, and what a valid form of theirs becomes."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.http import QueryDict
from django.shortcuts import get_object_or_404

from core.calendar import local_date
from core.tokens import reference_of
from opendental import plan_orders, plan_production, tasks
from opendental.models import Connection, PlanOrder
from opendental.plan_forms import NewPlanForm, first_day
from opendental.plan_production import Offer
from patients import pages as patient_pages
from patients.models import Patient
from payments.upward import UnableToReadAccount
from practices import rounds
from practices.models import Practice

_KEEP_SECONDS = 600
_ENDED = [PlanOrder.State.REFUSED, PlanOrder.State.NOT_DONE, PlanOrder.State.DIFFERENT]


def read_offer(patient: Patient, now: datetime) -> tuple[Offer, str]:
    """What can be put on a plan now, and the token under which it is kept. Raises UnableToReadAccount."""
    if patient.gone_at is not None:
        raise UnableToReadAccount("Open Dental no longer has this patient.")
    found, token = plan_production.read(patient.practice_id, patient.pat_num, now), uuid.uuid4().hex
    cache.set(_key(patient, token), found, _KEEP_SECONDS)
    return found, token


def shown_offer(patient: Patient, token: str) -> Offer | None:
    """What stood on the screen; None when that is too long ago."""
    found: Offer | None = cache.get(_key(patient, token))
    return found


def _key(patient: Patient, token: str) -> str:
    return f"plan-offer:{patient.practice_id}:{patient.pk}:{token[:40]}"


def rules(practice: Practice, now: datetime) -> dict[str, Any]:
    """What the office's preferences ask of the terms."""
    connection = Connection.objects.filter(practice=practice).first()
    preferences = connection.preferences if connection else {}
    return {
        "today": local_date(now, practice.zone),
        "may_be_future": preferences.get("FutureTransDatesAllowed") == "1",
        "must_lock": preferences.get("PayPlanRequireLockForAPR") == "1",
    }


def people(patient: Patient) -> list[tuple[int, str]]:
    """Who may pay: the patient, then the family."""
    family = sorted(patient_pages.family(patient), key=lambda one: one.pk != patient.pk)
    found = {one.pat_num: one.full_name for one in [patient, *family]}
    return list(found.items())


def new_form(patient: Patient, offer: Offer, token: str, data: QueryDict | None, now: datetime) -> NewPlanForm:
    asked = rules(patient.practice, now)
    today = asked["today"]
    initial = {
        "token": token, "order": uuid.uuid4(), "agreed": today, "start": first_day(today), "frequency": "Monthly",
        "treatment": "AwaitComplete", "guarantor": patient.pat_num, "apr": "0",
    }  # fmt: skip
    return NewPlanForm(data, offer=offer, people=people(patient), initial=initial, **asked)


def again(order: PlanOrder, token: str) -> QueryDict:
    """The form of a refused order, to be corrected: a new order over the account as it is now."""
    data = QueryDict(mutable=True)
    for name, values in order.form.items():
        data.setlist(name, values)
    data["token"], data["order"] = token, str(uuid.uuid4())
    return data


def chooser(patient: Patient, offer: Offer, form: NewPlanForm, order: PlanOrder | None = None) -> dict[str, Any]:
    chosen = {str(key) for key in form["works"].value() or []}
    if order is not None and order.state_reason:
        form.errors  # noqa: B018 - binds the errors, so that one can be added
        form.add_error(order.wrong_field if order.wrong_field in form.fields else None, order.state_reason)
    return {
        "patient": patient,
        "offer": offer,
        "form": form,
        "works": [(work, work.key in chosen) for work in offer.works],
        "preview": form.preview if form.is_bound else None,
    }


def place_new(patient: Patient, form: NewPlanForm, data: QueryDict, *, actor: str, now: datetime) -> PlanOrder:
    """Commit the order of a valid form and wake the worker. Raises UnableToOrder."""
    number = form.cleaned_data["order"]
    reference = reference_of(number, "PLAN")
    kept = {name: data.getlist(name) for name in form.fields if name in data}
    return _place(
        PlanOrder(
            practice_id=patient.practice_id, uuid=number, kind=PlanOrder.Kind.CREATE, patient=patient,
            reference=reference, body=form.body(patient.pat_num, reference), form=kept,
            expected=form.preview.expected() if form.preview else [], actor=actor, made_at=now,
        )
    )  # fmt: skip


def _place(order: PlanOrder) -> PlanOrder:
    placed = plan_orders.place(order)
    rounds.wake(tasks.post_one, placed.practice_id)
    return placed


place = _place


def order_or_404(practice: Practice, order_uuid: uuid.UUID) -> PlanOrder:
    rows = PlanOrder.objects.filter(practice=practice).select_related("patient", "plan")
    return get_object_or_404(rows, uuid=order_uuid)


def page(order: PlanOrder, *, poll: int) -> dict[str, Any]:
    """`poll` 0: the page does not ask by itself."""
    return {
        **patient_pages.head(order.patient, "patient_plans"),
        "order": order,
        "poll": poll if order.is_open else 0,
        "has_stopped": order.is_open and not poll,
        "is_final": not order.is_open,
    }


def open_or_failed(patient: Patient) -> list[PlanOrder]:
    """For the Payment Plans tab: what is under way, and the newest that did not end well."""
    mine = PlanOrder.objects.filter(practice=patient.practice_id, patient=patient).order_by("-pk")
    newest = mine.first()
    return [one for one in mine[:5] if one.is_open or (one == newest and one.state in _ENDED)]
