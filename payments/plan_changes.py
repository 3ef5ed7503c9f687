"""Pausing a plan, skipping or moving a charge, another card for one charge: with KasperPay only (ADR 11).

Each locks the plan's installments, as a claim does: a charge was claimed before it, or sees it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from cards.models import Autopay
from core.calendar import local_date
from payments import due_parts, locks, notices, wishes
from payments.models import Attempt, AttemptState, DuePart, PlanChange
from payplans.models import Installment, PayPlan
from practices.models import Event, PaymentSettings

Kind = PlanChange.Kind
LONGEST_PAUSE = timedelta(days=180)
_DAY = timedelta(days=1)
# Whoever set these must let go first; a date or a skip says nothing about what they wait for.
_MOVABLE = {"", DuePart.Hold.PAUSED, DuePart.Hold.SKIPPED, DuePart.Hold.NOT_ISSUED}


class UnableToChange(Exception):
    """It can't be done now; the text says why, for staff."""


@dataclass(frozen=True)
class By:
    """Who decided it, why (for staff, required) and when (business time, UTC).

    `is_told`: the payer hears of it in another way, so no message "plan changed" goes out.
    """

    actor: str
    reason: str
    now: datetime
    is_told: bool = False


@dataclass
class Locked:
    """A plan with autopay on, its installments locked."""

    plan: PayPlan
    autopay: Autopay
    installments: list[Installment]
    today: date
    by: By

    def one(self, installment_id: int) -> Installment:
        """An installment that autopay may still charge. Raises UnableToChange."""
        found = next((one for one in self.installments if one.pk == installment_id), None)
        if found is None or not found.is_open or not found.owed_cents:
            raise UnableToChange("This payment is paid or no longer owed")
        if found.is_down_payment:
            raise UnableToChange("A down payment is taken at the desk, never by itself")
        if Attempt.objects.filter(due_part__installment=found, state__in=AttemptState.open()).exists():
            raise UnableToChange("A charge of this payment is under way: look at its result first")
        return found

    def add(self, kind: str, installment: Installment | None, **facts: object) -> PlanChange:
        return PlanChange.objects.create(
            practice_id=self.plan.practice_id, plan=self.plan, installment=installment, kind=kind,
            planned_date=installment.due_date if installment else None, reason=self.by.reason[:200],
            actor=self.by.actor, made_at=self.by.now, **facts,
        )  # fmt: skip

    def end(self, installment: Installment, *kinds: str) -> int:
        """End what stands of these kinds; how many there were."""
        found = PlanChange.objects.filter(installment=installment, kind__in=kinds, ended_at=None)
        for change in found:
            change.end(actor=self.by.actor, reason=self.by.reason, now=self.by.now)
        return len(found)

    def move(self, one: Installment, day: date) -> PlanChange:
        self.end(one, Kind.SKIP, Kind.MOVE)
        self.record(
            "charge_moved", f"Charge of the payment due {one.due_date:%m/%d/%Y} moved to {day:%m/%d/%Y}", one,
            before={"charge_date": str(one.due_date)}, after={"charge_date": str(day)},
        )  # fmt: skip
        return self.add(Kind.MOVE, one, from_date=day)

    def record(self, kind: str, text: str, installment: Installment | None = None, **more: dict[str, str]) -> None:
        about = {"patient": self.plan.patient_id, "plan": self.plan.pk}
        if installment is not None:
            about["installment"] = installment.pk
        Event.record(
            self.plan.practice_id, kind=kind, actor=self.by.actor, now=self.by.now, about=about,
            text=f"{text}. Reason: {self.by.reason}"[:400], **more,
        )  # fmt: skip


@contextmanager
def locked(plan_id: int, by: By) -> Iterator[Locked]:
    """The transaction of one change; afterwards the due parts follow and the payer is told. Raises UnableToChange."""
    if not by.reason.strip():
        raise UnableToChange("Say why")
    with transaction.atomic(durable=True):
        rows = locks.installments(plan_id)
        plan = PayPlan.objects.select_related("practice", "guarantor").get(pk=plan_id)
        if not plan.is_collectable:
            raise UnableToChange("The plan is closed, gone or paid by insurance: nothing is charged")
        autopay = Autopay.objects.filter(plan=plan, is_on=True).select_related("card__patient", "consent").first()
        if autopay is None:
            raise UnableToChange("Autopay is off: nothing is charged by itself")
        yield Locked(plan, autopay, rows, local_date(by.now, plan.practice.zone), by)
        due_parts.refresh(plan, now=by.now)
        if not by.is_told:
            notices.plan_work(plan, autopay, now=by.now)


