"""Pages and metrics while Redis is away: everything is worked out anew, and nobody waits long."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from kasperpay import beat
from ops import ports


@pytest.fixture
def no_redis(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"redis://127.0.0.1:{ports.free_port()}/0"
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": address}}
    monkeypatch.setattr(beat, "broker", lambda: Redis.from_url(address, retry=Retry(NoBackoff(), 0)))


def test_what_is_in_redis_is_found() -> None:
    assert cache.delete("soft") in (True, False)
    assert (cache.add("soft", 1), cache.add("soft", 2), cache.get("soft"), cache.incr("soft")) == (True, False, 1, 2)
    cache.set("soft", [3], 60)
    assert (cache.get("soft"), cache.delete("soft"), cache.get("soft", 4)) == ([3], True, 4)


def test_without_redis_everything_is_missing_and_only_a_count_can_t_be_made_up(no_redis: None) -> None:
    cache.set("soft", 1)
    assert (cache.get("soft", 4), cache.add("soft", 1), cache.add("soft", 1), cache.delete("soft")) == (
        4, True, True, False,
    )  # fmt: skip
    with pytest.raises(RedisError):
        cache.incr("soft")


def test_a_redis_that_never_answers_holds_a_page_for_a_second(settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": address}}
        began = time.monotonic()
        assert cache.get("soft", 4) == 4
        assert time.monotonic() - began < 4


def test_metrics_tell_the_numbers_of_the_database_without_redis(no_redis: None, transactional_db: None) -> None:
    answer = Client().get("/metrics")
    assert answer.status_code == 200
    assert b"kasperpay_alarms_open" in answer.content
    assert b"kasperpay_queue_depth" not in answer.content
