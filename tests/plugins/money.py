"""Fixtures of the money path: handlers that stand in for the higher apps, and a count of everything it writes."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import datetime

import pytest

from notifications.models import Message
from payments import upward
from payments.models import Alarm, Allocation, Attempt, DueCheck, DuePart, LedgerPosting, Payment
from practices.models import Event, Practice

COUNTED = {
    "attempts": Attempt, "payments": Payment, "allocations": Allocation, "postings": LedgerPosting,
    "messages": Message, "events": Event, "alarms": Alarm,
}  # fmt: skip


@pytest.fixture
def nudged(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Open Dental answers every recheck with "still owed", links are plain nonces; returns who was nudged."""
    calls: list[int] = []
    monkeypatch.setattr(upward.handlers, "recheck", confirm_owed)
    monkeypatch.setattr(upward.handlers, "fix_link", lambda _part, _now: uuid.uuid4())
    monkeypatch.setattr(upward.handlers, "nudge", calls.append)
    monkeypatch.setattr(upward.handlers, "autopay_refusal", lambda _plan: "")
    return calls


def confirm_owed(due_part_id: int, now: datetime) -> None:
    """A recheck that found everything as before."""
    part = DuePart.objects.get(pk=due_part_id)
    DueCheck.objects.update_or_create(
        due_part=part,
        defaults={"practice_id": part.practice_id, "checked_at": now, "owed_cents": part.amount_cents, "obstacle": ""},
    )


class Ledger:
    """Counts rows, so that a test can say exactly what was written: `wrote(payments=1, events=1)` and nothing else."""

    def __init__(self) -> None:
        self.before = self.count()

    def count(self) -> Counter[str]:
        return Counter({name: model.objects.count() for name, model in COUNTED.items()})  # type: ignore[attr-defined]

    def wrote(self, **expected: int) -> None:
        """Exactly these new rows since the last look; then looks from here on."""
        after = self.count()
        new = {name: after[name] - self.before[name] for name in COUNTED if after[name] != self.before[name]}
        assert new == expected
        self.before = after


@pytest.fixture
def ledger(practice: Practice, nudged: list[int]) -> Ledger:
    return Ledger()
