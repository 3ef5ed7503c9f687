"""After an outage: what will run, in which order and when, so that nobody has to start it again or charge by hand.

Nothing here runs anything: the sweep, the poster and the sender do, in this order and at this pace.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import transaction
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from notifications import zones
from notifications.models import Message
from payments.models import DuePart, LedgerPosting
from practices.models import PaymentSettings, Practice
from processors.limits import CALLS_PER_SECOND

T = TypeVar("T")
# Longer than any lease, so that what is leased or waits for its next hand-over is counted too.
_LEASES = timedelta(hours=2)


@dataclass(frozen=True)
class Pace:
    """Seconds that one posting and one charge take at the office; 0 = it keeps no pace of its own."""

    posting_seconds: float = 0.0
    charge_seconds: float = 0.0


@dataclass(frozen=True)
class Step:
    """One kind of work: how much (`cents` without refunds), and from when until when (UTC, estimated)."""

    count: int
    cents: int
    begins_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Turn:
    """One due payment in its place."""

    due_part: DuePart
    at: datetime


@dataclass(frozen=True)
class Plan:
    """Postings first, for their money is taken already; then charges; texts never at night."""

    postings: Step
    charges: Step
    turns: list[Turn]
    messages: int
    texts_from: datetime

    @property
    def is_empty(self) -> bool:
        return not (self.postings.count or self.charges.count or self.messages)


def plan(practice: Practice, *, begins_at: datetime, pace: Pace, shown: int) -> Plan:
    """What is due at `begins_at`, when both the office and the processor answer from then on. `shown` turns are listed.

    For the practice in scope.
    """
    taken = unposted(practice.pk).filter(amount_cents__gt=0).aggregate(cents=Coalesce(Sum("amount_cents"), 0))["cents"]
    postings = unposted(practice.pk).count()
    posted_by = begins_at + timedelta(seconds=postings * pace.posting_seconds)
    due = DuePart.objects.due(begins_at + _LEASES).filter(practice=practice, next_try_at__lte=begins_at)
    rows = in_order(due.values_list("pk", "payer_id", "amount_cents"), payer=lambda row: row[1])
    each = max(1 / CALLS_PER_SECOND, pace.charge_seconds)
    charged_by = posted_by + timedelta(seconds=len(rows) * each)
    return Plan(
        Step(postings, taken, begins_at, posted_by),
        Step(len(rows), sum(cents for _, _, cents in rows), posted_by, charged_by),
        _turns([pk for pk, _, _ in rows[:shown]], posted_by, each),
        Message.objects.filter(practice=practice, state=Message.State.QUEUED).count(),
        _texts_from(practice, posted_by),
    )


def in_order(rows: Iterable[T], *, payer: Callable[[T], int]) -> list[T]:
    """Everybody's oldest payment before anybody's second: nobody is charged three times in a row. Else as they come."""
    seen: Counter[int] = Counter()
    placed: list[tuple[int, T]] = []
    for row in rows:
        placed.append((seen[payer(row)], row))
        seen[payer(row)] += 1
    return [row for _, row in sorted(placed, key=lambda pair: pair[0])]


def _turns(part_ids: list[int], begins_at: datetime, each: float) -> list[Turn]:
    parts = DuePart.objects.select_related("payer", "installment__plan").in_bulk(part_ids)
    return [Turn(parts[pk], begins_at + timedelta(seconds=place * each)) for place, pk in enumerate(part_ids)]


def unposted(practice_id: int) -> QuerySet[LedgerPosting]:
    """Postings, refunds too, that go on by themselves once the office answers."""
    State = LedgerPosting.State
    on_their_way = [State.QUEUED, State.SENDING, State.UNCLEAR, State.POSTED]
    return LedgerPosting.objects.filter(practice=practice_id, state__in=on_their_way)


def _texts_from(practice: Practice, at: datetime) -> datetime:
    """By the practice's clock; a patient in another zone gets it by theirs (notifications/ways.py)."""
    hours = PaymentSettings.objects.get(practice=practice)
    return zones.allowed_from(at, (practice.zone,), hours.quiet_from_hour, hours.quiet_until_hour)


def let_go(because: Q, *, now: datetime) -> int:
    """Due parts of the practice in scope that waited for this may be handed over by the next sweep. How many.

    One that somebody is at work on is left out and comes when its lease ends: whoever locks several parts in an order
    of their own must never wait for this one, nor this for them.
    """
    waiting = DuePart.objects.filter(because, state=DuePart.State.OPEN, leased_until__gt=now)
    with transaction.atomic():
        free = waiting.select_for_update(skip_locked=True, no_key=True).values_list("pk", flat=True)
        return DuePart.objects.filter(pk__in=list(free)).update(leased_until=None)
