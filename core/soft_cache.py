"""Django's cache in Redis; while Redis is away everything is missing there and nothing is kept, within seconds."""

from __future__ import annotations

import logging
from typing import Any

import redis
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)
# Who waits for a cache waits for nothing.
_SECONDS = 1


class SoftRedisCache(RedisCache):
    """Counting (`incr`) still raises redis.RedisError: a count can't be made up."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        limits = {"socket_timeout": _SECONDS, "socket_connect_timeout": _SECONDS, "retry": Retry(NoBackoff(), 0)}
        super().__init__(server, {**params, "OPTIONS": {**limits, **params.get("OPTIONS", {})}})

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        try:
            return super().get(key, default, version)
        except redis.RedisError:
            return _away(default)

    def set(self, key: Any, value: Any, *args: Any, **kwargs: Any) -> None:
        try:
            super().set(key, value, *args, **kwargs)
        except redis.RedisError:
            _away(None)

    def add(self, key: Any, value: Any, *args: Any, **kwargs: Any) -> bool:
        """True while Redis is away: nobody is known to have added it."""
        try:
            return bool(super().add(key, value, *args, **kwargs))
        except redis.RedisError:
            return bool(_away(True))

    def delete(self, key: Any, version: int | None = None) -> bool:
        try:
            return bool(super().delete(key, version))
        except redis.RedisError:
            return bool(_away(False))


def _away(instead: Any) -> Any:
    log.warning("Redis is away: nothing is cached")
    return instead
