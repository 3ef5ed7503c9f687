"""Celery tasks of the sync and the poster: ids in, one call inward, a practice of its own each."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from core import clock
from opendental import breaker, learn, plan_orders, post, pull
from opendental.errors import OpenDentalError
from opendental.models import Connection
from practices import rounds, tenancy
from practices.models import Practice


def _practices() -> list[int]:
    return list(Practice.objects.filter(is_active=True).values_list("pk", flat=True))


@shared_task
def pull_all(**_: Any) -> None:
    rounds.hand_out(pull_one, _practices())


@shared_task
@rounds.one_in_queue
def pull_one(*, practice_id: int, **_: Any) -> str:
    """One cycle; an office that is away or slow delays nobody else."""
    with tenancy.scope(practice_id):
        connection, now = Connection.objects.first(), clock.now()
        if connection is None:
            return "not connected"
        return breaker.probe(connection, now=now) or pull.pull(practice_id, now).problem


@shared_task
def post_all(**_: Any) -> None:
    rounds.hand_out(post_one, _practices())


@shared_task
@rounds.one_in_queue
def post_one(*, practice_id: int, **_: Any) -> int:
    with tenancy.scope(practice_id):
        connection, now = Connection.objects.first(), clock.now()
        if connection is None or breaker.holds_postings(connection, now=now):
            return 0
        # Somebody stands at the desk and waits for these.
        return plan_orders.work_through(practice_id, now=now) + post.post_due(practice_id, now)


@shared_task
def learn_all(**_: Any) -> None:
    rounds.hand_out(learn_one, _practices())


@shared_task
@rounds.one_in_queue
def learn_one(*, practice_id: int, **_: Any) -> str:
    """Version, permissions and preferences again: offices update Open Dental when they like."""
    with tenancy.scope(practice_id):
        connection = Connection.objects.first()
        if connection is None:
            return "not connected"
        if connection.failures:
            return breaker.refusal(connection, clock.now())
        try:
            return " ".join(learn.learn(connection, now=clock.now()))
        except OpenDentalError as error:
            return error.reason
