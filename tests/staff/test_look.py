"""The look: sizes, icons and chips that exist, nothing inline, money and days as people write them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from django.utils import timezone
from django.utils.html import strip_tags

from cards.models import Card
from notifications.models import Message
from payments.models import AttemptState, LedgerPosting
from practices import chips, icons
from practices.templatetags import show

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "static/js").glob("*.js"))
KILOBYTE = 1024


def size(*names: str) -> int:
    return sum((ROOT / "static/css" / name).stat().st_size for name in names)


def test_style_sheets_stay_small() -> None:
    assert size("tokens.css", "staff.css") <= 40 * KILOBYTE
    assert size("tokens.css", "patient.css") <= 10 * KILOBYTE


def test_colors_have_a_value_in_one_place_only() -> None:
    for name in ("staff.css", "patient.css"):
        colors = re.findall(r"#[0-9a-fA-F]{3,8}\b(?!-)", (ROOT / "static/css" / name).read_text())
        # White on the always dark navigation, and the brand's mark.
        assert set(colors) <= {"#ffffff", "#5fd0be", "#17917f", "#b3271e"}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT / "templates").as_posix())
def test_no_template_holds_an_inline_script_style_or_handler(path: Path) -> None:
    source = path.read_text()

    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:|hx-on", source) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT / "templates").as_posix())
def test_every_icon_and_chip_of_a_template_exists(path: Path) -> None:
    source = path.read_text()
    for name in re.findall(r'\{% icon "([^"]+)"', source) + re.findall(r'empty_icon="([^"]+)"', source):
        assert name in icons.NAMES
    for key in re.findall(r'\{% chip "([^"]+)"', source):
        chips.chip(key)


def test_every_state_that_a_page_shows_has_a_chip() -> None:
    states = {
        "attempt": AttemptState.values, "posting": LedgerPosting.State.values, "message": Message.State.values,
        "card": Card.State.values,
    }  # fmt: skip
    missing = [
        f"{family}:{state}"
        for family, values in states.items()
        for state in values
        if f"{family}:{state}" not in chips.CHIPS
    ]

    assert missing == []


def test_every_chip_has_a_word_a_tone_and_a_drawn_icon() -> None:
    for chip in chips.CHIPS.values():
        assert chip.word
        assert chip.tone in chips.TONE_ICONS
        assert chip.icon in icons.NAMES


def test_the_sprite_draws_every_icon_once() -> None:
    sprite = icons.sprite()

    assert re.findall(r'<symbol id="i-([a-z_]+)"', sprite) == list(icons.NAMES)
    assert "fill=" not in sprite


def test_an_unknown_icon_fails_loudly() -> None:
    with pytest.raises(KeyError):
        icons.use("dragon")


def test_no_script_evaluates_text() -> None:
    for path in SCRIPTS:
        assert (
            re.findall(
                r"\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write", path.read_text()
            )
            == []
        )


def plain(text: str) -> str:
    return unescape(strip_tags(text))


def test_money_is_dollars_and_cents_always() -> None:
    shown = [plain(show.money(cents)) for cents in (0, 5, 12860, 123450, -500, None)]

    assert shown == ["$0.00", "$0.05", "$128.60", "$1,234.50", "−$5.00", ""]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (date(2026, 3, 10), "Today"),
        (date(2026, 3, 11), "Tomorrow"),
        (date(2026, 3, 9), "Yesterday"),
        (date(2026, 12, 12), "Sat, Dec 12"),
        (date(2027, 1, 8), "Fri, Jan 8, 2027"),
        (None, ""),
    ],
)
def test_a_day_is_written_the_american_way(value: date | None, words: str) -> None:
    with timezone.override(ZoneInfo("America/New_York")):
        assert plain(show.day(value)) == words


def test_today_is_the_practice_s_own_day(now: datetime) -> None:
    with timezone.override(ZoneInfo("Pacific/Kiritimati")):
        assert plain(show.day(date(2026, 3, 11))) == "Today"


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(seconds=18), "18 s ago"),
        (timedelta(minutes=59), "59 min ago"),
        (timedelta(hours=2), "Today 9:00 AM"),
        (timedelta(hours=23), "Yesterday 12:00 PM"),
        (timedelta(days=3), "Saturday 10:00 AM"),
        (timedelta(days=30), "Sun, Feb 8, 10:00 AM"),
        (timedelta(hours=-2), "Today 1:00 PM"),
        (timedelta(days=-1), "Tomorrow 11:00 AM"),
    ],
)
def test_a_moment_is_relative_within_a_week(now: datetime, ago: timedelta, words: str) -> None:
    with timezone.override(ZoneInfo("America/New_York")):
        assert plain(show.when(now - ago)) == words


def test_a_moment_tells_exactly_on_hover() -> None:
    with timezone.override(ZoneInfo("America/New_York")):
        shown = show.when(datetime(2025, 12, 12, 14, 4, tzinfo=UTC))

    assert 'title="Friday, December 12, 2025, 9:04 AM EST"' in shown
    assert 'datetime="2025-12-12T09:04:00-05:00"' in shown


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("+15555550142", "(555) 555-0142"),
        ("(555) 555-0142", "(555) 555-0142"),
        ("", ""),
        (None, ""),
        ("ask the mother", "ask the mother"),
        ("+442079460018", "+442079460018"),
    ],
)
def test_a_phone_number_is_written_the_american_way(number: str | None, words: str) -> None:
    assert show.phone(number) == words


def test_distances_are_said_for_days_that_are_not_near() -> None:
    days = [date(2026, 3, day) for day in (10, 11, 12, 17, 1)]

    assert [show.distance(day) for day in days] == ["", "", "in 2 days", "in 7 days", "9 days ago"]


def test_a_share_of_nothing_is_no_division_by_zero() -> None:
    assert [show.share(1, 0), show.share(1, 3), show.share(9, 3), show.share(-1, 3)] == [
        "0%",
        "33.33%",
        "100.00%",
        "0.00%",
    ]


def test_a_chip_s_word_is_escaped() -> None:
    shown = Template('{% chip "warn" word %}').render(Context({"word": "<b>"}))

    assert "&lt;b&gt;" in shown


def test_the_first_letters_of_a_name_are_its_picture() -> None:
    assert [show.initials(name) for name in ("Ana Sample-Ortiz", "cher", "", "3 4")] == ["AS", "C", "?", "?"]
