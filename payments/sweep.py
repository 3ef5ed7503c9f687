"""Finds due parts whose try has come and hands each to a worker. Any number of sweeps may run at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from payments import catch_up
from payments.models import DuePart

PAGE = 200
LEASE = timedelta(minutes=10)
# After an office or processor that could not be asked: soon enough for the day, rare enough to be no load.
PAUSE_AFTER_REFUSAL = timedelta(minutes=2)
LONGEST_PAUSE = timedelta(hours=1)


def _all(wanted: int) -> int:
    return wanted


def sweep(*, now: datetime, hand_over: Callable[[int], object], room: Callable[[int], int] = _all) -> int:
    """Lease the due parts of the practice in scope, page by page, and hand their ids over. Returns how many.

    `room` says how many of so many may go now; the others stay due for a later sweep.
    A hand-over that is lost costs one lease; one that comes twice is refused by the claim.
    """
    count = 0
    while page := _lease_page(now):
        fitting = page[: room(len(page))]
        for due_part_id in fitting:
            hand_over(due_part_id)
        count += len(fitting)
        if len(fitting) < len(page):
            catch_up.let_go(Q(pk__in=page[len(fitting) :]), now=now)
            break
    return count


def _lease_page(now: datetime) -> list[int]:
    with transaction.atomic(durable=True):
        # Another sweep's page is skipped, not waited for.
        due = DuePart.objects.due(now).select_for_update(skip_locked=True, of=("self",))[:PAGE]
        ids = [part.pk for part in catch_up.in_order(due, payer=lambda part: part.payer_id)]
        DuePart.objects.filter(pk__in=ids).update(leased_until=now + LEASE)
    return ids


def give_back(due_part_id: int) -> None:
    """The worker had no seat for it: the next sweep hands it over again."""
    DuePart.objects.filter(pk=due_part_id).update(leased_until=None)


def wait(due_part_id: int, *, reason: str, now: datetime) -> None:
    """The worker could not even ask: say why, and let a later sweep try, the more rarely the longer it has lasted."""
    parts = DuePart.objects.filter(pk=due_part_id)
    due_at = parts.values_list("next_try_at", flat=True).first() or now
    pause = min(LONGEST_PAUSE, max(PAUSE_AFTER_REFUSAL, (now - due_at) / 12))
    parts.update(wait_reason=reason[:200], leased_until=now + pause)
