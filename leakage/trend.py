"""What leaked at the end of each of the last weeks: numbers for a table, and the bars drawn from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from leakage.models import LeakDay
from practices.models import Practice

WEEKS = 8
# Of the drawing, in its own units.
WIDTH, HEIGHT, BAR, GAP = 184, 66, 13, 10


@dataclass(frozen=True)
class Week:
    """`cents` None: nobody looked in that week."""

    ends: date
    cents: int | None
    looked_at: datetime | None


@dataclass(frozen=True)
class Bar:
    x: int
    y: int
    height: int
    is_now: bool


def weeks(practice: Practice, today: date) -> list[Week]:
    """The last look in each of the last weeks, the running one last."""
    ends = [today - timedelta(weeks=back) for back in reversed(range(WEEKS))]
    rows = LeakDay.objects.filter(
        practice=practice, cause="", day__gt=ends[0] - timedelta(weeks=1), day__lte=today
    ).order_by("day")
    seen = {(today - row.day).days // 7: row for row in rows}
    return [_week(end, seen.get((today - end).days // 7)) for end in ends]


def _week(end: date, seen: LeakDay | None) -> Week:
    return Week(end, seen.cents, seen.looked_at) if seen else Week(end, None, None)


def bars(rows: list[Week]) -> list[Bar]:
    """Highest = the week with most; a week in which nobody looked has none."""
    most = max((row.cents or 0 for row in rows), default=0)
    if not most:
        return []
    return [
        Bar(place * (BAR + GAP), HEIGHT - height, height, place == len(rows) - 1)
        for place, row in enumerate(rows)
        if (height := _height(row.cents, most))
    ]


def _height(cents: int | None, most: int) -> int:
    return 0 if not cents else max(2, round(cents / most * HEIGHT))
