"""News from Open Dental that contradicts our books (M10): an alarm each, closed when the contradiction is gone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.db.models import Sum

from core.money import format_cents
from opendental.client import Office
from opendental.models import Connection
from payments.models import Alarm, LedgerPosting
from payplans.models import Installment, PayPlan

# A refund made in Open Dental copies CheckNum and is negative, so it is no second posting.
_TWICE = (
    "SELECT CheckNum, COUNT(*) AS n FROM payment WHERE CheckNum LIKE 'KP-%' AND PayAmt>0 "
    "GROUP BY CheckNum HAVING COUNT(*)>1 LIMIT 100"
)


def posted_twice(office: Office, connection: Connection, *, now: datetime) -> None:
    """Once a day: is a reference of ours in the books more than once? Only the office can remove a payment."""
    found = {str(row["CheckNum"]).upper(): int(row["n"]) for row in office.query(_TWICE)}
    for posting in LedgerPosting.objects.filter(practice_id=connection.practice_id, reference__in=found):
        Alarm.raise_once(
            connection.practice_id,
            kind="POSTING_DUPLICATE",
            key=f"duplicate:{posting.pk}",
            text=f"Open Dental has it {found[posting.reference]} times: remove all but PayNum {posting.pay_num}.",
            about={"posting": posting.pk, "payment": posting.payment_id, "patient": posting.patient_id},
            now=now,
        )


def taken_back(plan: PayPlan, installments: Iterable[Installment], *, now: datetime) -> None:
    """Open Dental shows less on a charge than we posted to exactly that charge. Runs inside the sync's transaction."""
    for installment in installments:
        posted = _posted_cents(installment)
        there = installment.charge_rows.aggregate(paid=Sum("paid_cents"))["paid"] or 0
        key = f"taken-back:{installment.pk}"
        if posted > there:
            Alarm.raise_once(
                plan.practice_id,
                kind="LEDGER_TAKEN_BACK",
                key=key,
                text=f"{format_cents(posted)} was posted to this charge; Open Dental shows {format_cents(there)} paid.",
                about={"patient": plan.patient_id, "plan": plan.pk, "installment": installment.pk},
                now=now,
            )
        else:
            Alarm.close(plan.practice_id, key=key, now=now, actor="sync")


def paid_twice(plan: PayPlan, installments: Iterable[Installment], *, now: datetime) -> None:
    """We took it and so did the office (at the desk while our charge was in flight): somebody must give it back."""
    for installment in installments:
        key = f"paid-twice:{installment.pk}"
        over = installment.collected_cents + installment.office_paid_cents - installment.amount_cents
        if installment.office_paid_cents > 0 and over > 0:
            Alarm.raise_once(
                plan.practice_id,
                kind="PAID_TWICE",
                key=key,
                text=f"This installment was paid here and in Open Dental: {format_cents(over)} too much.",
                about={"patient": plan.patient_id, "plan": plan.pk, "installment": installment.pk},
                now=now,
            )
        else:
            Alarm.close(plan.practice_id, key=key, now=now, actor="sync")


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


def _posted_cents(installment: Installment) -> int:
    matched = LedgerPosting.objects.filter(
        payment__allocations__installment=installment,
        state=LedgerPosting.State.MATCHED,
        route=LedgerPosting.Route.CHARGE_ROWS,
    )
    return int(matched.aggregate(total=Sum("amount_cents"))["total"] or 0)
