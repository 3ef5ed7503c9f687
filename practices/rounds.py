"""Rounds over all practices: each has at most one message of a task in the queue, so a backlog serves all in turn.

Without it a timetable that is faster than the workers fills the queue for ever, mostly with messages of the same.
"""

from __future__ import annotations

import functools
import logging
import random
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar

import redis

from core import broker

P = ParamSpec("P")
R = TypeVar("R")
log = logging.getLogger(__name__)
# A message that was lost (its worker was killed) is missed for so long; a slower round queues some practices twice.
_FORGOTTEN_SECONDS = 120
# Steps of priority in the workers' queue; a step is served only while no higher one has messages.
NEEDED, LATER = 0, 6


def hand_out(task: Any, practice_ids: Iterable[int], *, priority: int = LATER) -> int:
    """Queue `task` for each practice that isn't waiting in its queue. Returns how many were queued.

    All rounds have the same priority, or a slow one would leave the others none of the workers. The order is another
    each time: what only few can have at once (opendental/breaker.py) must not always be taken by the same.
    """
    new = _new(task.name, list(practice_ids))
    random.shuffle(new)
    for practice_id in new:
        task.apply_async(kwargs={"practice_id": practice_id}, priority=priority)
    return len(new)


def wake(task: Any, practice_id: int) -> None:
    """Queue `task` for a practice before all rounds, unless such a message waits already: one stands for all news."""
    if _new(_woken(task.name), [practice_id]):
        task.apply_async(kwargs={"practice_id": practice_id}, priority=NEEDED)


def one_in_queue(work: Callable[P, R]) -> Callable[P, R]:
    """For the function of such a task: as soon as it begins, the practice may be queued and woken again."""
    name = f"{work.__module__}.{work.__name__}"

    @functools.wraps(work)
    def begin(*args: P.args, **kwargs: P.kwargs) -> R:
        _forget(name, kwargs["practice_id"])
        return work(*args, **kwargs)

    return begin


def _new(name: str, practice_ids: list[int]) -> list[int]:
    try:
        pipe = broker.client().pipeline(transaction=False)
        for practice_id in practice_ids:
            pipe.set(_key(name, practice_id), 1, nx=True, ex=_FORGOTTEN_SECONDS)
        return [practice_id for practice_id, is_new in zip(practice_ids, pipe.execute(), strict=True) if is_new]
    except redis.RedisError:
        log.warning("no memory of what is queued for %s: every practice is queued", name)
        return practice_ids


def _forget(name: str, practice_id: object) -> None:
    try:
        broker.client().delete(_key(name, practice_id), _key(_woken(name), practice_id))
    except redis.RedisError:
        log.warning("practice %s can't be queued again for %s at once", practice_id, name)


def _woken(name: str) -> str:
    return f"{name}:woken"


def _key(name: str, practice_id: object) -> str:
    return f"round:{name}:{practice_id}"
