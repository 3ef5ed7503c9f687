"""One queue per office key over all processes: Open Dental's minimum interval, and nobody waits for a silent office.

The queue lives in Redis and forgets nothing that matters: lost data only means that Open Dental itself slows us down.
Pace: Open Dental's "API Specification", throttling of remote calls by the permissions of the key.
"""

from __future__ import annotations

import hashlib
import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis

from core import broker
from opendental.errors import Busy, OpenDentalError, Throttled
from opendental.models import Connection

log = logging.getLogger(__name__)
# Longer than one request may take, so that a killed process frees the office's turn.
_HELD_MS = 80_000
# Seconds a request may wait for its turn: a thread that waits serves nobody. Urgent ones get more.
_POLL_WAITS, _URGENT_WAITS = 10.0, 30.0
# Milliseconds without an answer after which no second request is sent after the first.
_POLL_SILENT_MS, _URGENT_SILENT_MS = 2_000, 5_000
# Requests at once to an office that keeps no pace (API service in the office).
_AT_ONCE = 4
_POLL = 0.05
_SILENT = -1

# One turn: refused for good (-1) or with the milliseconds to wait, or granted with 0.
# KEYS: requests on the wire (score = start), earliest next start, urgent tickets that let polling wait. What lies
# farther ahead than any of them can (no answer asks for more than ten minutes) is older than a clock set back.
_TAKE = """
local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], now + 1000, '+inf')
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
redis.call('ZREMRANGEBYSCORE', KEYS[3], now + 4000, '+inf')
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if oldest[2] and now - tonumber(oldest[2]) > tonumber(ARGV[5]) then return -1 end
if ARGV[2] == '1' then redis.call('ZADD', KEYS[3], now + 3000, ARGV[1]); redis.call('PEXPIRE', KEYS[3], 10000)
elseif redis.call('ZCARD', KEYS[3]) > 0 then return 50 end
local free = tonumber(redis.call('GET', KEYS[2]) or '0')
if free > now and free < now + 660000 then return free - now end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[6]) then return 50 end
redis.call('ZADD', KEYS[1], now, ARGV[1]); redis.call('PEXPIRE', KEYS[1], ARGV[3])
if tonumber(ARGV[4]) > 0 then redis.call('SET', KEYS[2], now + ARGV[4], 'PX', ARGV[4] + 1000) end
redis.call('ZREM', KEYS[3], ARGV[1])
return 0
"""
# Nobody starts before ARGV[1] ms from now, by the clock that the turns go by.
_HEED = """
local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('SET', KEYS[1], now + ARGV[1], 'PX', ARGV[1] + 1000)
"""


@dataclass(frozen=True)
class Lane:
    """An office's queue; `interval` is seconds between request starts, 0 = unthrottled, several at once."""

    office: str
    interval: float
    urgent: bool


def lane_of(connection: Connection, *, urgent: bool) -> Lane:
    digest = hashlib.sha256(f"{connection.base_url}|{connection.customer_key}".encode()).hexdigest()[:24]
    return Lane(digest, interval_of(connection.mode, connection.permissions), urgent)


def interval_of(mode: str, permissions: list[str]) -> float:
    """Seconds between requests that Open Dental asks of this key."""
    if mode != Connection.Mode.REMOTE:
        return 0.0
    if "ApiEnterprise" in permissions:
        return 0.5
    return 1.0 if set(permissions) - {"ApiReadAll"} else 5.0


def queue() -> Any:
    return broker.client()


@contextmanager
def turn(lane: Lane, label: str) -> Iterator[None]:
    """Wait for the office's turn and hold it. Raises Busy when that would take too long."""
    ticket = uuid.uuid4().hex
    keys = _keys(lane)
    _wait(lane, keys, ticket, label)
    try:
        yield
    finally:
        _leave(keys, ticket)


def _wait(lane: Lane, keys: list[str], ticket: str, label: str) -> None:
    give_up = time.monotonic() + (_URGENT_WAITS if lane.urgent else _POLL_WAITS)
    while wait := _try(lane, keys, ticket):
        if wait == _SILENT:
            raise Busy(label, retry_after=5, explanation="It has not answered an earlier request yet.")
        if time.monotonic() + wait > give_up:
            raise Busy(label, retry_after=max(lane.interval, wait), explanation="Other requests are before this one.")
        # An urgent ticket must renew itself, so nobody sleeps long.
        time.sleep(max(_POLL, min(wait, 1.0)))


def _try(lane: Lane, keys: list[str], ticket: str) -> float:
    """Seconds to wait before asking again; 0 = it is our turn; _SILENT = the office doesn't answer."""
    silent_ms = _URGENT_SILENT_MS if lane.urgent else _POLL_SILENT_MS
    size = 1 if lane.interval else _AT_ONCE
    arguments = (ticket, int(lane.urgent), _HELD_MS, int(lane.interval * 1000), silent_ms, size)
    try:
        answer = int(queue().eval(_TAKE, len(keys), *keys, *arguments))
    except redis.RedisError:
        # Without the queue each process keeps the pace for itself; Open Dental holds back what is too fast.
        log.warning("pacing queue unavailable, keeping the pace in this process")
        time.sleep(lane.interval)
        return 0.0
    return answer if answer == _SILENT else answer / 1000


def _leave(keys: list[str], ticket: str) -> None:
    try:
        queue().zrem(keys[0], ticket)
    except redis.RedisError:
        log.warning("pacing queue unavailable, the turn ends by itself")


def heed(lane: Lane, error: OpenDentalError) -> None:
    """Let every process wait as long as a 429 answer asked for."""
    if not isinstance(error, Throttled):
        return
    try:
        queue().eval(_HEED, 1, _keys(lane)[1], int(error.retry_after * 1000))
    except redis.RedisError:
        log.warning("pacing queue unavailable, a request to slow down is lost")


def _keys(lane: Lane) -> list[str]:
    return [f"od:{lane.office}:{part}" for part in ("wire", "free", "urgent")]
