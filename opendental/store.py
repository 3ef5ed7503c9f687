"""Stores what was read of one plan in one transaction: terms, installments, rows, splits, standing, due parts."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection as database
from django.db import transaction
from django.db.models import QuerySet

from core.calendar import local_date
from opendental import contradictions, refund_by_hand
from opendental.models import Connection, PlanToRead
from opendental.read import Reading
from opendental.wire import ChargeFacts, PlanFacts, SplitFacts
from patients.models import Patient
from payments import due_parts, locks
from payments.models import Attempt, AttemptState, LedgerPosting
from payplans.identity import Wanted, group
from payplans.models import Installment, PayPlan, PlanSplit
from payplans.renew import Renewal
from payplans.schedule import (
    DebitType,
    Frequency,
    Issued,
    PaidSplit,
    ProjectedRow,
    Projection,
    Terms,
    TreatmentPlanned,
    production_from_totals,
    project,
)
from practices.models import Event

CLOSED = "Plan closed in Open Dental"
GONE = "Plan deleted in Open Dental"
REMOVED = "No longer in Open Dental's schedule"
_TERMS = [field.name for field in fields(PlanFacts) if field.name not in ("pay_plan_num", "pat_num", "guarantor_num")]
# Two readers of one plan: the older answer is dropped. Farther apart, the clock was moved back.
_OVERTAKEN = timedelta(minutes=10)
# What is paid could not be told: the plan stays listed. The poster brings it forward (outbox.py).
_AGAIN = timedelta(minutes=15)


class Overtaken(Exception):
    """A newer reading of the plan was stored meanwhile; this one must be made again."""


def store(
    connection: Connection, reading: Reading, people: dict[int, Patient], *, token: UUID | None, now: datetime
) -> PayPlan:
    """Bring our plan in step with the reading. `people` holds the plan's patient and guarantor by PatNum.

    Raises Overtaken. Takes the plan off the list of plans to read in the same transaction, if it still stands there
    under the token that it had when the reading began: what was found since is read again.
    """
    facts = reading.plan
    with transaction.atomic():
        _one_at_a_time(connection.practice_id, facts.pay_plan_num)
        plan, is_new = _plan(connection.practice_id, facts, people, now)
        locked = locks.installments(plan.pk)
        # Read before the lock, and not Open Dental's to say.
        plan.refresh_from_db(fields=["is_shared"])
        _store_terms(plan, reading, people, is_new=is_new, now=now)
        renewal = _store_money(plan, locked, reading, is_new=is_new, now=now) if _is_whole(reading) else None
        due_parts.refresh(plan, now=now)
        if renewal is not None:
            contradictions.taken_back_by_office(plan, renewal.reopened, renewal.installments, now=now)
        listed = _listed(connection.practice_id, facts.pay_plan_num, token)
        if renewal is None or renewal.has_stood:
            listed.delete()
        else:
            listed.update(next_at=now + _AGAIN)
    return plan


def _listed(practice_id: int, pay_plan_num: int, token: UUID | None) -> QuerySet[PlanToRead]:
    return PlanToRead.objects.filter(practice_id=practice_id, pay_plan_num=pay_plan_num, token=token)


def mark_gone(practice_id: int, pay_plan_num: int, *, token: UUID | None, now: datetime) -> None:
    """Open Dental has no such plan any more: nothing of it is collected, what was paid stays."""
    with transaction.atomic():
        _one_at_a_time(practice_id, pay_plan_num)
        _listed(practice_id, pay_plan_num, token).delete()
        plan = PayPlan.objects.filter(practice_id=practice_id, pay_plan_num=pay_plan_num, gone_at=None).first()
        if plan is None:
            return
        locked = locks.installments(plan.pk)
        plan.gone_at, plan.synced_at = now, now
        plan.save(update_fields=["gone_at", "synced_at"])
        _record(plan, "plan_gone", now, text=GONE)
        Renewal(plan, locked, now, _today(plan, now), _busy(plan), GONE).run([])
        due_parts.refresh(plan, now=now)
        contradictions.plan_gone(plan, now=now)


def _one_at_a_time(practice_id: int, pay_plan_num: int) -> None:
    """Readers of the same plan queue here, before any row lock, so that two can't both add its installments."""
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"plan:{practice_id}:{pay_plan_num}"])


