"""What people do about a leak besides its button: take it, hand it back, snooze it, write a note. None closes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction

from core.calendar import at_hour
from leakage.models import Leak
from practices.models import Event, Practice, User


def take(practice: Practice, ids: Sequence[int], user: User, *, now: datetime, actor: str) -> int:
    """Make these open leaks somebody's; returns how many were not theirs before."""
    return _own(practice, ids, user, "taken", f"{user.name} takes care of it", now=now, actor=actor)


def hand_back(practice: Practice, ids: Sequence[int], *, now: datetime, actor: str) -> int:
    return _own(practice, ids, None, "handed_back", "Nobody takes care of it now", now=now, actor=actor)


def _own(
    practice: Practice, ids: Sequence[int], user: User | None, kind: str, text: str, *, now: datetime, actor: str
) -> int:
    with transaction.atomic():
        rows = [leak for leak in _open(practice, ids) if leak.owner_id != (user.pk if user else None)]
        Leak.objects.filter(pk__in=[leak.pk for leak in rows]).update(owner=user)
        _tell(rows, f"leak_{kind}", text, now=now, actor=actor)
    return len(rows)


def snooze(practice: Practice, ids: Sequence[int], until: date, reason: str, *, now: datetime, actor: str) -> int:
    """Leave these open leaks out of the list until that practice-local day begins. Returns how many."""
    with transaction.atomic():
        rows = _open(practice, ids)
        Leak.objects.filter(pk__in=[leak.pk for leak in rows]).update(
            snoozed_until=at_hour(until, 0, practice.zone), snooze_reason=reason
        )
        _tell(rows, "leak_snoozed", f"Snoozed until {until:%b %-d}: {reason}", now=now, actor=actor)
    return len(rows)


def wake(practice: Practice, ids: Sequence[int], *, now: datetime, actor: str) -> int:
    with transaction.atomic():
        rows = [leak for leak in _open(practice, ids) if leak.snoozed_until]
        Leak.objects.filter(pk__in=[leak.pk for leak in rows]).update(snoozed_until=None, snooze_reason="")
        _tell(rows, "leak_woken", "Back on the list", now=now, actor=actor)
    return len(rows)


def note(leak: Leak, text: str, *, now: datetime, actor: str) -> None:
    _tell([leak], "leak_note", text, now=now, actor=actor)


def _open(practice: Practice, ids: Sequence[int]) -> list[Leak]:
    rows = Leak.objects.open().filter(practice=practice, pk__in=ids)
    return list(rows.select_for_update(of=("self",)).order_by("pk"))


def _tell(rows: Sequence[Leak], kind: str, text: str, *, now: datetime, actor: str) -> None:
    for leak in rows:
        Event.record(
            leak.practice_id, kind=kind, actor=actor, now=now, text=text,
            about={"leak": leak.pk, **({"patient": leak.patient_id} if leak.patient_id else {})},
        )  # fmt: skip
