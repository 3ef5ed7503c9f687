"""The Redis (or Valkey) that all processes share: locks, paces, counts. What is lost here costs time, never money."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry


@lru_cache(maxsize=1)
def client() -> Any:
    """One client a process; raises redis.RedisError at once when the server is away, as callers go on without it."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0)
    )
