"""The clock page moves one clock for all processes, and only for pages of this machine."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sandbox.common.clock import Clock
from sandbox.control.app import in_words
from sandbox.control.moves import UnableToMoveClock, moved
from tests import outside

NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[outside.Outside, Clock]]:
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock(Path(folder) / "clock.json")
        link = ("--link", "Inbox=http://127.0.0.1:9999/?a=b", "--link", "Open Dental=http://127.0.0.1:9998/")
        process = outside.start("sandbox.control", Path(folder), *link, clock=clock.path)
        yield process, clock
        process.stop()


@pytest.fixture
def control(running: tuple[outside.Outside, Clock]) -> tuple[outside.Outside, Clock]:
    running[1].set_offset(timedelta(0))
    return running


def test_json_moves_are_read_back_and_seen_by_other_processes(control: tuple[outside.Outside, Clock]) -> None:
    page, clock = control
    moves: list[tuple[dict[str, Any], timedelta]] = [
        ({"advance_seconds": 90}, timedelta(seconds=90)),
        ({"advance_hours": 2}, timedelta(hours=2)),
    ]
    expected = timedelta(0)
    for wish, step in moves:
        expected += step
        answer = page.http.post("/clock", json=wish).raise_for_status().json()
        assert abs(answer["offset_seconds"] - expected.total_seconds()) < 5
        assert abs(clock.offset() - expected) < timedelta(seconds=5)
    read = page.http.get("/clock").json()
    assert abs(datetime.fromisoformat(read["now"]) - datetime.now(UTC) - expected) < timedelta(seconds=5)


def test_a_date_is_set_and_real_time_comes_back(control: tuple[outside.Outside, Clock]) -> None:
    page, clock = control
    page.http.post("/clock", json={"set": "2031-05-01T10:00:00-04:00"}).raise_for_status()
    assert clock.now().isoformat().startswith("2031-05-01T14:00:0")
    page.http.post("/clock", json={"reset": True}).raise_for_status()
    assert clock.offset() == timedelta(0)


@pytest.mark.parametrize(
    "wish",
    [{}, {"advance_days": "soon"}, {"set": "yesterday"}, {"advance_days": 99999}, {"jump": 1}, [],
     {"advance_days": 1, "advance_hours": 1}],
)  # fmt: skip
def test_an_unreadable_wish_is_refused_and_the_clock_stays(control: tuple[outside.Outside, Clock], wish: Any) -> None:
    page, clock = control
    assert page.http.post("/clock", json=wish).status_code == 400
    assert clock.offset() == timedelta(0)


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("http://127.0.0.1:8000/plans?x=1", "http://127.0.0.1:8000/plans?x=1"),
        ("http://localhost:8000/", "http://localhost:8000/"),
        ("https://evil.example.com/", "/"),
        ("http://127.0.0.1.example.com/", "/"),
        ("", "/"),
    ],
)
def test_a_form_goes_back_where_it_came_from_on_this_machine_only(
    control: tuple[outside.Outside, Clock], referer: str, back: str
) -> None:
    page, clock = control
    answer = page.http.post("/clock", data={"advance_hours": "1"}, headers={"Referer": referer})
    assert (answer.status_code, answer.headers["Location"]) == (303, back)
    assert abs(clock.offset() - timedelta(hours=1)) < timedelta(seconds=5)


def test_a_form_on_a_strange_site_cannot_move_the_clock(control: tuple[outside.Outside, Clock]) -> None:
    page, clock = control
    for origin in ("https://evil.example.com", "null"):
        answer = page.http.post("/clock", data={"advance_days": "1"}, headers={"Origin": origin})
        assert answer.status_code == 403
    assert clock.offset() == timedelta(0)


def test_a_page_that_hides_its_address_may_move_the_clock_and_name_the_way_back(
    control: tuple[outside.Outside, Clock],
) -> None:
    page, clock = control
    hidden = {"Origin": "null", "Sec-Fetch-Site": "same-site"}
    move = {"days": "1", "back": "http://127.0.0.1:8000/plans"}
    answer = page.http.post("/clock", data=move, headers=hidden)
    assert (answer.status_code, answer.headers["Location"]) == (303, "http://127.0.0.1:8000/plans")
    assert abs(clock.offset() - timedelta(days=1)) < timedelta(hours=1, seconds=5)
    strange = page.http.post("/clock", data={"hours": "1", "back": "https://evil.example.com/"}, headers=hidden)
    assert strange.headers["Location"] == "/"
    far = page.http.post("/clock", data=move, headers={"Origin": "null", "Sec-Fetch-Site": "cross-site"})
    assert far.status_code == 403


def test_the_page_shows_time_offset_buttons_and_links(control: tuple[outside.Outside, Clock]) -> None:
    page, clock = control
    clock.set_now(datetime(2031, 5, 1, 14, 0, 30, tzinfo=UTC))
    shown = page.http.get("/").text
    for text in ("Thursday, May 1, 2031", "10:00 AM", "ahead of real time", "+1 hour", "+1 day", "To next 10:00 AM",
                 "+1 week", "+1 month", "Set date and time", 'href="http://127.0.0.1:9999/?a=b"'):  # fmt: skip
        assert text in shown


@pytest.mark.parametrize(
    ("wish", "start", "end"),
    [
        ({"advance_days": "1"}, "2024-03-09T15:00Z", "2024-03-10T14:00Z"),
        ({"advance_days": "1"}, "2024-11-02T14:00Z", "2024-11-03T15:00Z"),
        ({"advance_days": "0.5"}, "2024-06-10T14:00Z", "2024-06-11T02:00Z"),
        ({"advance_months": "1"}, "2024-01-31T15:00Z", "2024-02-29T15:00Z"),
        ({"advance_months": "12"}, "2024-02-29T15:00Z", "2025-02-28T15:00Z"),
        ({"to_next_hour": "10"}, "2024-06-10T13:59Z", "2024-06-10T14:00Z"),
        ({"to_next_hour": "10"}, "2024-06-10T14:00Z", "2024-06-11T14:00Z"),
        ({"to_next_hour": "10"}, "2024-03-09T16:00Z", "2024-03-10T14:00Z"),
        ({"set": "2024-07-04"}, "2024-06-10T14:00Z", "2024-07-04T04:00Z"),
        ({"set": "2024-07-04T10:00"}, "2024-06-10T14:00Z", "2024-07-04T14:00Z"),
    ],
)
def test_a_move_keeps_the_wall_clock_of_the_practice(wish: dict[str, str], start: str, end: str) -> None:
    assert moved(datetime.fromisoformat(start), wish, NEW_YORK) == datetime.fromisoformat(end)


def test_the_clock_stays_in_its_century() -> None:
    with pytest.raises(UnableToMoveClock, match="outside 2000 to 2099"):
        moved(datetime(2099, 12, 31, tzinfo=UTC), {"advance_days": "2"}, NEW_YORK)


def test_the_offset_is_told_in_words() -> None:
    assert [in_words(timedelta(**delta)) for delta in ({}, {"days": 1, "hours": 2}, {"minutes": -30})] == [
        *("Real time", "1 day 2 h ahead of real time"),
        "30 min behind real time",
    ]
