"""One queue per office key over all processes: one request at a time, with Open Dental's minimum interval.

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
from functools import lru_cache
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from opendental.errors import OpenDentalError, Throttled
from opendental.models import Connection

log = logging.getLogger(__name__)
# Longer than one request may take, so that a killed process frees the office's turn.
_HELD_MS = 100_000
_LONGEST_WAIT = 120.0
_POLL = 0.05

# One turn: refused with the milliseconds to wait, or granted with 0. A waiting urgent ticket lets polling wait.
_TAKE = """
local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
if ARGV[2] == '1' then redis.call('ZADD', KEYS[3], now + 3000, ARGV[1]); redis.call('PEXPIRE', KEYS[3], 10000)
elseif redis.call('ZCARD', KEYS[3]) > 0 then return 50 end
if redis.call('EXISTS', KEYS[1]) == 1 then return 50 end
local free = tonumber(redis.call('GET', KEYS[2]) or '0')
if free > now then return free - now end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
redis.call('SET', KEYS[2], now + ARGV[4], 'PX', ARGV[4] + 1000)
redis.call('ZREM', KEYS[3], ARGV[1])
return 0
"""
LEAVE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


@dataclass(frozen=True)
class Lane:
    """An office's queue; `interval` is seconds between request starts, 0 = unthrottled."""

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


@lru_cache(maxsize=1)
def queue() -> Any:
    # No retries of its own: the caller knows what to do without the queue, and at once.
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0)
    )


@contextmanager
def turn(lane: Lane, label: str) -> Iterator[None]:
    """Wait for the office's turn and hold it. Raises Throttled when the queue is too long."""
    if not lane.interval:
        yield
        return
    ticket = uuid.uuid4().hex
    keys = _keys(lane)
    _wait(lane, keys, ticket, label)
    try:
        yield
    finally:
        _leave(keys, ticket)


def _wait(lane: Lane, keys: list[str], ticket: str, label: str) -> None:
    give_up = time.monotonic() + _LONGEST_WAIT
    while True:
        wait = _try(lane, keys, ticket)
        if not wait:
            return
        if time.monotonic() + wait > give_up:
            raise Throttled(label, retry_after=lane.interval, explanation="Too many requests wait for this office.")
        # An urgent ticket must renew itself, so nobody sleeps long.
        time.sleep(max(_POLL, min(wait, 1.0)))


def _try(lane: Lane, keys: list[str], ticket: str) -> float:
    """Seconds to wait before asking again; 0 = it is our turn."""
    interval_ms = int(lane.interval * 1000)
    try:
        answer = queue().eval(_TAKE, 3, *keys, ticket, int(lane.urgent), _HELD_MS, interval_ms)
    except redis.RedisError:
        # Without the queue each process keeps the pace for itself; Open Dental holds back what is too fast.
        log.warning("pacing queue unavailable, keeping the pace in this process")
        time.sleep(lane.interval)
        return 0.0
    return int(answer) / 1000


def _leave(keys: list[str], ticket: str) -> None:
    try:
        queue().eval(LEAVE, 1, keys[0], ticket)
    except redis.RedisError:
        log.warning("pacing queue unavailable, the turn ends by itself")


def heed(lane: Lane, error: OpenDentalError) -> None:
    """Let every process wait as long as a 429 answer asked for."""
    if not isinstance(error, Throttled) or not lane.interval:
        return
    try:
        until = int((time.time() + error.retry_after) * 1000)
        queue().set(_keys(lane)[1], until, px=int(error.retry_after * 1000) + 1000)
    except redis.RedisError:
        log.warning("pacing queue unavailable, a request to slow down is lost")


def _keys(lane: Lane) -> list[str]:
    return [f"od:{lane.office}:{part}" for part in ("turn", "free", "urgent")]
