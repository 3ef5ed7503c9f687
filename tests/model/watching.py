"""Compares what the real functions did with what paper says, at every single step of a walk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from notifications.models import Kind, Message
from payments.models import Alarm, Allocation, Attempt, LedgerPosting, Payment
from practices.models import Event
from processors.port import Outcome
from tests.model.paper import Table

Settle = Callable[..., bool]


class Differs(BaseException):
    """The code did something else than paper says. No broad catch of the product may swallow it."""


def written() -> Counter[str]:
    """How many of each effect there are."""
    return Counter({
        "payment": Payment.objects.count(), "allocation": Allocation.objects.count(),
        "posting": LedgerPosting.objects.count(),
        "receipt": Message.objects.filter(kind=Kind.PAYMENT_SUCCESSFUL).count(),
        "verdict": Event.objects.filter(kind="payment_declined").count(),
        "alarm": Alarm.objects.filter(kind="CONTRADICTION").count(),
    })  # fmt: skip


def judge(table: Table, before: str, news: str, after: str, effects: set[str]) -> None:
    """Raises Differs unless `after` and `effects` are what the table's cell says."""
    cell = table[before, news]
    if after != (cell.state or before):
        raise Differs(f"{before} × {news}: paper says {cell.state or 'it stays'}, the code made it {after}")
    if effects != set(cell.effects):
        raise Differs(f"{before} × {news}: paper says {sorted(cell.effects)}, the code wrote {sorted(effects)}")


def watched(settle: Settle, table: Table) -> Settle:
    """settle(), compared with the table each time it is called, whoever calls it."""

    def watching(attempt_id: int, outcome: Outcome, **more: Any) -> bool:
        before, had = Attempt.objects.get(pk=attempt_id).state, written()
        told = Alarm.objects.filter(kind="CONTRADICTION", closed_at=None).count()
        changed = settle(attempt_id, outcome, **more)
        after, news = Attempt.objects.get(pk=attempt_id).state, type(outcome).__name__
        effects = {name for name, count in (written() - had).items() if count}
        cell = table[before, news]
        # The same contradiction is told once, however often it is heard.
        if "alarm" in cell.effects and told:
            effects |= {"alarm"} if _is_told(attempt_id, news) else set()
        judge(table, before, news, after, effects)
        if changed != (after != before):
            raise Differs(f"{before} × {news}: settle() said {changed}")
        return changed

    return watching


def _is_told(attempt_id: int, news: str) -> bool:
    return Alarm.objects.filter(key=f"contradiction:{attempt_id}:{news}", closed_at=None).exists()
