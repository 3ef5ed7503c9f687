"""News from Open Dental that contradicts our books (M10): an alarm each, closed when the contradiction is gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from datetime import date, datetime
from zlib import crc32

from django.db.models import QuerySet, Sum

from core.money import format_cents
from opendental.client import Office
from opendental.models import Connection
from payments.models import Alarm, Allocation, DuePart, LedgerPosting
from payplans.models import ChargeRow, Installment, PayPlan, PlanSplit

TAKEN_BACK = "A payment was taken back in Open Dental"
_ACTOR = "sync"

# A refund made in Open Dental copies CheckNum and is negative, so it is no second posting.
_TWICE = (
    "SELECT CheckNum, COUNT(*) AS n FROM payment WHERE CheckNum LIKE 'KP-%' AND PayAmt>0 "
    "GROUP BY CheckNum HAVING COUNT(*)>1 LIMIT 100"
)


def posted_twice(office: Office, connection: Connection, *, now: datetime) -> None:
    """Once a day: is a reference of ours in the books more than once? Only the office can remove a payment."""
    practice_id = connection.practice_id
    found = {str(row["CheckNum"]).upper(): int(row["n"]) for row in office.query(_TWICE)}
    twice = {row.pk: row for row in LedgerPosting.objects.filter(practice_id=practice_id, reference__in=found)}
    for posting in twice.values():
        Alarm.raise_once(
            practice_id,
            kind="POSTING_DUPLICATE",
            key=f"duplicate:{posting.pk}",
            text=f"Open Dental has it {found[posting.reference]} times: remove all but PayNum {posting.pay_num}.",
            about={"posting": posting.pk, "payment": posting.payment_id, "patient": posting.patient_id},
            now=now,
        )
    for alarm in Alarm.objects.filter(practice_id=practice_id, kind="POSTING_DUPLICATE", closed_at=None):
        if alarm.about.get("posting") not in twice:
            Alarm.close(practice_id, key=alarm.key, now=now, actor=_ACTOR)


def taken_back(plan: PayPlan, splits: Sequence[PlanSplit], *, now: datetime) -> None:
    """Open Dental shows less than we posted, on exactly that charge or on the plan. Inside the sync's transaction."""
    missing = _missing(plan, splits)
    for pk, text in missing.items():
        _tell(plan, pk, "LEDGER_TAKEN_BACK", f"taken-back:{pk}", text, now, lies=_lies(pk, splits))
    _close_others(plan, "LEDGER_TAKEN_BACK", missing, now)


def _missing(plan: PayPlan, splits: Sequence[PlanSplit]) -> dict[int, str]:
    """Installment → what to tell."""
    allocated = Allocation.objects.filter(
        installment__plan=plan, payment__postings__plan=plan, payment__postings__state=LedgerPosting.State.MATCHED,
        payment__postings__movement__in=[LedgerPosting.Movement.PAYMENT, LedgerPosting.Movement.MOVE_IN],
    )  # fmt: skip
    postings = list(
        allocated.values_list(
            "installment_id", "payment__postings__route", "payment__postings__pay_num", "amount_cents", "payment_id"
        )
    )
    if not postings:
        return {}
    rows = ChargeRow.objects.filter(installment__plan=plan).values_list("installment_id")
    on_charge = dict(rows.annotate(cents=Sum("paid_cents")))
    by_payment: Counter[int] = Counter()
    for split in splits:
        by_payment[split.pay_num] += split.amount_cents
    to_charge: Counter[int] = Counter()
    missing: dict[int, str] = {}
    given_back = _given_back(plan)
    for pk, route, pay_num, cents, payment in postings:
        if route == LedgerPosting.Route.CHARGE_ROWS:
            to_charge[pk] += cents - given_back[payment]
        elif route != LedgerPosting.Route.PATIENT and not plan.is_closed and by_payment[pay_num or 0] < cents:
            there = format_cents(by_payment[pay_num or 0])
            missing[pk] = f"{format_cents(cents)} was posted to this plan; Open Dental shows {there} of it."
    for pk, cents in to_charge.items():
        if cents > (there_cents := on_charge.get(pk, 0)):
            there = format_cents(there_cents)
            missing[pk] = f"{format_cents(cents)} was posted to this charge; Open Dental shows {there} paid."
    return missing


def _given_back(plan: PayPlan) -> Counter[int]:
    """Payment → cents of it that were taken off in Open Dental: by refunds, or by a move."""
    off = [LedgerPosting.Movement.REFUND, LedgerPosting.Movement.MOVE_OUT]
    entered = LedgerPosting.objects.filter(plan=plan, movement__in=off, pay_num__isnull=False).values_list(
        "payment_id", "amount_cents"
    )
    found: Counter[int] = Counter()
    for payment, cents in entered:
        found[payment] -= cents
    return found


def paid_twice(
    plan: PayPlan,
    over: Mapping[int, int],
    installments: Mapping[int, Installment],
    splits: Sequence[PlanSplit],
    *,
    now: datetime,
) -> None:
    """More stands on a charge than it asks for (we took it and so did the desk): somebody must move it or give it back.

    `over`: installment → cents too much.
    """
    for pk, cents in over.items():
        text = _too_much(installments[pk], cents)
        _tell(plan, pk, "PAID_TWICE", f"paid-twice:{pk}", text, now, over_cents=cents, lies=_lies(pk, splits))
    _close_others(plan, "PAID_TWICE", over, now)


def plan_gone(plan: PayPlan, *, now: datetime) -> None:
    """Nothing is owed on it and nothing lies on it any more."""
    for kind in ("PAID_TWICE", "OFFICE_PAYMENT_TAKEN_BACK"):
        _close_others(plan, kind, (), now)


