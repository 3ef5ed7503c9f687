"""Celery tasks of the sync and the poster: ids in, one call inward, a practice of its own each."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from core import clock
from opendental import learn, post, pull
from opendental.errors import OpenDentalError
from opendental.models import Connection
from practices import tenancy
from practices.models import Practice


def _practices() -> list[int]:
    return list(Practice.objects.filter(is_active=True).values_list("pk", flat=True))


@shared_task
def pull_all(**_: Any) -> None:
    for practice_id in _practices():
        pull_one.delay(practice_id=practice_id)


@shared_task
def pull_one(*, practice_id: int, **_: Any) -> str:
    """One cycle; an office that is away or slow delays nobody else."""
    with tenancy.scope(practice_id):
        if not Connection.objects.exists():
            return "not connected"
        return pull.pull(practice_id, clock.now()).problem


@shared_task
def post_all(**_: Any) -> None:
    for practice_id in _practices():
        post_one.delay(practice_id=practice_id)


@shared_task
def post_one(*, practice_id: int, **_: Any) -> int:
    with tenancy.scope(practice_id):
        if not Connection.objects.exists():
            return 0
        return post.post_due(practice_id, clock.now())


@shared_task
def learn_all(**_: Any) -> None:
    for practice_id in _practices():
        learn_one.delay(practice_id=practice_id)


@shared_task
def learn_one(*, practice_id: int, **_: Any) -> str:
    """Version, permissions and preferences again: offices update Open Dental when they like."""
    with tenancy.scope(practice_id):
        connection = Connection.objects.first()
        if connection is None:
            return "not connected"
        try:
            return " ".join(learn.learn(connection, now=clock.now()))
        except OpenDentalError as error:
            return error.reason
