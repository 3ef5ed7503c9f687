"""Business time: due dates, retries, quiet hours, link expiry. Real time unless CLOCK_FILE names a movable clock.

Sessions, one-time codes, signatures, HTTP and the beat use real time, not this (docs/money.md).
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta

_seen: tuple[int, timedelta] | None = None


def now() -> datetime:
    """Business time, aware, UTC. Read at the edge (view, task, command) and passed in."""
    return datetime.now(UTC) + _offset()


def is_movable() -> bool:
    """True where a clock file is configured: demos and tests only."""
    return bool(os.environ.get("CLOCK_FILE"))


def _offset() -> timedelta:
    global _seen
    path = os.environ.get("CLOCK_FILE")
    if not path:
        return timedelta(0)
    try:
        changed = os.stat(path).st_mtime_ns
    except FileNotFoundError:
        return timedelta(0)
    if _seen is None or _seen[0] != changed:
        with open(path) as file:
            _seen = (changed, timedelta(seconds=float(json.load(file)["offset_seconds"])))
    return _seen[1]
