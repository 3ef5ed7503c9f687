"""A refund of discounted cash takes its share of the discount back out of the ledger (ADR 8). Rows only."""

from __future__ import annotations

from datetime import datetime

from payments.models import Alarm, LedgerAdjustment, Payment, Refund
from practices.models import Event

State = LedgerAdjustment.State


def follow(payment: Payment, now: datetime) -> None:
    """Bring the payment's adjustments in step with what has gone back of it; also after a refund that failed late.

    Under the payment's lock. Of each adjustment its share, rounded down, and all of it with the last cent.
    """
    back = Refund.refunded_cents(payment)
    for row in LedgerAdjustment.objects.filter(payment=payment).select_related("patient").order_by("pk"):
        returned = min(-row.amount_cents, -row.amount_cents * back // payment.amount_cents)
        if returned != row.returned_cents:
            _ask_for(row, returned, now)


def _ask_for(row: LedgerAdjustment, returned: int, now: datetime) -> None:
    """A worker that is at it just now sees the new amount before it calls the old one right (post_adjustment.py)."""
    mine = LedgerAdjustment.objects.filter(pk=row.pk)
    mine.update(returned_cents=returned)
    fresh = {"next_at": now, "tries": 0, "searches": 0}
    mine.filter(state=State.MATCHED).update(state=State.QUEUED, sends=0, matched_at=None, **fresh)
    # Staff were to enter the old amount: looked for first, since they may have.
    mine.filter(state=State.BY_HAND, adj_num=None).update(state=State.UNCLEAR, **fresh)
    mine.filter(state=State.BY_HAND).update(state=State.QUEUED, sends=0, **fresh)
    is_marked = mine.filter(state=State.MARKED).update(state=State.BY_HAND, **fresh)
    Alarm.close(row.practice_id, key=row.alarm_key, now=now, actor="refund")
    row.refresh_from_db()
    Event.record(
        row.practice_id, kind="adjustment_changes", actor="refund", now=now, about=row.about, text=row.reference,
        after={"cents": row.target_cents, "state": row.state},
    )  # fmt: skip
    if is_marked:
        # Entered in a way of their own, so only they can change it.
        Alarm.raise_once(
            row.practice_id, kind="ADJUSTMENT_BY_HAND", key=row.alarm_key, text=row.steps, about=row.about, now=now
        )
