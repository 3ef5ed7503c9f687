"""Filters and tags of every page: money, days, moments, phone numbers, icons and status chips."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import phonenumbers
from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from core import clock
from core.money import format_cents
from practices import chips, icons

register = template.Library()

WEEK = timedelta(days=7)


@register.filter
def money(cents: int | None) -> SafeString:
    """Integer cents as $1,234.50; nothing for None."""
    if cents is None:
        return SafeString("")
    return format_html('<span class="money">{}</span>', format_cents(cents))


@register.filter
def dollars(cents: int | None) -> str:
    """Integer cents as plain text, for attributes and button labels."""
    return "" if cents is None else format_cents(cents)


def plain_day(day: date, today: date) -> str:
    """ "Fri, Dec 12", with the year when it is not this one."""
    text = f"{day:%a, %b} {day.day}"
    return text if day.year == today.year else f"{text}, {day.year}"


@register.filter
def day(value: date | None, place: str = "") -> SafeString:
    """A practice-local date: Today, Tomorrow, Yesterday or "Fri, Dec 12"; the full date on hover.

    `place` "within" is for the middle of a sentence: today, tomorrow, yesterday.
    """
    if value is None:
        return SafeString("")
    today = timezone.localdate(clock.now())
    near = {-1: _("Yesterday"), 0: _("Today"), 1: _("Tomorrow")}
    word = near.get((value - today).days)
    word = (word.lower() if place == "within" else word) if word else plain_day(value, today)
    exact = f"{value:%A, %B} {value.day}, {value.year}"
    return format_html('<time datetime="{}" title="{}">{}</time>', value.isoformat(), exact, word)


@register.filter
def plain(value: date | None) -> str:
    """A date as plain text, for sentences and labels."""
    return "" if value is None else plain_day(value, timezone.localdate(clock.now()))


@register.filter
def distance(value: date | None) -> str:
    """How far a date is from today: "in 3 days", "19 days ago"; nothing for today and its neighbors."""
    if value is None:
        return ""
    days = (value - timezone.localdate(clock.now())).days
    if abs(days) < 2:
        return ""
    return _("in %(n)d days") % {"n": days} if days > 0 else _("%(n)d days ago") % {"n": -days}


@register.filter
def when(moment: datetime | None) -> SafeString:
    """A moment in the practice's zone: relative within a week, a date after that; exact on hover."""
    if moment is None:
        return SafeString("")
    local = timezone.localtime(moment)
    exact = f"{local:%A, %B} {local.day}, {local.year}, {_clock_time(local)} {local:%Z}"
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(), exact, _moment_text(local))


def _moment_text(local: datetime) -> str:
    now = timezone.localtime(clock.now())
    gone = now - local
    if timedelta(0) <= gone < timedelta(hours=1):
        return _seconds_ago(int(gone.total_seconds()))
    return f"{_day_text(local.date(), now.date())} {_clock_time(local)}"


def _seconds_ago(seconds: int) -> str:
    if seconds < 10:
        return _("just now")
    return _("%(n)d s ago") % {"n": seconds} if seconds < 60 else _("%(n)d min ago") % {"n": seconds // 60}


def _day_text(day: date, today: date) -> str:
    near = {-1: _("Yesterday"), 0: _("Today"), 1: _("Tomorrow")}
    days = (day - today).days
    if days in near:
        return near[days]
    return f"{day:%A}" if -7 < days < 0 else plain_day(day, today) + ","


def _clock_time(local: datetime) -> str:
    return f"{local.hour % 12 or 12}:{local:%M} {'AM' if local.hour < 12 else 'PM'}"


@register.filter
def hour(value: int) -> str:
    """An hour of the day, 0 to 24, as 10:00 AM."""
    return f"{value % 12 or 12}:00 {'AM' if value % 24 < 12 else 'PM'}"


@register.filter
def phone(number: str | None) -> str:
    """An American number as (555) 555-0142; anything else as it was written."""
    try:
        parsed = phonenumbers.parse(number or "", "US")
    except phonenumbers.NumberParseException:
        return number or ""
    if parsed.country_code != 1 or len(str(parsed.national_number)) != 10:
        return number or ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)


@register.filter
def initials(name: str) -> str:
    """Two letters for the round picture of a person."""
    words = [word for word in name.split() if word[:1].isalpha()]
    return "".join(word[0] for word in words[:1] + words[1:][-1:]).upper() or "?"


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """The picture called `name` in practices/icons.py; it is decoration, so words must stand beside it."""
    return icons.use(name, extra)


@register.simple_tag
def sprite(*names: str) -> SafeString:
    """All icons once per page, or only those named."""
    return icons.sprite(names) if names else icons.sprite()


@register.simple_tag
def chip(key: str, word: str = "", family: str = "") -> SafeString:
    """A status chip: {% chip installment.status family="installment" %} or {% chip "warn" "No card attached" %}."""
    shown = chips.chip(f"{family}:{key}" if family else key, word)
    shape = '<span class="chip" data-tone="{}">{}{}</span>'
    return format_html(shape, shown.tone, icons.use(shown.icon), shown.word)


@register.filter
def share(part: int, whole: int) -> str:
    """`part` of `whole` as a percentage for an SVG width, "0%" when there is no whole."""
    return f"{max(0, min(100, part * 100 / whole)):.2f}%" if whole > 0 else "0%"


@register.filter
def cut_link(text: str, mark: str) -> str:
    """A message as kept: its secret link is put in only while it is sent, so staff see that one stood there."""
    return text.replace(mark, _("[secure link]"))
