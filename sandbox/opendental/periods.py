"""When the installments of a plan fall due: always counted from the start date, so that month ends do not drift."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

from sandbox.opendental.enums import FREQUENCY

WEEKLY, FORTNIGHTLY, ORDINAL, MONTHLY, QUARTERLY = range(len(FREQUENCY))
PER_YEAR = {WEEKLY: 52, FORTNIGHTLY: 26, ORDINAL: 12, MONTHLY: 12, QUARTERLY: 4}


def add_months(start: date, months: int) -> date:
    """Same day of a later month, or that month's last day."""
    years, month = divmod(start.month - 1 + months, 12)
    year = start.year + years
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def ordinal(day: date) -> int:
    """Which of its weekday in the month a day is, 1 to 5."""
    return (day.day - 1) // 7 + 1


def _ordinal_weekday(start: date, months: int) -> date:
    first = add_months(start.replace(day=1), months)
    offset = (start.weekday() - first.weekday()) % 7
    return first + timedelta(days=offset + 7 * (min(ordinal(start), 4) - 1))


def due_date(frequency: int, start: date, period: int) -> date:
    """Due date of period 0, 1, 2 …"""
    if frequency == WEEKLY:
        return start + timedelta(days=7 * period)
    if frequency == FORTNIGHTLY:
        return start + timedelta(days=14 * period)
    if frequency == ORDINAL:
        return _ordinal_weekday(start, period)
    return add_months(start, period * (3 if frequency == QUARTERLY else 1))


def current_period(frequency: int, start: date, today: date) -> int:
    """The first period due today or later."""
    if today <= start:
        period = 0
    elif frequency in (WEEKLY, FORTNIGHTLY):
        period = (today - start).days // (7 if frequency == WEEKLY else 14)
    else:
        months = (today.year - start.year) * 12 + today.month - start.month
        period = max(0, months // (3 if frequency == QUARTERLY else 1) - 1)
    while due_date(frequency, start, period) < today:
        period += 1
    return period


def issues_today(frequency: int, start: date, today: date, *, ordinal_defect: bool) -> bool:
    """Whether the service issues an installment today. The defect: ordinal plans past the first weekday stall."""
    if due_date(frequency, start, current_period(frequency, start, today)) != today:
        return False
    if ordinal_defect and frequency == ORDINAL and ordinal(start) > 1:
        return ordinal(start) < 5 and today == start
    return True
