"""The one movable clock: an offset from real time, kept in a small JSON file that the product may read too.

Only business time moves. Signatures, HTTP and timeouts use real time.
"""

from __future__ import annotations

import json
import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path


class Clock:
    """Reads and moves the offset. Safe across processes: writes replace the file in one step."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def offset(self) -> timedelta:
        """The offset now in force; no file means real time."""
        try:
            seconds = json.loads(self.path.read_text())["offset_seconds"]
        except FileNotFoundError:
            return timedelta(0)
        return timedelta(seconds=float(seconds))

    def now(self) -> datetime:
        """Business time, UTC."""
        return datetime.now(UTC) + self.offset()

    def set_offset(self, offset: timedelta) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.path.parent)
        with os.fdopen(handle, "w") as file:
            json.dump({"offset_seconds": offset.total_seconds()}, file)
        os.chmod(name, 0o644)
        os.replace(name, self.path)

    def set_now(self, moment: datetime) -> None:
        """Make business time `moment` (aware)."""
        self.set_offset(moment.astimezone(UTC) - datetime.now(UTC))

    def advance(self, delta: timedelta) -> None:
        self.set_offset(self.offset() + delta)
