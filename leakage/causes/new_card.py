"""The card of a plan will never pay again: nothing is tried until there is another."""

from __future__ import annotations

from leakage.causes import installments
from leakage.models import Leak
from leakage.owed import Owed
from leakage.shape import Around, Button, Cause, Group


def _words(row: Owed, _around: Around) -> str:
    return f"plan {row.plan_num} · {row.hold_reason or row.last_reason or 'the card must be replaced'}"


CAUSE = Cause(
    name=Leak.Cause.NEW_CARD,
    group=Group.CARDS,
    tone="bad",
    button=Button("Attach a card", "attach_card", "plan"),
    closes="It closes when another card pays, or the payment is taken in the office.",
    find=installments.finder(Leak.Cause.NEW_CARD, _words),
    came_back=installments.came_back,
)
