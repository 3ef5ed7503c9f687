"""Celery's way in: a look at every practice now and then, and at one when somebody opens the Dashboard."""

from __future__ import annotations

import logging
from typing import Any

from celery import shared_task
from kombu.exceptions import OperationalError

from core import clock
from leakage.refresh import refresh
from practices import rounds, tenancy
from practices.models import Practice

log = logging.getLogger(__name__)


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


def order_look(practice_id: int) -> None:
    """Somebody wants to see how it stands. When the broker is down, they see the last look."""
    try:
        rounds.wake(look_one, practice_id)
    except OperationalError:
        log.exception("Unable to order a look at practice %s", practice_id)
