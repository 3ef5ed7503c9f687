"""Setting, changing and ending the share that a second person pays of a plan (ADR 14). Charges nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from core.calendar import local_date
from payplans.models import Installment, PayPlan, PlanShare
from payplans.shares import LEAST_CENTS
from practices.models import Event


class UnableToShare(Exception):
    """Nothing was decided. The text says why, for staff."""


@dataclass(frozen=True)
class Wish:
    """Exactly one of `percent_bp` (hundredths of a percent) and `cents` is set; without a payer neither: it ends."""

    payer_id: int | None
    percent_bp: int | None
    cents: int | None
    reason: str


def first_day(plan: PayPlan, installments: list[Installment], tried: set[int], now: datetime) -> date:
    """The first due date that a decision made now counts for: nothing that is due, was tried or is in flight."""
    day = local_date(now, plan.practice.zone)
    touched = [one.first_due_date for one in installments if one.pk in tried or one.collected_cents]
    return max([day, *touched]) + timedelta(days=1)


def decide(plan: PayPlan, wish: Wish, *, from_date: date, actor: str, now: datetime) -> PlanShare:
    """Add the decision. In the caller's transaction, the plan's installments locked. Raises UnableToShare."""
    _refuse(plan, wish, from_date)
    row = PlanShare.objects.create(
        practice_id=plan.practice_id, plan=plan, payer_id=wish.payer_id, percent_bp=wish.percent_bp, cents=wish.cents,
        from_date=from_date, reason=wish.reason[:200], actor=actor, made_at=now,
    )  # fmt: skip
    plan.is_shared = True
    plan.save(update_fields=["is_shared"])
    what = f"A second person pays {row} of each payment" if wish.payer_id else "The guarantor pays all of each payment"
    Event.record(
        plan.practice_id, kind="plan_shared", actor=actor, now=now,
        text=f"{what} due from {from_date:%m/%d/%Y}. Reason: {wish.reason}"[:400],
        about={"patient": plan.patient_id, "plan": plan.pk, **({"payer": wish.payer_id} if wish.payer_id else {})},
    )  # fmt: skip
    return row


def _refuse(plan: PayPlan, wish: Wish, from_date: date) -> None:
    if not plan.is_collectable:
        raise UnableToShare("The plan is closed, gone or paid by insurance")
    if not wish.reason.strip():
        raise UnableToShare("Say why")
    if wish.payer_id == plan.guarantor_id:
        raise UnableToShare("The guarantor pays the rest already: choose another person")
    if wish.payer_id is None:
        return
    draft = PlanShare(percent_bp=wish.percent_bp, cents=wish.cents)
    for one in plan.installments.unpaid().filter(first_due_date__gte=from_date, is_down_payment=False):
        theirs = draft.of_cents(one.amount_cents)
        if one.amount_cents < 2 * LEAST_CENTS:
            continue  # The guarantor's, whatever the share.
        if theirs < LEAST_CENTS or one.amount_cents - theirs < LEAST_CENTS:
            raise UnableToShare(f"Of the payment due {one.due_date:%m/%d/%Y} each must pay at least $0.50")
