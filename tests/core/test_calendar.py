"""Practice-local days and hours hold over clock changes, month ends and midnight."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calendar import add_months, at_hour, last_day_of_month, local_date, quiet_until

NEW_YORK = ZoneInfo("America/New_York")
HONOLULU = ZoneInfo("Pacific/Honolulu")
# In spring, clocks in Havana skip the hour after midnight; on Lord Howe Island they move by half an hour only.
HAVANA = ZoneInfo("America/Havana")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_day_is_the_practices_own() -> None:
    moment = utc("2026-03-10T04:30")
    assert [local_date(moment, zone) for zone in (NEW_YORK, HONOLULU)] == [date(2026, 3, 10), date(2026, 3, 9)]


@pytest.mark.parametrize(
    ("day", "hour", "zone", "instant"),
    [
        (date(2026, 3, 7), 10, NEW_YORK, "2026-03-07T15:00"),
        (date(2026, 3, 8), 10, NEW_YORK, "2026-03-08T14:00"),
        (date(2026, 3, 8), 2, NEW_YORK, "2026-03-08T07:00"),
        (date(2026, 3, 8), time(2, 30), NEW_YORK, "2026-03-08T07:00"),
        (date(2026, 11, 1), 1, NEW_YORK, "2026-11-01T05:00"),
        (date(2026, 11, 1), 10, NEW_YORK, "2026-11-01T15:00"),
        (date(2026, 7, 1), 10, HONOLULU, "2026-07-01T20:00"),
        (date(2026, 3, 8), 0, HAVANA, "2026-03-08T05:00"),
        (date(2026, 10, 4), time(2, 15), LORD_HOWE, "2026-10-03T15:30"),
    ],
)
def test_an_hour_of_a_day_is_one_instant(day: date, hour: int | time, zone: ZoneInfo, instant: str) -> None:
    assert at_hour(day, hour, zone) == utc(instant)


@given(st.dates(date(2000, 1, 1), date(2060, 1, 1)), st.integers(0, 23), st.sampled_from([NEW_YORK, HAVANA, LORD_HOWE]))
def test_an_hour_lands_on_its_day_and_never_before_its_clock_time(day: date, hour: int, zone: ZoneInfo) -> None:
    shown = at_hour(day, hour, zone).astimezone(zone)
    assert shown.date() == day
    assert timedelta(0) <= shown.replace(tzinfo=None) - datetime.combine(day, time(hour)) <= timedelta(hours=1)


@pytest.mark.parametrize(
    ("day", "months", "end"),
    [
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2024, 12, 31), 2, date(2025, 2, 28)),
        (date(2024, 3, 31), -1, date(2024, 2, 29)),
        (date(2024, 1, 15), -13, date(2022, 12, 15)),
        (date(2024, 5, 5), 0, date(2024, 5, 5)),
    ],
)
def test_months_are_added_and_clamped_to_the_months_end(day: date, months: int, end: date) -> None:
    assert add_months(day, months) == end


@pytest.mark.parametrize("months", [100_000, -100_000])
def test_months_beyond_the_calendar_are_refused(months: int) -> None:
    with pytest.raises(OverflowError, match="no calendar day"):
        add_months(date(2024, 1, 31), months)


def test_the_last_day_of_a_leap_february_is_the_29th() -> None:
    assert (last_day_of_month(2024, 2), last_day_of_month(2025, 2)) == (date(2024, 2, 29), date(2025, 2, 28))


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-10T00:59", None),  # 20:59 in New York
        ("2026-03-10T01:00", "2026-03-10T12:00"),  # 21:00
        ("2026-03-10T11:59", "2026-03-10T12:00"),  # 07:59
        ("2026-03-10T12:00", None),  # 08:00
        ("2026-03-08T02:00", "2026-03-08T12:00"),  # 21:00 EST, quiet until 08:00 EDT
        ("2026-10-31T23:00", None),
        ("2026-11-01T01:00", "2026-11-01T13:00"),  # 21:00 EDT, quiet until 08:00 EST
    ],
)
def test_the_night_is_quiet_until_eight(now: str, until: str | None) -> None:
    assert quiet_until(utc(now), NEW_YORK, time(21), time(8)) == (until and utc(until))


def test_a_quiet_noon_does_not_reach_over_midnight() -> None:
    assert quiet_until(utc("2026-03-10T16:30"), NEW_YORK, time(12), time(13)) == utc("2026-03-10T17:00")
    assert quiet_until(utc("2026-03-10T03:30"), NEW_YORK, time(12), time(13)) is None
    assert quiet_until(utc("2026-03-10T03:30"), NEW_YORK, time(9), time(9)) is None
