"""An installment was declined and is tried again by itself."""

from __future__ import annotations

from core.calendar import local_date
from leakage.causes import installments
from leakage.models import Leak
from leakage.owed import Owed
from leakage.shape import Around, Button, Cause, Group


def _words(row: Owed, around: Around) -> str:
    told = f"plan {row.plan_num} · {row.last_reason or 'declined'}"
    if row.next_try_at is None:
        return f"{told}, no further try"
    return f"{told}, next try {local_date(row.next_try_at, around.practice.zone):%b %-d}"


CAUSE = Cause(
    name=Leak.Cause.FAILED,
    group=Group.CARDS,
    tone="warn",
    button=Button("Pay now", "pay_now", "installment"),
    closes="It closes when the payment is taken, here or in the office, or the plan is closed.",
    find=installments.finder(Leak.Cause.FAILED, _words),
    came_back=installments.came_back,
)
