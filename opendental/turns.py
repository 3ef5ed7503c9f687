"""One worker at a time for a job of a practice: a lock in Redis that a killed worker loses by itself."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from opendental.pacing import queue

# Longer than one request with its wait for the office's queue (opendental/pacing.py, client.py).
HELD_SECONDS = 300
_EXTEND = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('EXPIRE', KEYS[1], ARGV[2]) end return 0"
_LEAVE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


@dataclass(frozen=True)
class Turn:
    key: str
    token: str

    def extend(self) -> None:
        """Still at work: call it before every request. A turn that was lost is not taken from the worker who has it."""
        queue().eval(_EXTEND, 1, self.key, self.token, HELD_SECONDS)


@contextmanager
def only_one(job: str, practice_id: int) -> Iterator[Turn | None]:
    """Yields None when another worker has this job of the practice. Truth is guarded in the database as well."""
    turn = Turn(f"od:job:{job}:{practice_id}", uuid.uuid4().hex)
    mine = bool(queue().set(turn.key, turn.token, nx=True, ex=HELD_SECONDS))
    try:
        yield turn if mine else None
    finally:
        if mine:
            queue().eval(_LEAVE, 1, turn.key, turn.token)