def pause(plan_id: int, *, first: date, last: date, by: By) -> PlanChange:
    """Charge nothing by itself from `first` to `last` (practice-local, both included)."""
    with locked(plan_id, by) as found:
        if first < found.today:
            raise UnableToChange("A pause can't begin in the past")
        if last < first or last - first > LONGEST_PAUSE:
            raise UnableToChange("A pause lasts from 1 day to 180 days")
        if any(one.until_date and one.until_date >= first for one in wishes.of_plan(plan_id).pauses):
            raise UnableToChange("The plan has a pause already: end it first")
        found.record("plan_paused", f"Paused from {first:%m/%d/%Y} to {last:%m/%d/%Y}")
        return found.add(Kind.PAUSE, None, from_date=first, until_date=last)


def resume(plan_id: int, *, by: By) -> PlanChange:
    """End the pause today. What came due in it stays with staff."""
    with locked(plan_id, by) as found:
        running = current_pause(wishes.of_plan(plan_id), found.today)
        if running is None or running.from_date is None:
            raise UnableToChange("The plan is not paused")
        running.until_date = max(running.from_date, found.today) - _DAY
        running.end(actor=by.actor, reason=by.reason, now=by.now)
        found.record("plan_resumed", "Pause ended")
        return running


def current_pause(wished: wishes.Wishes, today: date) -> PlanChange | None:
    """The pause that runs today or is to come."""
    ahead = [one for one in wished.pauses if one.until_date and one.until_date >= today]
    return min(ahead, key=lambda one: one.from_date or date.min, default=None)


def skip(plan_id: int, installment_id: int, *, by: By) -> PlanChange:
    """Never charge it by itself. It stays owed, and Open Dental issues it as ever."""
    with locked(plan_id, by) as found:
        one = found.one(installment_id)
        # Anew: after Open Dental moved it, staff say so for the new date.
        found.end(one, Kind.SKIP)
        found.record("installment_skipped", f"Payment due {one.due_date:%m/%d/%Y} is skipped", one)
        return found.add(Kind.SKIP, one)


def unskip(plan_id: int, installment_id: int, *, by: By) -> None:
    """Charge it as agreed after all: on its date, or at the next sweep when that has passed."""
    with locked(plan_id, by) as found:
        one = found.one(installment_id)
        if not found.end(one, Kind.SKIP):
            raise UnableToChange("This payment is not skipped")
        found.record("installment_unskipped", f"Payment due {one.due_date:%m/%d/%Y} is charged after all", one)


def move(plan_id: int, installment_id: int, *, day: date, by: By) -> PlanChange:
    """Charge it on this later day (practice-local). Ends a skip, and takes it out of a pause."""
    with locked(plan_id, by) as found:
        one = found.one(installment_id)
        settings = PaymentSettings.objects.get(practice_id=found.plan.practice_id)
        refuse_day(one, found.installments, day, today=found.today, most_days=settings.move_days)
        if wishes.of_plan(plan_id).pause_on(day):
            raise UnableToChange("The plan is paused on that day")
        part = DuePart.objects.filter(installment=one, state=DuePart.State.OPEN).first()
        if part is not None and part.hold not in _MOVABLE:
            raise UnableToChange(f"It waits for something else first: {part.get_hold_display().lower()}")
        return found.move(one, day)


def last_day(one: Installment, plan: list[Installment], *, today: date, most_days: int) -> date:
    """The latest day to which this charge may be moved: within the days allowed, before the next payment's due date."""
    base = max(one.due_date, today)
    later = [other.due_date for other in plan if other.is_open and other.pk != one.pk and other.due_date > base]
    return min([base + timedelta(days=most_days), *(day - _DAY for day in later)])


def refuse_day(one: Installment, plan: list[Installment], day: date, *, today: date, most_days: int) -> None:
    """Raises UnableToChange with what to do instead."""
    if day < today:
        raise UnableToChange("That day has passed")
    if day <= one.due_date:
        raise UnableToChange(
            "Choose a day after the due date. Before it Open Dental has issued nothing to charge: Pay Now pays early"
        )
    last = last_day(one, plan, today=today, most_days=most_days)
    if day > last:
        raise UnableToChange(f"The latest day is {last:%m/%d/%Y}: {most_days} days, and before the next payment is due")
