"""Celery's way in: handing a payment to a reader, looking at it, and the round over what nobody looks at any more."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from celery import shared_task
from django.db.models import Q
from kombu.exceptions import OperationalError

from core import clock
from practices import rounds, tenancy
from practices.models import Practice
from terminals import sweeping, taking
from terminals.models import ReaderRun

log = logging.getLogger(__name__)


# Dropped when it waited longer than anybody stands at a counter; the sweeper then says so.
@shared_task(name="terminals.tasks.take_one", queue="charges", expires=120)
def take_one(*, practice_id: int, run_id: int, **_: Any) -> str:
    """Hand one payment to its reader; run twice it is handed over once."""
    with tenancy.scope(practice_id):
        return taking.carry_out(run_id, now=clock.now())


@shared_task(name="terminals.tasks.watch_one", expires=30)
def watch_one(*, practice_id: int, run_id: int, **_: Any) -> str:
    with tenancy.scope(practice_id):
        return taking.watch(run_id, now=clock.now())


@shared_task(name="terminals.tasks.sweep_all")
def sweep_all(**_: Any) -> None:
    """Queue a round for every practice."""
    rounds.hand_out(sweep_one, Practice.objects.filter(is_active=True).values_list("pk", flat=True))


@shared_task(name="terminals.tasks.sweep_one")
@rounds.one_in_queue
def sweep_one(*, practice_id: int, **_: Any) -> int:
    with tenancy.scope(practice_id):
        return sweeping.sweep(practice_id, now=clock.now())


def look_soon(run: ReaderRun) -> None:
    """Somebody watches the screen: have the reader looked at, every few seconds at most. Losing it costs time only."""
    real_now = datetime.now(UTC)
    stale = Q(looked_at=None) | Q(looked_at__lt=real_now - sweeping.LOOK_EVERY)
    if run.attempt_id and ReaderRun.objects.filter(stale, pk=run.pk).update(looked_at=real_now):
        try:
            watch_one.delay(practice_id=run.practice_id, run_id=run.pk)
        except OperationalError:
            log.warning("Reader run %s waits for the round: the queue is away", run.pk)
