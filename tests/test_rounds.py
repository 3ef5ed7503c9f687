"""Rounds over all practices: at most one message of a task waits for each, and all come to their turn."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from core import broker
from kasperpay.celery import app
from practices import rounds
from practices.models import Practice

ONES = sorted(beat["task"].replace("_all", "_one") for beat in app.conf.beat_schedule.values())


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
    assert rounds.hand_out(task, [1, 2], priority=0) == 2
    assert rounds.hand_out(task, [1, 2, 3], priority=0) == 1
    assert (sorted(task.queue[:2]), task.queue[2]) == ([(1, 0), (2, 0)], (3, 0))


def test_as_soon_as_it_is_worked_for_it_may_queue_up_again_at_the_end(task: Task) -> None:
    rounds.hand_out(task, [1])
    rounds.hand_out(task, [2])
    assert task.run_next() == "worked for 1"
    assert rounds.hand_out(task, [1, 2]) == 1
    assert [practice for practice, _ in task.queue] == [2, 1]


def test_no_practice_is_always_the_first(task: Task) -> None:
    firsts = set()
    for _ in range(20):
        broker.client().flushdb()
        task.queue.clear()
        rounds.hand_out(task, range(1, 9))
        assert len(task.queue) == 8
        firsts.add(task.queue[0][0])
    assert len(firsts) > 1


def test_no_round_goes_before_another(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    broker.client().flushdb()
    app.loader.import_default_modules()
    queued: list[tuple[str, int]] = []
    for one in ONES:
        monkeypatch.setattr(
            app.tasks[one], "apply_async",
            lambda *, kwargs, priority, one=one: queued.append((one, priority)),
        )  # fmt: skip
    for beat in app.conf.beat_schedule.values():
        app.tasks[beat["task"]].run()
    assert sorted(queued) == [(one, 6) for one in ONES]


def test_a_message_that_was_lost_is_made_good_for_after_a_while(task: Task) -> None:
    rounds.hand_out(task, [1])
    left = broker.client().ttl(f"round:{task.name}:1")
    assert 60 < left <= 120


def test_without_redis_every_practice_is_queued(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    down = redis.Redis(host="127.0.0.1", port=9, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))
    monkeypatch.setattr(broker, "client", lambda: down)
    assert rounds.hand_out(task, [1, 2]) == 2
    assert task.run_next() in {"worked for 1", "worked for 2"}