def _plan(practice_id: int, facts: PlanFacts, people: dict[int, Patient], now: datetime) -> tuple[PayPlan, bool]:
    plan = PayPlan.objects.filter(practice_id=practice_id, pay_plan_num=facts.pay_plan_num).first()
    if plan is None:
        plan = PayPlan(practice_id=practice_id, pay_plan_num=facts.pay_plan_num, synced_at=now)
        _apply(plan, facts, people)
        plan.save(force_insert=True)
        return plan, True
    if now < plan.synced_at <= now + _OVERTAKEN:
        raise Overtaken
    return plan, False


def _apply(plan: PayPlan, facts: PlanFacts, people: dict[int, Patient]) -> None:
    plan.patient, plan.guarantor = people[facts.pat_num], people[facts.guarantor_num]
    for name in _TERMS:
        setattr(plan, name, getattr(facts, name))


def _store_terms(plan: PayPlan, reading: Reading, people: dict[int, Patient], *, is_new: bool, now: datetime) -> None:
    before = _snapshot(plan)
    _apply(plan, reading.plan, people)
    plan.gone_at = None
    plan.synced_at = now
    if reading.office_card_active is not None:
        plan.office_card_active = reading.office_card_active
    plan.schedule_problem = _unreadable_problem(reading)
    after = _snapshot(plan)
    changed = {name for name in after if after[name] != before[name]}
    if changed and not is_new:
        plan.revision += 1
    plan.save()
    if is_new:
        _record(plan, "plan_found", now, after=after)
    elif changed:
        old, new = ({name: side[name] for name in changed} for side in (before, after))
        _record(plan, "plan_changed", now, before=old, after=new)


def _snapshot(plan: PayPlan) -> dict[str, Any]:
    """Terms as JSON values, for before and after."""
    shown: dict[str, Any] = {"patient": plan.patient_id, "guarantor": plan.guarantor_id, "gone": bool(plan.gone_at)}
    for name in _TERMS:
        value = getattr(plan, name)
        shown[name] = value if isinstance(value, bool | int) else None if value is None else _plain(value)
    return shown


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else f"{value:f}" if hasattr(value, "as_tuple") else str(value)


def _record(plan: PayPlan, kind: str, now: datetime, **more: Any) -> None:
    about = {"patient": plan.patient_id, "plan": plan.pk}
    Event.record(plan.practice_id, kind=kind, actor="sync", now=now, about=about, **more)


def _is_whole(reading: Reading) -> bool:
    """Amounts are only worked out when every row of the plan was shown and understood."""
    return reading.charges is not None and reading.splits is not None and not reading.spoiled


def _unreadable_problem(reading: Reading) -> str:
    if reading.spoiled:
        return f"A row of this plan can't be understood ({reading.spoiled[0].resource}: {reading.spoiled[0].reason})"[
            :200
        ]
    if reading.charges is None:
        return "This version of Open Dental does not show a plan's charges (23.2.28 or later does)."
    if reading.splits is None:
        return "This version of Open Dental does not show what was paid on a plan (22.4.16 or later does)."
    return ""


def _store_money(plan: PayPlan, locked: list[Installment], reading: Reading, *, is_new: bool, now: datetime) -> Renewal:
    charges, splits = reading.charges or (), reading.splits or ()
    today = _today(plan, now)
    renewal = Renewal(plan, locked, now, today, _busy(plan), CLOSED if plan.is_closed else REMOVED, is_new)
    waiting = {row.pk: row.due_date for row in locked if row.is_open and not row.is_issued and row.due_date < today}
    wanted = group(charges)
    renewal.run([*wanted, *_projected(plan, charges, splits, today)])
    contradictions.run_missed(plan, waiting, renewal.installments, now=now)
    rows = _store_splits(plan, splits)
    renewal.pay_rows(rows)
    refund_by_hand.recognize(plan, now=now)
    if not _posting_unsettled(plan, now):
        renewal.stand(rows, ours=_our_payments(plan))
        contradictions.taken_back(plan, rows, now=now)
        contradictions.paid_twice(plan, renewal.over, renewal.installments, rows, now=now)
    contradictions.recorded_again(plan, renewal.installments, now=now)
    return renewal


