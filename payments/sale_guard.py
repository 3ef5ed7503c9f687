"""The double-collection guard: what staff should know before they take money from this family (product page, 3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q

from core import calendar
from core.money import format_cents
from patients.models import Patient
from payments.models import Attempt, AttemptState, DuePart, Payment
from practices.templatetags.show import plain_day

# What autopay takes by itself within these days is worth a word.
SOON = timedelta(days=3)


@dataclass(frozen=True)
class Warned:
    """`plan_of`: the patient whose plans page shows it; None where no plan is meant."""

    text: str
    plan_of: int | None = None


def warnings(patient: Patient, now: datetime) -> list[Warned]:
    """In the order of how much they matter."""
    family = family_of(patient)
    return [*_in_flight(family), *_paid_today(family, patient, now), *_soon(family, patient, now)]


def family_of(patient: Patient) -> list[int]:
    """Row ids of everybody with the same guarantor."""
    guarantor = patient.guarantor_num or patient.pat_num
    same = Patient.objects.filter(practice=patient.practice_id, guarantor_num=guarantor)
    return [*same.values_list("pk", flat=True), patient.pk]


def _of(family: list[int], prefix: str = "") -> Q:
    """Money for these people, whoever pays it, or money that they pay."""
    return (
        Q(**{f"{prefix}payer__in": family})
        | Q(**{f"{prefix}sale__patient__in": family})
        | Q(**{f"{prefix}installment__plan__patient__in": family})
    )


def _in_flight(family: list[int]) -> list[Warned]:
    moving = Attempt.objects.filter(_of(family, "due_part__"), state__in=AttemptState.open())
    return [
        Warned(f"A payment of {format_cents(one.amount_cents)} is under way ({one.get_channel_display()}).")
        for one in moving.order_by("pk")
    ]


def _paid_today(family: list[int], patient: Patient, now: datetime) -> list[Warned]:
    zone = patient.practice.zone
    since = calendar.at_hour(calendar.local_date(now, zone), 0, zone)
    paid = Payment.objects.filter(_of(family, "attempt__due_part__"), paid_at__gte=since).select_related(
        "attempt__card"
    )
    return [
        Warned(f"{format_cents(one.amount_cents)} was taken today ({one.attempt.means}).")
        for one in paid.order_by("pk")
    ]


def _soon(family: list[int], patient: Patient, now: datetime) -> list[Warned]:
    due = DuePart.objects.filter(
        _of(family), state=DuePart.State.OPEN, hold="", is_automatic=True,
        next_try_at__lte=now + SOON, installment__isnull=False,
    ).select_related("installment__plan", "practice")  # fmt: skip
    today = calendar.local_date(now, patient.practice.zone)
    return [
        Warned(
            f"Autopay charges {format_cents(one.amount_cents)} "
            f"for plan {one.installment.plan.pay_plan_num} on {_day(one, today)}.",
            one.installment.plan.patient_id,
        )
        for one in due.order_by("next_try_at", "pk")
        if one.installment is not None
    ]


def _day(part: DuePart, today: date) -> str:
    day = calendar.local_date(part.next_try_at, part.practice.zone) if part.next_try_at else today
    return plain_day(day, today)
