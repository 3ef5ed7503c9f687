"""Practice-local days: which day it is there, an hour of that day as an instant, months later, quiet hours."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def local_date(now: datetime, zone: ZoneInfo) -> date:
    """The practice-local day of the instant `now` (aware)."""
    return now.astimezone(zone).date()


def at_hour(day: date, hour: int | time, zone: ZoneInfo) -> datetime:
    """The UTC instant when clocks in `zone` show `hour` on `day`.

    A clock time that a spring change skips becomes the first instant after the gap; one that an autumn change
    repeats is taken the first time.
    """
    wall = hour if isinstance(hour, time) else time(hour)
    instant = datetime.combine(day, wall, zone).astimezone(UTC)
    if instant.astimezone(zone).time() == wall:
        return instant
    return _end_of_gap(instant, zone)


def _end_of_gap(after: datetime, zone: ZoneInfo) -> datetime:
    """First instant of the new offset. With fold 0, a skipped clock time maps to an instant past the change."""
    low, high = after - timedelta(hours=3), after
    new_offset = high.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == new_offset:
            high = middle
        else:
            low = middle
    return high.replace(microsecond=0)


def add_months(day: date, months: int) -> date:
    """`day` moved by whole months, clamped to the end of a shorter month. OverflowError beyond year 9999."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    if not date.min.year <= year <= date.max.year:
        raise OverflowError(f"no calendar day {months} months from {day}")
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def quiet_until(now: datetime, zone: ZoneInfo, start: time, end: time) -> datetime | None:
    """None when sending is allowed at `now`; otherwise the UTC instant when the quiet time ends.

    Quiet is from `start` (inclusive) to `end` (exclusive), local clock; it may run over midnight (21:00 to 08:00).
    """
    wall = now.astimezone(zone)
    clock = wall.time()
    over_midnight = start > end
    quiet = (clock >= start or clock < end) if over_midnight else start <= clock < end
    if not quiet:
        return None
    ends_tomorrow = over_midnight and clock >= start
    return at_hour(wall.date() + timedelta(days=ends_tomorrow), end, zone)


def last_day_of_month(year: int, month: int) -> date:
    """The last calendar day of that month."""
    return date(year, month, calendar.monthrange(year, month)[1])


def moment_words(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """A moment inside a sentence, practice-local: "9:14 AM", or "Mar 9, 9:14 AM" on another day than `now`."""
    local = at.astimezone(zone)
    hour = f"{local.hour % 12 or 12}:{local:%M} {local:%p}"
    return hour if local.date() == local_date(now, zone) else f"{local:%b} {local.day}, {hour}"
