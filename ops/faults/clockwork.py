"""Business time of a run: SCALE times as fast as real time while it runs, and jumps in between. Never backwards."""

from __future__ import annotations

import json
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

_TICK_SECONDS = 0.1


class Clockwork:
    """Writes the offset into the clock file that product and sandbox read."""

    def __init__(self, path: Path, begin: datetime) -> None:
        self.path = path
        self.lock = threading.Lock()
        self._at, self._real, self._speed = begin, time.time(), 1.0
        self._write()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="clockwork", daemon=True)
        self._thread.start()

    def now(self) -> datetime:
        return self._at + timedelta(seconds=(time.time() - self._real) * self._speed)

    def run_at(self, speed: float) -> None:
        """From now on `speed` seconds of business a real second."""
        with self.lock:
            self._at, self._real, self._speed = self.now(), time.time(), speed
            self._write()

    def jump(self, delta: timedelta) -> datetime:
        """Move on at once; business time afterwards."""
        with self.lock:
            self._at, self._real = self.now() + max(delta, timedelta(0)), time.time()
            self._write()
        return self._at

    def close(self) -> None:
        self._stop.set()
        self._thread.join(5)

    def _tick(self) -> None:
        while not self._stop.wait(_TICK_SECONDS):
            with self.lock:
                self._write()

    def _write(self) -> None:
        draft = self.path.with_suffix(".new")
        offset = (self.now() - datetime.now(UTC)).total_seconds()
        draft.write_text(json.dumps({"offset_seconds": offset}))
        draft.chmod(0o644)
        os.replace(draft, self.path)


def until_wall(now: datetime, zone: ZoneInfo, hour: int, minute: int, second: int) -> timedelta:
    """How long until clocks in the zone show this time next."""
    wall = now.astimezone(zone).replace(hour=hour, minute=minute, second=second, microsecond=0, fold=0)
    if wall.astimezone(UTC) <= now:
        wall = (wall.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=zone)
    return wall.astimezone(UTC) - now
