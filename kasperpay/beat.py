"""The timetable's one sender: of any number of beats one holds a lease in Redis and sends, the others stand by.

Two beats at once would do no harm (every task checks for itself); the lease keeps them from doubling the load, and
its age is the heartbeat that /readyz looks at.
"""

from __future__ import annotations

import os
import socket
from functools import lru_cache
from typing import Any

import redis
import structlog
from celery.beat import PersistentScheduler
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

HOLDER, HEARTBEAT = "beat:holder", "beat:heartbeat"
# A beat that is gone is replaced after this; one that waits for a slow broker keeps its place.
LEASE_MS = 45_000
STAND_BY_SECONDS = 5.0
log = structlog.stdlib.get_logger(__name__)

# Mine already or free: hold it (again) and note the time by Redis's own clock. 1 = mine.
_HOLD = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('SET', KEYS[2], redis.call('TIME')[1])
return 1
"""
_LEAVE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


@lru_cache(maxsize=1)
def broker() -> Any:
    """Answers or fails within seconds: who asks knows what to do without it."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)
    )


def heartbeat_age() -> float | None:
    """Seconds since a beat last ticked; None when none ever did. Raises redis.RedisError."""
    with broker().pipeline(transaction=False) as both:
        both.time()
        both.get(HEARTBEAT)
        (seconds, _micros), seen = both.execute()
    return None if seen is None else max(0.0, float(seconds) - float(seen))


class Scheduler(PersistentScheduler):
    """Sends only while it holds the lease."""

    def __init__(self, *args: Any, **more: Any) -> None:
        # The same after a restart: a beat that was killed takes its lease up again at once.
        self.token = f"{socket.gethostname()}:{os.path.abspath(str(more.get('schedule_filename')))}"
        self.is_sending = False
        super().__init__(*args, **more)

    def tick(self, *args: Any, **more: Any) -> float:
        if not self._hold():
            return STAND_BY_SECONDS
        seconds: float = super().tick(*args, **more)
        return seconds

    def close(self) -> None:
        try:
            broker().eval(_LEAVE, 1, HOLDER, self.token)
        except redis.RedisError:
            log.warning("beat_lease_not_returned")
        super().close()

    def _hold(self) -> bool:
        try:
            mine = bool(broker().eval(_HOLD, 2, HOLDER, HEARTBEAT, self.token, LEASE_MS))
        except redis.RedisError:
            # Without the broker nothing could be sent either.
            log.warning("beat_has_no_broker")
            return False
        if mine != self.is_sending:
            self.is_sending = mine
            log.info("beat_sends" if mine else "beat_stands_by")
        return mine
