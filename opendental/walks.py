"""Long walks over an office's tables: the place is kept after each page, so a killed worker goes on from there."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from opendental.models import Connection

# Seconds a cycle may take. With beats every 20 s a busy office begins a new one, and looks for changes, every 40 s.
CYCLE_SECONDS = 35.0


class Budget:
    """How long a cycle may still go on, and its business time, which runs on while the cycle waits for the office."""

    def __init__(self, began: datetime, seconds: float | None = None) -> None:
        self.began = began
        self.seconds = CYCLE_SECONDS if seconds is None else seconds
        self._clock = time.monotonic()

    @property
    def used(self) -> float:
        """Seconds since the cycle began."""
        return time.monotonic() - self._clock

    @property
    def is_spent(self) -> bool:
        return self.used >= self.seconds

    @property
    def now(self) -> datetime:
        """When something is read decides which of two readings is newer, so each takes its own time."""
        return self.began + timedelta(seconds=self.used)


def place(connection: Connection, walk: str) -> dict[str, Any] | None:
    """Where this walk stands; None when it isn't under way."""
    found: dict[str, Any] | None = connection.walks.get(walk)
    return found


def keep(connection: Connection, walk: str, **place: Any) -> None:
    """Remember the place. Call it after what the last page brought is stored."""
    connection.walks = {**connection.walks, walk: place}
    connection.save(update_fields=["walks"])


def end(connection: Connection, walk: str) -> None:
    connection.walks = {name: place for name, place in connection.walks.items() if name != walk}
    connection.save(update_fields=["walks"])
