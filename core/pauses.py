"""Growing pauses of the circuit breakers. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta


def growing(times: int, *, shortest: timedelta, longest: timedelta) -> timedelta:
    """`shortest` after the first time, twice as long after each further one, at most `longest`."""
    doublings = min(20, max(0, times - 1))
    return min(longest, shortest * (1 << doublings))


def lasts(until: datetime | None, now: datetime, *, longest: timedelta) -> bool:
    """The pause is not over. One longer than any of ours is: the clock was set back."""
    return until is not None and now < until <= now + 2 * longest