def _projected(
    plan: PayPlan, charges: tuple[ChargeFacts, ...], splits: tuple[SplitFacts, ...], today: date
) -> list[Wanted]:
    """Installments Open Dental has not issued yet; also sets the plan's schedule problem."""
    if plan.kind != PayPlan.Kind.DYNAMIC or plan.is_closed:
        return []
    problem = ""
    rows: tuple[ProjectedRow, ...] = ()
    if plan.start_date is None or plan.pay_amount_cents == 0:
        problem = "Open Dental gives no first due date or no amount for this plan."
    else:
        projection = _projection(plan, charges, splits, today)
        rows = projection.rows
        if not projection.valid:
            problem = "The terms never pay the plan off: interest is higher than the payment."
    if problem:
        plan.schedule_problem = problem
        plan.save(update_fields=["schedule_problem"])
    return [Wanted(row.date, row.principal_cents, row.interest_cents) for row in rows]


def _projection(
    plan: PayPlan, charges: tuple[ChargeFacts, ...], splits: tuple[SplitFacts, ...], today: date
) -> Projection:
    terms = Terms(
        frequency=Frequency(plan.frequency),
        start=plan.start_date or today,
        pay_amount_cents=plan.pay_amount_cents,
        apr_percent=float(plan.apr),
        down_payment_cents=plan.down_payment_cents,
        interest_start=plan.interest_start_date or date.min,
        treatment_planned=TreatmentPlanned(plan.treatment_option),
    )
    issued = [
        Issued(row.date, row.principal_cents, row.interest_cents, is_down_payment=row.is_down_payment)
        for row in charges
    ]
    paid = [
        PaidSplit(split.amount_cents, DebitType(split.debit_type), is_unearned=split.unearned_type != 0)
        for split in splits
    ]
    return project(terms, production_from_totals(plan.principal_cents, plan.completed_cents), issued, paid, today=today)


def _store_splits(plan: PayPlan, splits: tuple[SplitFacts, ...]) -> list[PlanSplit]:
    rows = [
        PlanSplit(
            practice_id=plan.practice_id,
            plan=plan,
            split_num=split.split_num,
            pay_num=split.pay_num,
            pay_plan_charge_num=split.pay_plan_charge_num,
            amount_cents=split.amount_cents,
            debit_type=split.debit_type,
            unearned_type=split.unearned_type,
            paid_date=split.paid_date,
        )
        for split in sorted(splits, key=lambda split: split.split_num)
    ]
    PlanSplit.objects.filter(plan=plan).exclude(split_num__in=[row.split_num for row in rows]).delete()
    PlanSplit.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["practice", "split_num"],
        update_fields=[
            "plan",
            "pay_num",
            "pay_plan_charge_num",
            "amount_cents",
            "debit_type",
            "unearned_type",
            "paid_date",
        ],
    )
    return rows


def _busy(plan: PayPlan) -> set[int]:
    """Installments with an attempt whose news is still to come. Read after the lock: a claim locks the same rows."""
    open_attempts = Attempt.objects.filter(due_part__installment__plan=plan, state__in=AttemptState.open())
    return set(open_attempts.values_list("due_part__installment_id", flat=True))


def _posting_unsettled(plan: PayPlan, now: datetime) -> bool:
    """Its splits can't be told from the office's own, or it was sent after this reading began, at `now`."""
    sent_since = LedgerPosting.objects.filter(plan=plan, claimed_at__gte=now, claimed_at__lte=now + _OVERTAKEN)
    return LedgerPosting.in_doubt(plan).exists() or sent_since.exists()


def _our_payments(plan: PayPlan) -> set[int]:
    numbers = LedgerPosting.objects.filter(plan=plan, pay_num__isnull=False).values_list("pay_num", flat=True)
    return {number for number in numbers if number is not None}


def _today(plan: PayPlan, now: datetime) -> date:
    return local_date(now, plan.practice.zone)
