"""Celery's way in: a look at every practice now and then, and at one when somebody opens the Dashboard."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from core import clock
from leakage.refresh import refresh
from practices import rounds, tenancy
from practices.models import Practice


@shared_task(name="leakage.tasks.look_all")
def look_all(**_: Any) -> None:
    """Queue a look for every practice."""
    rounds.hand_out(look_one, Practice.objects.filter(is_active=True).values_list("pk", flat=True))


@shared_task(name="leakage.tasks.look_one")
@rounds.one_in_queue
def look_one(*, practice_id: int, **_: Any) -> int:
    """Returns how many leaks were opened, changed or closed."""
    with tenancy.scope(practice_id):
        looked = refresh(practice_id, clock.now())
    return looked.opened + looked.changed + looked.closed