def _too_much(installment: Installment, cents: int) -> str:
    if not installment.collected_cents:
        return f"Open Dental shows {format_cents(cents)} too much on this charge. Move it there or give it back."
    text = f"This installment was paid here and in Open Dental: {format_cents(cents)} too much."
    unposted = LedgerPosting.objects.filter(
        payment__allocations__installment=installment,
        amount_cents=cents,
        pay_num=None,
        state__in=[LedgerPosting.State.REFUSED, LedgerPosting.State.QUEUED, LedgerPosting.State.MARKED],
    )
    if (found := unposted.first()) is not None:
        is_marked = found.state == LedgerPosting.State.MARKED
        where = "is marked as posted by hand" if is_marked else "is not posted yet"
        text += f" Our payment of that amount {where}: it may have been entered by hand."
    return text


def taken_back_by_office(
    plan: PayPlan, reopened: Mapping[int, int], installments: Mapping[int, Installment], *, now: datetime
) -> None:
    """The office deleted what it had recorded on something due, perhaps to enter it anew: autopay waits for a person.

    `reopened`: installment → cents it owed before. Call after the due parts were refreshed.
    """
    told = {alarm.about["installment"]: alarm for alarm in _open_alarms(plan, "OFFICE_PAYMENT_TAKEN_BACK")}
    for pk, owed_before in reopened.items():
        # What was taken back in several steps is told as one.
        before = told[pk].about["owed_before_cents"] if pk in told else owed_before
        text = f"{TAKEN_BACK}: {format_cents(installments[pk].owed_cents - before)} is owed again."
        key = f"office-payment-taken-back:{pk}"
        _raise(plan, pk, "OFFICE_PAYMENT_TAKEN_BACK", key, text, now, owed_before_cents=before)
        for part in _open_parts(pk):
            part.set_hold(DuePart.Hold.STAFF, TAKEN_BACK)


def recorded_again(plan: PayPlan, installments: Mapping[int, Installment], *, now: datetime) -> None:
    """No more is owed than before the office took its payment back: alarm and hold go, before parts are refreshed."""
    for alarm in _open_alarms(plan, "OFFICE_PAYMENT_TAKEN_BACK"):
        row = installments[alarm.about["installment"]]
        if not row.is_open or row.owed_cents <= alarm.about["owed_before_cents"]:
            Alarm.close(plan.practice_id, key=alarm.key, now=now, actor=_ACTOR)
            for part in _open_parts(row.pk).filter(hold=DuePart.Hold.STAFF, hold_reason=TAKEN_BACK):
                part.set_hold(DuePart.Hold.NONE)


def _open_parts(installment_id: int) -> QuerySet[DuePart]:
    return DuePart.objects.filter(installment_id=installment_id, state=DuePart.State.OPEN)


def _open_alarms(plan: PayPlan, kind: str) -> list[Alarm]:
    return list(Alarm.objects.filter(practice_id=plan.practice_id, kind=kind, about__plan=plan.pk, closed_at=None))


def _close_others(plan: PayPlan, kind: str, still: Container[int], now: datetime) -> None:
    for alarm in _open_alarms(plan, kind):
        if alarm.about["installment"] not in still:
            Alarm.close(plan.practice_id, key=alarm.key, now=now, actor=_ACTOR)


def _tell(plan: PayPlan, pk: int, kind: str, key: str, text: str, now: datetime, **seen: int) -> None:
    """Raise it, unless a person has closed it and `seen` is as it was then."""
    last = Alarm.objects.filter(practice_id=plan.practice_id, key=key).order_by("-pk").first()
    is_by_hand = last is not None and last.closed_at is not None and last.closed_by != _ACTOR
    if last is None or not is_by_hand or last.about != _about(plan, pk, seen):
        _raise(plan, pk, kind, key, text, now, **seen)


def _raise(plan: PayPlan, pk: int, kind: str, key: str, text: str, now: datetime, **seen: int) -> None:
    """Raise it, or correct the open one when something has changed."""
    about = _about(plan, pk, seen)
    Alarm.raise_once(plan.practice_id, kind=kind, key=key, text=text, about=about, now=now)
    opened = Alarm.objects.filter(practice_id=plan.practice_id, key=key, closed_at=None)
    opened.exclude(text=text, about=about).update(text=text, about=about)


def _about(plan: PayPlan, pk: int, seen: dict[str, int]) -> dict[str, int]:
    return {"patient": plan.patient_id, "plan": plan.pk, "installment": pk, **seen}


def _lies(installment_id: int, splits: Sequence[PlanSplit]) -> int:
    """A number that changes with the splits on an installment's charge rows."""
    rows = ChargeRow.objects.filter(installment_id=installment_id)
    numbers = set(rows.values_list("pay_plan_charge_num", flat=True))
    there = sorted((row.split_num, row.amount_cents) for row in splits if row.pay_plan_charge_num in numbers)
    return crc32(repr(there).encode())


def run_missed(plan: PayPlan, waiting: dict[int, date], installments: dict[int, Installment], *, now: datetime) -> None:
    """The office's service did not issue what was due, so Open Dental moved it on: one alarm per practice and day.

    `waiting`: the due dates of installments whose day had passed without a charge, before this reading.
    """
    moved = {day for pk, day in waiting.items() if installments[pk].due_date > day and installments[pk].is_open}
    for day in sorted(moved):
        Alarm.raise_once(
            plan.practice_id,
            kind="CHARGE_RUN_MISSED",
            key=f"run-missed:{day}",
            text=f"Open Dental issued no charges on {day:%b} {day.day}, so what was due then has moved on. "
            "Check that the Open Dental Service runs.",
            about={"patient": plan.patient_id, "plan": plan.pk},
            now=now,
        )
