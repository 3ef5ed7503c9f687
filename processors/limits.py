"""The pace of calls to each processor account, shared by all workers through Redis.

Source: Stripe, "Rate limits": 25 requests a second on one endpoint of an account. Redis only plans: without it every
call goes out at once, and the processor's own "slow down" (429) with our pauses keeps the pace (stripe/account.py).
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections import deque
from functools import lru_cache
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from processors.models import ProcessorAccount

logger = logging.getLogger(__name__)

CALLS_PER_SECOND = 25
# A little slower than allowed: calls arrive at the processor less evenly than they leave. Room for one in a second.
MARGIN = 1.04
# How far ahead a sweep gives its charges a time. Longer than the beat's pause, so that the lane never runs empty.
HORIZON_SECONDS = 45.0
# A call that would wait longer goes out anyway: an attempt is open while it waits.
LONGEST_WAIT_SECONDS = 10.0
# After a failure Redis is left alone for so long: a call must not wait for its timeout each time.
_SULK_SECONDS = 5.0
# No place lies farther ahead, in µs: such a one was given before the clock of Redis was set back, and counts no more.
_FARTHEST = 120_000_000
_silent_until = 0.0

_NOW = f"""
local t = redis.call('TIME'); local now = t[1] * 1000000 + t[2]
local free = tonumber(redis.call('GET', KEYS[1]) or '0')
if free > now + {_FARTHEST} then free = 0 end
"""
# Takes up to ARGV[1] places, ARGV[2] µs apart, that begin within ARGV[3] µs. Returns how many, and µs to the first.
_TAKE = """
free = math.max(now, free)
local wanted, apart, ahead = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local count = math.min(wanted, math.floor((now + ahead - free) / apart) + 1)
if count < 1 then return {0, 0} end
local after = free + count * apart
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000) + 1000)
return {count, free - now}
"""
# Nobody takes a place before ARGV[1] µs from now.
_PUSH = """
free = math.max(now + tonumber(ARGV[1]), free)
redis.call('SET', KEYS[1], string.format('%.0f', free), 'PX', math.ceil((free - now) / 1000) + 1000)
"""


class Lane:
    """One account's places in time. `endpoint` is "create", "confirm", "refund" …; each has the limit for itself."""

    def __init__(self, account: ProcessorAccount, endpoint: str) -> None:
        named = f"{account.base_url}|{account.secret_key}|{account.account}"
        self.key = f"processor:{hashlib.sha256(named.encode()).hexdigest()[:24]}:{endpoint}"

    def wait(self) -> None:
        """Sleep until it is this call's turn; at once when Redis is away or the lane is full."""
        taken = self.take(1, LONGEST_WAIT_SECONDS)
        if taken is not None and taken[1] > 0:
            time.sleep(taken[1])

    def push(self, seconds: float) -> None:
        """The processor said "slow down": nobody's turn comes before this pause is over."""
        _ask(_PUSH, self.key, int(seconds * 1e6))

    def take(self, wanted: int, ahead_seconds: float) -> tuple[int, float] | None:
        """(how many of the places are taken now, seconds to the first); None without Redis."""
        answer = _ask(_TAKE, self.key, wanted, _apart(), int(ahead_seconds * 1e6))
        return None if answer is None else (int(answer[0]), int(answer[1]) / 1e6)


class Pace:
    """Times for a sweep's charges: `book` as many as fit, then give them out with `next_wait`."""

    def __init__(self, account: ProcessorAccount | None) -> None:
        self._lane = Lane(account, "charge") if account else None
        self._waits: deque[float] = deque()

    def book(self, wanted: int) -> int:
        """How many of these may be handed over now; the rest is for a later sweep."""
        taken = self._lane.take(wanted, HORIZON_SECONDS) if self._lane else None
        if taken is None:
            return wanted
        count, first = taken
        self._waits.extend(first + number * _apart() / 1e6 for number in range(count))
        return count

    def next_wait(self) -> float:
        """Seconds from now to the next booked time; 0 when nothing was booked."""
        return self._waits.popleft() if self._waits else 0.0


def _apart() -> int:
    return round(1_000_000 * MARGIN / CALLS_PER_SECOND)


def _ask(script: str, key: str, *values: float) -> Any:
    """What the script answers; None when Redis is away."""
    global _silent_until
    if time.monotonic() < _silent_until:
        return None
    try:
        return _redis().eval(_NOW + script, 1, key, *values)
    except redis.RedisError as error:
        _silent_until = time.monotonic() + _SULK_SECONDS
        logger.warning("No pace without Redis (%s): the processor itself slows us down", type(error).__name__)
        return None


@lru_cache(maxsize=1)
def _redis() -> Any:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)
    )
