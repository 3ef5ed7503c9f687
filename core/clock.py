"""Business time: due dates, retries, quiet hours, link expiry. Real time unless CLOCK_FILE names a movable clock.

Sessions, one-time codes, signatures, HTTP and the beat use real time, not this (docs/money.md).
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

# The file is replaced in one step when the clock moves, so these three tell every change apart.
_Version = tuple[str, int, int]
_seen: tuple[_Version, timedelta] | None = None


def now() -> datetime:
    """Business time, aware, UTC. Read at the edge (view, task, command) and passed in."""
    return datetime.now(UTC) + offset()


def is_movable() -> bool:
    """True where a clock file is configured: demos and tests only."""
    return bool(os.environ.get("CLOCK_FILE"))


def forbids(address: str) -> str:
    """Why this address outside must not be used now, in a sentence; '' = it may.

    Where the clock is movable only sandboxes on this machine are: a real office, carrier or processor would be told
    dates that are not today's.
    """
    if not is_movable() or is_loopback(address):
        return ""
    return "The clock of this machine can be moved (CLOCK_FILE is set), so only a sandbox on this machine may be used."


def is_loopback(address: str) -> bool:
    """True for http://127.0.0.1:…, localhost and [::1]."""
    host = urlsplit(address).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def offset() -> timedelta:
    """How far business time is ahead of real time; zero without a clock file or before it is first moved."""
    global _seen
    path = os.environ.get("CLOCK_FILE")
    if not path:
        return timedelta(0)
    try:
        found = os.stat(path)
        version = (path, found.st_ino, found.st_mtime_ns)
        if _seen is None or _seen[0] != version:
            with open(path) as file:
                _seen = (version, timedelta(seconds=float(json.load(file)["offset_seconds"])))
    except FileNotFoundError:
        return timedelta(0)
    return _seen[1]
