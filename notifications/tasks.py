"""Celery's way in: one task a practice, so that a slow carrier account delays nobody else."""

from __future__ import annotations

import logging
from datetime import datetime

from celery import shared_task

from core import clock
from notifications import lookup, send
from practices import rounds, tenancy
from practices.models import Practice

log = logging.getLogger(__name__)


@shared_task(name="notifications.tasks.send_all")
def send_all() -> None:
    """Queue a pass for every practice."""
    rounds.hand_out(send_one, Practice.objects.filter(is_active=True).values_list("pk", flat=True))


@shared_task(name="notifications.tasks.send_one")
@rounds.one_in_queue
def send_one(*, practice_id: int) -> None:
    """One pass: texts in doubt first, since a resend must wait for them. Running twice at once is harmless."""
    run(practice_id, clock.now())


def run(practice_id: int, now: datetime) -> dict[str, int]:
    """One pass for one practice: how many were found at the carrier, how many it took."""
    with tenancy.scope(practice_id):
        send.give_up_leases(practice_id, now)
        found = lookup.look_up_due(practice_id, now)
        sent = send.send_due(practice_id, now)
    if found or sent:
        log.info("practice %s: %s messages sent, %s found at the carrier", practice_id, sent, found)
    return {"sent": sent, "found": found}
