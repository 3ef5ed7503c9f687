"""One look at a practice: what leaks now against what was known. Idempotent; nothing outside is asked."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import Count, Sum

from leakage import causes
from leakage.models import Leak, LeakDay
from leakage.shape import GONE, Around, Back, Cause, Found
from practices.models import Practice

_LOCK = zlib.crc32(b"leakage.refresh") & 0x7FFFFFFF
# Rows of one statement: an outage may close thousands of leaks at once.
_BATCH = 500
_FACTS = ("amount_cents", "most_cents", "words", "about", "since", "patient_id")


@dataclass
class Looked:
    """What one look did; `skipped`: another one was under way."""

    opened: int = 0
    changed: int = 0
    closed: int = 0
    skipped: bool = False


class Sums(NamedTuple):
    leaks: int
    cents: int


def refresh(practice_id: int, now: datetime) -> Looked:
    """Open, bring up to date and close leaks of a practice, and write the day's sums."""
    with transaction.atomic():
        if not _alone(practice_id):
            return Looked(skipped=True)
        around = Around(Practice.objects.get(pk=practice_id), now)
        looked = _compare(around, {one.key: (cause, one) for cause in causes.ALL for one in cause.find(around)})
        _keep_day(around)
        return looked


def _alone(practice_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [_LOCK, practice_id])
        row: tuple[bool] = cursor.fetchone()
    return row[0]


def _compare(around: Around, found: dict[str, tuple[Cause, Found]]) -> Looked:
    known = {leak.key: leak for leak in Leak.objects.open().filter(practice=around.practice)}
    new = [_opened(around, cause, one) for key, (cause, one) in found.items() if key not in known]
    Leak.objects.bulk_create(new, batch_size=_BATCH)
    changed = [leak for key, leak in known.items() if key in found and _take(leak, found[key][1])]
    Leak.objects.bulk_update(changed, [name.removesuffix("_id") for name in _FACTS], batch_size=_BATCH)
    gone = [leak for key, leak in known.items() if key not in found]
    _close(gone, around.now)
    return Looked(len(new), len(changed), len(gone))


def _opened(around: Around, cause: Cause, one: Found) -> Leak:
    return Leak(
        practice=around.practice, cause=cause.name, key=one.key, patient_id=one.patient_id, amount_cents=one.cents,
        most_cents=one.cents, paid_before_cents=one.paid_cents, words=one.words[:300], about=one.about,
        since=one.since, found_at=around.now,
    )  # fmt: skip


def _take(leak: Leak, one: Found) -> bool:
    """Bring it up to date; False when nothing is new. It never began later than was once known."""
    facts = (
        one.cents, max(leak.most_cents, one.cents), one.words[:300], one.about, min(leak.since, one.since),
        one.patient_id,
    )  # fmt: skip
    if facts == tuple(getattr(leak, name) for name in _FACTS):
        return False
    for name, value in zip(_FACTS, facts, strict=True):
        setattr(leak, name, value)
    return True


def _close(leaks: Sequence[Leak], now: datetime) -> None:
    backs = dict[int, Back]()
    for cause in causes.ALL:
        mine = [leak for leak in leaks if leak.cause == cause.name]
        backs |= cause.came_back(mine) if mine else {}
    for leak in leaks:
        back = backs.get(leak.pk, GONE)
        leak.closed_at, leak.outcome, leak.back_cents, leak.back_by = now, back.outcome, back.cents, back.by
    Leak.objects.bulk_update(leaks, ["closed_at", "outcome", "back_cents", "back_by"], batch_size=_BATCH)


def _keep_day(around: Around) -> None:
    """Snoozed ones leak all the same."""
    opened = Leak.objects.open().filter(practice=around.practice)
    rows = opened.values_list("cause").annotate(n=Count("pk"), cents=Sum("amount_cents"))
    by_cause = {cause: Sums(leaks, cents) for cause, leaks, cents in rows}
    total = Sums(sum(row.leaks for row in by_cause.values()), sum(row.cents for row in by_cause.values()))
    days = LeakDay.objects.filter(practice=around.practice, day=around.today)
    days.exclude(cause__in=["", *by_cause]).delete()
    LeakDay.objects.bulk_create(
        [
            LeakDay(
                practice=around.practice, day=around.today, cause=cause, leaks=row.leaks, cents=row.cents,
                looked_at=around.now,
            )
            for cause, row in {"": total, **by_cause}.items()
        ],
        update_conflicts=True,
        unique_fields=["practice", "day", "cause"],
        update_fields=["leaks", "cents", "looked_at"],
    )  # fmt: skip
