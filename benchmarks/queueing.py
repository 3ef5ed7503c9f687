"""A default worker in miniature: its threads, its queue with priorities, its beat, and what was done when.

The tasks are the product's own, called as Celery calls them; only the broker between beat and worker is a queue here.
"""

from __future__ import annotations

import itertools
import logging
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections

from opendental import tasks

TASKS: dict[str, Any] = {"pull": tasks.pull_one, "post": tasks.post_one}
PULL_EVERY, POST_EVERY = 20.0, 15.0
FAILED = "it raised"
log = logging.getLogger(__name__)


class Worker:
    """`done[name][practice]` are (begun, ended, result) of every job, by time.monotonic()."""

    def __init__(self, threads: int, scale: float) -> None:
        self.scale = scale
        self.done: dict[str, dict[int, list[tuple[float, float, Any]]]] = {name: defaultdict(list) for name in TASKS}
        self.errors: list[str] = []
        self._jobs: queue.PriorityQueue[tuple[int, int, str, int]] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._over = threading.Event()
        beats = ((tasks.pull_all, PULL_EVERY), (tasks.post_all, POST_EVERY))
        self._threads = [threading.Thread(target=self._work) for _ in range(threads)]
        self._threads += [threading.Thread(target=self._beat, args=beat) for beat in beats]

    @contextmanager
    def running(self) -> Iterator[Worker]:
        """Every message of the tasks goes to these threads; what is queued at the end is dropped."""
        for name, task in TASKS.items():
            task.apply_async = self._publisher(name)
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._over.set()
            for _ in self._threads:
                self._jobs.put((-1, 0, "", 0))
            for thread in self._threads:
                thread.join(60)
            for task in TASKS.values():
                del task.apply_async

    def _publisher(self, name: str) -> Any:
        def publish(_: Any = None, kwargs: Any = None, *, priority: int = 0, **__: Any) -> None:
            self._jobs.put((priority, next(self._numbers), name, kwargs["practice_id"]))

        return publish

    def _work(self) -> None:
        while not self._over.is_set():
            _, _, name, practice_id = self._jobs.get()
            if name:
                began = time.monotonic()
                result = self._run(name, practice_id)
                self.done[name][practice_id].append((began, time.monotonic(), result))
        connections.close_all()

    def _run(self, name: str, practice_id: int) -> Any:
        """As a worker does: what a job raises is noted, and the thread goes on."""
        try:
            return TASKS[name].run(practice_id=practice_id)
        except Exception as error:
            log.exception("%s of practice %s failed", name, practice_id)
            self.errors.append(f"{name}: {type(error).__name__}")
            return FAILED

    def _beat(self, task: Any, every: float) -> None:
        while not self._over.is_set():
            task.run()
            self._over.wait(every * self.scale)
        connections.close_all()
