"""Celery's way in: charging what a patient agreed to on a link, and what lost calls left unfinished."""

from __future__ import annotations

import logging
from typing import Any

from celery import shared_task
from kombu.exceptions import OperationalError

from core import clock
from paylinks import charges, reminding, request_tries
from practices import rounds, tenancy
from practices.models import Practice

log = logging.getLogger(__name__)


@shared_task(name="paylinks.tasks.charge_one", queue="charges")
def charge_one(*, practice_id: int, charge_id: int, **_: Any) -> None:
    """One charge; run twice it charges once."""
    with tenancy.scope(practice_id):
        charges.run(charge_id, now=clock.now())


# Whoever pressed the button waits for it: later than that nothing is begun (paylinks/request_tries.py).
@shared_task(name="paylinks.tasks.pay_one", queue="charges", expires=120)
def pay_one(*, practice_id: int, try_id: int, **_: Any) -> None:
    """One press of Pay on a request; run twice it is one."""
    with tenancy.scope(practice_id):
        request_tries.run(try_id, now=clock.now())


@shared_task(name="paylinks.tasks.remind_all")
def remind_all(**_: Any) -> None:
    """Queue a pass for every practice."""
    rounds.hand_out(remind_one, Practice.objects.filter(is_active=True).values_list("pk", flat=True))


@shared_task(name="paylinks.tasks.remind_one")
@rounds.one_in_queue
def remind_one(*, practice_id: int, **_: Any) -> int:
    """Requests that nobody paid."""
    with tenancy.scope(practice_id):
        return reminding.remind_due(practice_id, now=clock.now())


@shared_task(name="paylinks.tasks.finish_all")
def finish_all(**_: Any) -> None:
    """Queue a pass for every practice."""
    rounds.hand_out(finish_one, Practice.objects.filter(is_active=True).values_list("pk", flat=True))


@shared_task(name="paylinks.tasks.finish_one")
@rounds.one_in_queue
def finish_one(*, practice_id: int, **_: Any) -> int:
    """Charges whose browser never came back, or whose task was lost."""
    with tenancy.scope(practice_id):
        request_tries.end_lost(practice_id, now=clock.now())
        return charges.finish_due(
            practice_id, now=clock.now(), hand_over=lambda charge_id: hand_over(practice_id, charge_id)
        )


def hand_over(practice_id: int, charge_id: int) -> None:
    """Give a charge to a worker. When the broker is down, `finish_all` does it later."""
    try:
        charge_one.delay(practice_id=practice_id, charge_id=charge_id)
    except OperationalError:
        log.exception("Unable to hand over link charge %s", charge_id)


def hand_over_try(practice_id: int, try_id: int) -> None:
    """Give a press of Pay to a worker. When the broker is down, it is ended after some minutes and nothing charged."""
    try:
        pay_one.delay(practice_id=practice_id, try_id=try_id)
    except OperationalError:
        log.exception("Unable to hand over request try %s", try_id)
