"""settle_refund(): the one place that turns news of a refund into state, installment, posting, alarm and event (M6).

docs/money.md, "States of a refund", is its table. Calling it again changes nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from django.db import transaction

from core.money import format_cents
from payments import locks, refund_aftermath, upward
from payments.models import Alarm, Refund, RefundState
from practices.models import Event
from processors.port import Failed, NotTaken, Pending, RefundOutcome, Succeeded, Unknown


def settle_refund(refund_id: int, outcome: RefundOutcome, *, now: datetime, actor: str) -> bool:
    """Apply news of a refund under the locks. True when it changed the state. Durable: never inside a transaction."""
    with transaction.atomic(durable=True):
        refund = locks.refund(refund_id)
        changed = _apply(refund, outcome, now, actor)
        practice_id = refund.practice_id
        transaction.on_commit(lambda: upward.handlers.nudge(practice_id), robust=True)
    return changed


def _apply(refund: Refund, outcome: RefundOutcome, now: datetime, actor: str) -> bool:
    match outcome:
        case Succeeded() if refund.is_open:
            return _succeed(refund, outcome, now, actor)
        case Failed() if refund.state in RefundState.holding():
            return _fail(refund, outcome, now, actor)
        case NotTaken() if refund.state in (RefundState.STARTED, RefundState.UNKNOWN):
            return _not_taken(refund, outcome, now, actor)
        case Pending() if refund.state in (RefundState.STARTED, RefundState.UNKNOWN):
            return _wait(refund, RefundState.PENDING, outcome.reference, "", now, actor)
        case Unknown() if refund.state == RefundState.STARTED:
            return _wait(refund, RefundState.UNKNOWN, outcome.reference, outcome.reason, now, actor)
        case Succeeded() | Failed() | NotTaken() | Pending() | Unknown():
            _notice_contradiction(refund, outcome, now)
            return False
        case _:
            assert_never(outcome)


def _succeed(refund: Refund, outcome: Succeeded, now: datetime, actor: str) -> bool:
    _move(refund, RefundState.SUCCEEDED, now, actor, reference=outcome.reference, is_final=True)
    refund_aftermath.of_success(refund, outcome, now)
    return True


def _fail(refund: Refund, outcome: Failed, now: datetime, actor: str) -> bool:
    had_succeeded = refund.state == RefundState.SUCCEEDED
    _move(refund, RefundState.FAILED, now, actor, reference=outcome.reference, reason=outcome.reason, is_final=True)
    refund_aftermath.of_failure(refund, had_succeeded=had_succeeded, now=now)
    return True


def _not_taken(refund: Refund, outcome: NotTaken, now: datetime, actor: str) -> bool:
    """The reserved cents are free again; staff see why and may ask anew."""
    _move(refund, RefundState.NOT_TAKEN, now, actor, reason=outcome.reason, is_final=True)
    if outcome.needs_operator:
        Alarm.raise_once(
            refund.practice_id, kind="PROCESSOR_REFUSES", key="processor", about=about(refund), now=now,
            text=f"Refunds are not taken: {outcome.reason}",
        )  # fmt: skip
    return True


def _wait(refund: Refund, state: str, reference: str, reason: str, now: datetime, actor: str) -> bool:
    _move(refund, state, now, actor, reference=reference, reason=reason)
    return True


def _move(
    refund: Refund,
    state: str,
    now: datetime,
    actor: str,
    *,
    reference: str = "",
    reason: str = "",
    is_final: bool = False,
) -> None:
    before = refund.state
    refund.state, refund.state_reason = state, reason[:200]
    refund.reference = reference or refund.reference
    refund.settled_at = now if is_final else None
    refund.save(update_fields=["state", "state_reason", "reference", "settled_at"])
    if is_final:
        Alarm.close(refund.practice_id, key=f"refund-unknown:{refund.pk}", now=now, actor=actor)
    Event.record(
        refund.practice_id, kind=f"refund_{state.lower()}", actor=actor, now=now, about=about(refund),
        text=f"{format_cents(refund.amount_cents)} {reason}".strip(), before={"state": before}, after={"state": state},
    )  # fmt: skip


# News that can't be true together with what we hold (M10).
_CONTRADICTS: dict[str, tuple[type, ...]] = {
    RefundState.PENDING: (NotTaken,),
    RefundState.SUCCEEDED: (NotTaken,),
    RefundState.FAILED: (Succeeded,),
    RefundState.NOT_TAKEN: (Succeeded, Pending),
}


def _notice_contradiction(refund: Refund, outcome: RefundOutcome, now: datetime) -> None:
    if not isinstance(outcome, _CONTRADICTS.get(refund.state, ())):
        return
    news = type(outcome).__name__
    Alarm.raise_once(
        refund.practice_id, kind="CONTRADICTION", key=f"refund-contradiction:{refund.pk}:{news}", about=about(refund),
        text=f"We hold a refund as {refund.get_state_display()}, the processor says {news}", now=now,
    )  # fmt: skip


def about(refund: Refund) -> dict[str, int]:
    """The ids under which the refund's events are found."""
    ids = {"refund": refund.pk, "payment": refund.payment_id, "patient": refund.payment.payer_id}
    allocation = refund.payment.allocations.select_related("installment").first()
    if allocation is not None and allocation.installment is not None:
        ids |= {"installment": allocation.installment.pk, "plan": allocation.installment.plan_id}
    return ids
