"""Seats in the charge worker: a practice never takes them all, and a slow one only a few. Counted in each process.

A refused seat costs nothing but time: the due part is left to a later sweep, and its claim is guarded as always.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

# Threads of this worker (kasperpay/celery.py tells); the usual size until then.
_DEFAULT_THREADS = 32
# A charge that takes longer, on average, is slow: its office or its processor lets it wait.
SLOW_SECONDS = 3.0
# How much the newest charge counts for the average.
_NEWEST = 0.3
# So long a practice counts as one that may want seats soon.
_RECENT_SECONDS = 60.0


class Seats:
    """Of `threads` seats a practice gets seven eighths, a slow one an eighth; all while no other practice comes."""

    def __init__(self, threads: int = _DEFAULT_THREADS) -> None:
        self.threads = threads
        self._taken: Counter[int] = Counter()
        self._seconds: defaultdict[int, float] = defaultdict(float)
        self._came: dict[int, float] = {}
        self._lock = threading.Lock()

    def most(self, practice_id: int) -> int:
        if not self._others_come(practice_id):
            return self.threads
        eighth = max(1, self.threads // 8)
        return eighth if self._seconds[practice_id] > SLOW_SECONDS else max(1, self.threads - eighth)

    def _others_come(self, practice_id: int) -> bool:
        since = time.monotonic() - _RECENT_SECONDS
        return any(at > since for other, at in self._came.items() if other != practice_id)

    @contextmanager
    def seat(self, practice_id: int) -> Iterator[bool]:
        """False when the practice has all its seats: come back later. Never waits."""
        with self._lock:
            self._came[practice_id] = time.monotonic()
            mine = self._taken[practice_id] < self.most(practice_id)
            self._taken[practice_id] += mine
        if not mine:
            yield False
            return
        began = time.monotonic()
        try:
            yield True
        finally:
            self._give_back(practice_id, time.monotonic() - began)

    def _give_back(self, practice_id: int, seconds: float) -> None:
        with self._lock:
            self._taken[practice_id] -= 1
            self._seconds[practice_id] += _NEWEST * (seconds - self._seconds[practice_id])


seats = Seats()
