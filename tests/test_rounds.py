"""Rounds over all practices: at most one message of a task waits for each, and all come to their turn."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from core import broker
from practices import rounds


class Task:
    """A Celery task as far as rounds know it; `queue` holds what waits."""

    def __init__(self) -> None:
        self.name = f"{__name__}.work"
        self.queue: list[tuple[int, int]] = []
        self.body = rounds.one_in_queue(work)

    def apply_async(self, *, kwargs: dict[str, Any], priority: int) -> None:
        self.queue.append((kwargs["practice_id"], priority))

    def run_next(self) -> str:
        return self.body(practice_id=self.queue.pop(0)[0])


def work(*, practice_id: int) -> str:
    return f"worked for {practice_id}"


@pytest.fixture
def task() -> Task:
    broker.client().flushdb()
    return Task()


def test_a_practice_that_waits_in_the_queue_is_not_queued_again(task: Task) -> None:
    assert rounds.hand_out(task, [1, 2], priority=6) == 2
    assert rounds.hand_out(task, [1, 2, 3], priority=6) == 1
    assert task.queue == [(1, 6), (2, 6), (3, 6)]


def test_as_soon_as_it_is_worked_for_it_may_queue_up_again_at_the_end(task: Task) -> None:
    rounds.hand_out(task, [1, 2])
    assert task.run_next() == "worked for 1"
    assert rounds.hand_out(task, [1, 2]) == 1
    assert [practice for practice, _ in task.queue] == [2, 1]


def test_a_message_that_was_lost_is_made_good_for_after_a_while(task: Task) -> None:
    rounds.hand_out(task, [1])
    left = broker.client().ttl(f"round:{task.name}:1")
    assert 60 < left <= 120


def test_without_redis_every_practice_is_queued(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    down = redis.Redis(host="127.0.0.1", port=9, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))
    monkeypatch.setattr(broker, "client", lambda: down)
    assert rounds.hand_out(task, [1, 2]) == 2
    assert task.run_next() == "worked for 1"
