"""How current what we hold of an office is, for people: the sync's numbers, and how long ago its plans were read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from core.calendar import at_hour, local_date
from opendental import features, listing, nightly, pacing, rotation
from opendental.models import Connection, GuarantorTurn, PlanToRead, SyncCycle
from payplans.models import PayPlan

SHOWN = 12
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_STALEST = 5
# Sentences for the ages of plans where they are read in turn: from the freshest to the stalest.
_BANDS = (("in the last hour", _HOUR), ("1 to 6 hours ago", 6 * _HOUR), ("6 to 24 hours ago", _DAY))


@dataclass(frozen=True)
class Hour:
    """The cycles of the last hour added up. `share`: percent of the requests that Open Dental allows; 0 = no limit."""

    cycles: int
    calls: int
    changed: int
    slowest: float
    oldest: timedelta | None
    share: int


@dataclass(frozen=True)
class Freshness:
    """What the page shows. `bands` and `stalest` only where plans are read in turn."""

    finds_changes: bool
    in_step_at: datetime | None
    open_plans: int
    waiting: int
    first_sync: bool
    compared_at: datetime | None
    next_comparison: datetime | None
    hour: Hour
    cycles: list[SyncCycle]
    bands: list[tuple[str, int]] = field(default_factory=list)
    stalest: list[PayPlan] = field(default_factory=list)
    without_plans_at: datetime | None = None


def of(connection: Connection, now: datetime) -> Freshness:
    plans = PayPlan.objects.open().filter(practice_id=connection.practice_id)
    waiting = PlanToRead.objects.filter(practice_id=connection.practice_id)
    finds = features.can_query(connection)
    unread = waiting.exclude(urgency=PlanToRead.Urgency.CHANGED).exists() and connection.in_step_at is None
    return Freshness(
        finds_changes=finds,
        in_step_at=connection.in_step_at if finds else rotation.oldest(connection.practice_id),
        open_plans=plans.count(),
        waiting=waiting.count(),
        first_sync=finds and (unread or not listing.is_over(connection)),
        compared_at=connection.fully_pulled_at,
        next_comparison=_next_comparison(connection, now) if finds else None,
        hour=_hour(connection, now),
        cycles=list(SyncCycle.objects.filter(practice_id=connection.practice_id).order_by("-began_at")[:SHOWN]),
        **({} if finds else _ages(connection, now)),
    )


def _next_comparison(connection: Connection, now: datetime) -> datetime:
    zone = connection.practice.zone
    today = local_date(now, zone)
    minutes = timedelta(minutes=nightly.minute_of(connection))
    tonight = at_hour(today, nightly.FIRST, zone) + minutes
    return tonight if now < tonight else at_hour(today + timedelta(days=1), nightly.FIRST, zone) + minutes


def _hour(connection: Connection, now: datetime) -> Hour:
    cycles = list(SyncCycle.objects.filter(practice_id=connection.practice_id, began_at__gt=now - _HOUR))
    calls = sum(cycle.calls for cycle in cycles)
    ages = [cycle.age_seconds for cycle in cycles if cycle.age_seconds is not None]
    interval = pacing.interval_of(connection.mode, connection.permissions)
    return Hour(
        cycles=len(cycles),
        calls=calls,
        changed=sum(cycle.changed for cycle in cycles),
        slowest=max((cycle.seconds for cycle in cycles), default=0.0),
        oldest=timedelta(seconds=max(ages)) if ages else None,
        share=min(100, round(100 * calls * interval / _HOUR.total_seconds())),
    )


def _ages(connection: Connection, now: datetime) -> dict[str, Any]:
    """Open plans by how long ago they were read, and those that waited longest."""
    plans = PayPlan.objects.open().filter(practice_id=connection.practice_id)
    bands, newer = [], now + _DAY
    for words, age in _BANDS:
        bands.append((words, plans.filter(synced_at__gt=now - age, synced_at__lte=newer).count()))
        newer = now - age
    bands.append(("longer ago", plans.filter(synced_at__lte=newer).count()))
    others = GuarantorTurn.objects.filter(practice_id=connection.practice_id, has_plans=False)
    first = None if others.filter(checked_at=None).exists() else others.order_by("checked_at").first()
    return {
        "bands": bands,
        "stalest": list(plans.select_related("patient").order_by("synced_at", "pk")[:_STALEST]),
        "without_plans_at": first.checked_at if first else None,
    }
