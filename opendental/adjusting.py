"""What a person does with a discount that is not in the ledger: look now, post it again, mark it as entered by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from payments.models import Alarm, LedgerAdjustment
from practices.models import Event

State = LedgerAdjustment.State


def hurry(row: LedgerAdjustment, *, actor: str, now: datetime) -> bool:
    """Bring the next look forward. An UNCLEAR one keeps its gap, because the gap proves something."""
    return _change(row, [State.QUEUED, State.POSTED, State.BY_HAND], "hurried", actor, now, next_at=now)


def again(row: LedgerAdjustment, *, actor: str, now: datetime) -> bool:
    """Somebody removed the cause: Open Dental is searched first, and only what is not there is sent once more."""
    moved = _change(
        row, [State.BY_HAND], "again", actor, now, state=State.UNCLEAR, searches=0, tries=0, state_reason="",
        sends=min(row.sends, 1), next_at=now,
    )  # fmt: skip
    if moved:
        Alarm.close(row.practice_id, key=row.alarm_key, now=now, actor="poster")
    return moved


def mark(row: LedgerAdjustment, *, reason: str, actor: str, now: datetime) -> bool:
    """Take a person's word that it is entered. `reason`: not empty. Nothing sends or compares it any more."""
    if not reason.strip():
        raise ValueError("a mark needs its reason")
    moved = _change(
        row, [State.BY_HAND], "marked", actor, now, text=reason, state=State.MARKED, state_reason=reason[:300]
    )
    if moved:
        Alarm.close(row.practice_id, key=row.alarm_key, now=now, actor="poster")
    return moved


def unmark(row: LedgerAdjustment, *, actor: str, now: datetime) -> bool:
    """It was a mistake: it waits for a person as before, with its alarm."""
    moved = _change(row, [State.MARKED], "unmarked", actor, now, state=State.BY_HAND, state_reason="", next_at=now)
    if moved:
        Alarm.raise_once(
            row.practice_id, kind="ADJUSTMENT_BY_HAND", key=row.alarm_key, text=row.steps, about=row.about, now=now
        )
    return moved


def _change(
    row: LedgerAdjustment, when: list[State], what: str, actor: str, now: datetime, text: str = "", **changes: Any
) -> bool:
    """Guarded like every move of the poster, with who asked for it."""
    with transaction.atomic():
        mine = LedgerAdjustment.objects.filter(pk=row.pk, state__in=when, claimed_at=row.claimed_at)
        moved = mine.update(**changes)
        if moved:
            Event.record(
                row.practice_id, kind=f"adjustment_{what}", actor=actor, now=now, about=row.about,
                text=text or row.reference,
            )  # fmt: skip
            row.refresh_from_db()
    return bool(moved)
