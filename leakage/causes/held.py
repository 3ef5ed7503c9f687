"""Autopay waits for a person or for Open Dental: arrears, a missed charge run, something staff must look at."""

from __future__ import annotations

from leakage.causes import installments
from leakage.models import Leak
from leakage.owed import Owed
from leakage.shape import Around, Button, Cause, Group
from payments.models import DuePart


def _words(row: Owed, _around: Around) -> str:
    return f"plan {row.plan_num} · {row.hold_reason or DuePart.Hold(row.hold).label}"


CAUSE = Cause(
    name=Leak.Cause.HELD,
    group=Group.CARDS,
    tone="warn",
    button=Button("Pay now", "pay_now", "installment"),
    closes="It closes when the payment is taken or nothing holds it any more.",
    find=installments.finder(Leak.Cause.HELD, _words),
    came_back=installments.came_back,
)
