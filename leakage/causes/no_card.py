"""An installment is overdue and no card stands behind its plan."""

from __future__ import annotations

from leakage.causes import installments
from leakage.models import Leak
from leakage.owed import Owed
from leakage.shape import Around, Button, Cause, Group


def _words(row: Owed, _around: Around) -> str:
    return f"plan {row.plan_num} · due {row.due_date:%b %-d}, no card attached"


CAUSE = Cause(
    name=Leak.Cause.NO_CARD,
    group=Group.CARDS,
    tone="bad",
    button=Button("Pay now", "pay_now", "installment"),
    closes="It closes when the payment is taken, here or in the office.",
    find=installments.finder(Leak.Cause.NO_CARD, _words),
    came_back=installments.came_back,
)
