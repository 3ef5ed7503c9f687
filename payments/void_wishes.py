"""Ends what staff decided for a date that Open Dental moved meanwhile, and says from when to when (ADR 11)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from payments.models import PlanChange
from payments.wishes import Wishes
from payplans.models import Installment
from practices.models import Event

_WHAT = {PlanChange.Kind.MOVE: "The charge day that staff chose", PlanChange.Kind.CARD: "The card for this one charge"}


def end(wished: Wishes, installments: Sequence[Installment], *, now: datetime) -> None:
    """In the caller's transaction, which has locked the installments."""
    for change, installment in wished.voided(installments):
        before, after = change.planned_date, installment.due_date
        reason = f"Open Dental moved the payment from {before:%m/%d/%Y} to {after:%m/%d/%Y}"
        change.end(actor="sync", reason=reason, now=now)
        Event.record(
            change.practice_id, kind="plan_change_void", actor="sync", now=now,
            text=f"{_WHAT[PlanChange.Kind(change.kind)]} no longer holds: {reason}",
            about={"patient": installment.plan.patient_id, "plan": change.plan_id, "installment": installment.pk},
            before={"due_date": str(before)}, after={"due_date": str(after)},
        )  # fmt: skip
