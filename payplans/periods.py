"""Due dates of a plan by its frequency. Every date is counted from the plan's start, so month ends never drift.

Source: Open Dental's payment plan rules (API field ChargeFrequency) and its manual's month-end examples.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from enum import Enum

from core.calendar import add_months


class Frequency(Enum):
    """Values are Open Dental's words."""

    WEEKLY = "Weekly"
    EVERY_OTHER_WEEK = "EveryOtherWeek"
    MONTHLY = "Monthly"
    QUARTERLY = "Quarterly"
    ORDINAL_WEEKDAY = "OrdinalWeekday"

    @property
    def per_year(self) -> int:
        return _PER_YEAR[self]


_PER_YEAR = {
    Frequency.WEEKLY: 52,
    Frequency.EVERY_OTHER_WEEK: 26,
    Frequency.MONTHLY: 12,
    Frequency.QUARTERLY: 4,
    Frequency.ORDINAL_WEEKDAY: 12,
}
_DAYS = {Frequency.WEEKLY: 7, Frequency.EVERY_OTHER_WEEK: 14}
_MONTHS = {Frequency.MONTHLY: 1, Frequency.QUARTERLY: 3, Frequency.ORDINAL_WEEKDAY: 1}


def due_date(frequency: Frequency, start: date, k: int) -> date:
    """Due date of period `k` (0 is the first). OverflowError beyond year 9999.

    OrdinalWeekday keeps weekday and ordinal of `start` (a 5th weekday counts as 4th, so period 0 may lie before it).
    """
    if frequency in _DAYS:
        return start + timedelta(days=_DAYS[frequency] * k)
    day = add_months(start, _MONTHS[frequency] * k)
    if frequency is Frequency.ORDINAL_WEEKDAY:
        return _nth_weekday(day.year, day.month, start.weekday(), _ordinal(start))
    return day


def first_period(frequency: Frequency, start: date, today: date) -> int:
    """The smallest period whose due date is not before `today`. Earlier periods are never issued afterwards."""
    if frequency in _DAYS:
        return max(0, -((start - today).days // _DAYS[frequency]))
    months = (today.year - start.year) * 12 + today.month - start.month
    k = max(0, months // _MONTHS[frequency] - 1)
    while due_date(frequency, start, k) < today:
        k += 1
    return k


def periods_from(frequency: Frequency, start: date, today: date) -> Iterator[date]:
    """Due dates not before `today`, in order, until the calendar ends."""
    try:
        k = first_period(frequency, start, today)
        while True:
            yield due_date(frequency, start, k)
            k += 1
    except OverflowError:
        return


def issuing_doubtful(frequency: Frequency, start: date) -> bool:
    """True when an office's Open Dental may never issue the rows: weekday plans that start on a 2nd to 5th weekday.

    Read from Open Dental 24.3.10 and not confirmed on a live office, so a missing row must be shown, not assumed.
    """
    return frequency is Frequency.ORDINAL_WEEKDAY and start.day > 7


def _ordinal(day: date) -> int:
    return min(4, (day.day - 1) // 7 + 1)


def _nth_weekday(year: int, month: int, weekday: int, ordinal: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (ordinal - 1))
