"""The plan asks for more than the patient agreed to: held until they agree anew."""

from __future__ import annotations

from leakage.causes import installments
from leakage.models import Leak
from leakage.owed import Owed
from leakage.shape import Around, Button, Cause, Group


def _words(row: Owed, _around: Around) -> str:
    return f"plan {row.plan_num} · {row.hold_reason or 'above the agreed maximum'}"


CAUSE = Cause(
    name=Leak.Cause.PLAN_CHANGED,
    group=Group.CARDS,
    tone="warn",
    button=Button("Ask again", "ask_consent", "plan"),
    closes="It closes when the patient has agreed to the new amount and it is paid.",
    find=installments.finder(Leak.Cause.PLAN_CHANGED, _words),
    came_back=installments.came_back,
)
