"""News from Open Dental that contradicts our books (M10): an alarm each, closed when the contradiction is gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from django.db.models import QuerySet, Sum

from core.money import format_cents
from opendental.client import Office
from opendental.models import Connection
from payments.models import Alarm, DuePart, LedgerPosting
from payplans.models import Installment, PayPlan

TAKEN_BACK = "A payment was taken back in Open Dental"

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


def paid_twice(
    plan: PayPlan, over: Mapping[int, int], installments: Mapping[int, Installment], *, now: datetime
) -> None:
    """More stands on a charge than it asks for (we took it and so did the desk): somebody must move it or give it back.

    `over`: installment → cents too much.
    """
    for pk, cents in over.items():
        _tell(plan, installments[pk], "PAID_TWICE", f"paid-twice:{pk}", _too_much(installments[pk], cents), now)
    for alarm in _open_alarms(plan, "PAID_TWICE"):
        if alarm.about.get("installment") not in over:
            Alarm.close(plan.practice_id, key=alarm.key, now=now, actor="sync")


def _too_much(installment: Installment, cents: int) -> str:
    if not installment.collected_cents:
        return f"Open Dental shows {format_cents(cents)} too much on this charge. Move it there or give it back."
    text = f"This installment was paid here and in Open Dental: {format_cents(cents)} too much."
    unposted = LedgerPosting.objects.filter(
        payment__allocations__installment=installment,
        amount_cents=cents,
        pay_num=None,
        state__in=[LedgerPosting.State.REFUSED, LedgerPosting.State.QUEUED],
    )
    if unposted.exists():
        text += " Our payment of that amount is not posted yet: it may have been entered by hand."
    return text


def taken_back_by_office(
    plan: PayPlan, reopened: Mapping[int, int], installments: Mapping[int, Installment], *, now: datetime
) -> None:
    """The office deleted what it had recorded on something due, perhaps to enter it anew: autopay waits for a person.

    `reopened`: installment → cents it owed before. Call after the due parts were refreshed.
    """
    for pk, owed_before in reopened.items():
        text = f"{TAKEN_BACK}: {format_cents(installments[pk].owed_cents - owed_before)} is owed again."
        key = f"office-payment-taken-back:{pk}"
        _tell(plan, installments[pk], "OFFICE_PAYMENT_TAKEN_BACK", key, text, now, owed_before=owed_before)
        for part in _open_parts(pk):
            part.set_hold(DuePart.Hold.STAFF, TAKEN_BACK)


def recorded_again(plan: PayPlan, installments: Mapping[int, Installment], *, now: datetime) -> None:
    """No more is owed than before the office took its payment back: alarm and hold go, before parts are refreshed."""
    for alarm in _open_alarms(plan, "OFFICE_PAYMENT_TAKEN_BACK"):
        row = installments[alarm.about["installment"]]
        if not row.is_open or row.owed_cents <= alarm.about["owed_before_cents"]:
            Alarm.close(plan.practice_id, key=alarm.key, now=now, actor="sync")
            for part in _open_parts(row.pk).filter(hold=DuePart.Hold.STAFF, hold_reason=TAKEN_BACK):
                part.set_hold(DuePart.Hold.NONE)


def _open_parts(installment_id: int) -> QuerySet[DuePart]:
    return DuePart.objects.filter(installment_id=installment_id, state=DuePart.State.OPEN)


def _open_alarms(plan: PayPlan, kind: str) -> list[Alarm]:
    return list(Alarm.objects.filter(practice_id=plan.practice_id, kind=kind, about__plan=plan.pk, closed_at=None))


def _tell(
    plan: PayPlan,
    installment: Installment,
    kind: str,
    key: str,
    text: str,
    now: datetime,
    owed_before: int | None = None,
) -> None:
    """Raise it, or correct the text of the open one when the amount has changed."""
    about = {"patient": plan.patient_id, "plan": plan.pk, "installment": installment.pk}
    if owed_before is not None:
        about["owed_before_cents"] = owed_before
    Alarm.raise_once(plan.practice_id, kind=kind, key=key, text=text, about=about, now=now)
    Alarm.objects.filter(practice_id=plan.practice_id, key=key, closed_at=None).exclude(text=text).update(text=text)


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
