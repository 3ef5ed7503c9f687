"""How far the clock is moved by a wish: so many hours or days, to an hour of the day, to a month later, to a date."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class UnableToMoveClock(ValueError):
    """The wish cannot be read, or leads out of this century."""


Move = Callable[[datetime, str, ZoneInfo], datetime]


def moved(now: datetime, wish: Mapping[str, str], zone: ZoneInfo) -> datetime:
    """The new business time (UTC) after exactly one known wish. Raises UnableToMoveClock."""
    known = [(MOVES[name], text) for name, text in wish.items() if name in MOVES]
    if len(known) != 1:
        raise UnableToMoveClock(f"exactly one of {', '.join(sorted(MOVES))} is needed")
    move, text = known[0]
    try:
        target = move(now, text, zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UnableToMoveClock(f"cannot read {text!r}: {error}") from error
    if not EARLIEST <= target < LATEST:
        raise UnableToMoveClock(f"{target:%Y-%m-%d} lies outside 2000 to 2099")
    return target


def _seconds(now: datetime, text: str, _zone: ZoneInfo) -> datetime:
    return now + timedelta(seconds=float(text))


def _hours(now: datetime, text: str, _zone: ZoneInfo) -> datetime:
    return now + timedelta(hours=float(text))


def _days(now: datetime, text: str, zone: ZoneInfo) -> datetime:
    """Whole days keep the hour on the wall, so that a clock change does not shift a charge hour."""
    days = float(text)
    if days != int(days):
        return now + timedelta(days=days)
    return _at_wall_time(now.astimezone(zone).replace(tzinfo=None) + timedelta(days=int(days)), now, zone)


def _months(now: datetime, text: str, zone: ZoneInfo) -> datetime:
    """A shorter month ends on its last day."""
    wall = now.astimezone(zone).replace(tzinfo=None)
    years, month = divmod(wall.month - 1 + int(text), 12)
    day = min(wall.day, calendar.monthrange(wall.year + years, month + 1)[1])
    return _at_wall_time(wall.replace(year=wall.year + years, month=month + 1, day=day), now, zone)


def _at_wall_time(wall: datetime, now: datetime, zone: ZoneInfo) -> datetime:
    return wall.replace(tzinfo=zone, fold=now.astimezone(zone).fold)


def _next_hour(now: datetime, text: str, zone: ZoneInfo) -> datetime:
    """The next time clocks in the zone show this full hour, tomorrow if it is past."""
    wall = now.astimezone(zone).replace(hour=int(text), minute=0, second=0, microsecond=0, fold=0)
    return wall if wall.astimezone(UTC) > now else wall + timedelta(days=1)


def _set(_now: datetime, text: str, zone: ZoneInfo) -> datetime:
    """An ISO date or datetime; without an offset it is the zone's wall clock."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


STEPS: dict[str, Move] = {"seconds": _seconds, "hours": _hours, "days": _days, "months": _months}
MOVES: dict[str, Move] = {
    **STEPS,
    **{f"advance_{name}": step for name, step in STEPS.items()},
    "to_next_hour": _next_hour,
    "set": _set,
}
