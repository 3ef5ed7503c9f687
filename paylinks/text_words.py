"""What a patient's text asks for, in English or Spanish, and which day it names. Pure.

Only short texts that begin with the word: "I lost my card yesterday" is for staff to read.
"""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum


class Ask(Enum):
    MOVE = "move"
    CARD = "card"
    CALL = "call"
    PLAN = "plan"


@dataclass(frozen=True)
class Order:
    """`rest`: what follows MOVE. `language`: of its word, "" for one that both languages know."""

    ask: Ask
    rest: str = ""
    language: str = ""


_POLITE = r"(?:please |por favor |pls )?"
_MOVE = re.compile(
    rf"{_POLITE}(?:(?P<en>move|change|delay|postpone)|(?P<es>mover|mueva|mueve|cambiar|cambie|aplazar|pasar))"
    r"(?:lo|la)?(?: (?P<rest>.*))?"
)
_WHOLE: dict[Ask, tuple[str, str, str]] = {
    # English, Spanish, both.
    Ask.CARD: (
        r"card|(?:a |my )?(?:new|another|other|different) card|update card|change card|pay|pay now|link|fix",
        r"tarjeta|(?:una )?(?:nueva|otra) tarjeta|tarjeta nueva|cambiar tarjeta|pagar|pagar ahora|enlace",
        r"",
    ),
    Ask.CALL: (
        r"call|call me|call me back|please call(?: me)?|call please",
        r"llamar|llameme|llamenme|llamame|llame|llamada|llamar por favor",
        r"",
    ),
    Ask.PLAN: (r"my plan|payment plan", r"mi plan|plan de pagos", r"plan"),
}
_FILLER = re.compile(r"\b(?:it|to|the|on|for|until|my|payment|next|al?|el|para|hasta|dia|del?|pago|please|por favor)\b")
_MONTH_NAMES = (
    "jan january ene enero", "feb february febrero", "mar march marzo", "apr april abr abril", "may mayo",
    "jun june junio", "jul july julio", "aug august ago agosto", "sep sept september septiembre",
    "oct october octubre", "nov november noviembre", "dec december dic diciembre",
)  # fmt: skip
_DAY_NAMES = (
    "mon monday lunes", "tue tues tuesday martes", "wed wednesday miercoles", "thu thur thurs thursday jueves",
    "fri friday viernes", "sat saturday sabado", "sun sunday domingo",
)  # fmt: skip
_MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, start=1) for name in names.split()}
_WEEKDAYS = {name: number for number, names in enumerate(_DAY_NAMES) for name in names.split()}
_TOMORROW = {"tomorrow", "manana"}
_LONG_AHEAD = timedelta(days=180)


def _plain(text: str) -> str:
    """Lower case, no accents; of the signs only those of a date stay."""
    letters = unicodedata.normalize("NFKD", text.lower())
    kept = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[^a-z0-9/-]+", " ", kept).split())


def order(body: str) -> Order | None:
    """None: for staff to read."""
    text = _plain(body)
    if len(text) > 60:
        return None
    for ask, patterns in _WHOLE.items():
        for pattern, language in zip(patterns, ("en", "es", ""), strict=True):
            if pattern and re.fullmatch(pattern, text):
                return Order(ask, language=language)
    found = _MOVE.fullmatch(text)
    return Order(Ask.MOVE, found["rest"] or "", "en" if found["en"] else "es") if found else None


def day(rest: str, today: date, language: str) -> date | None:
    """The day a text names ("15", "the 15th", "12/15", "15 dic", "viernes"), after today; None when it is not clear."""
    text = " ".join(_FILLER.sub(" ", _plain(rest)).split())
    if text in _TOMORROW:
        return today + timedelta(days=1)
    if text in _WEEKDAYS:
        return today + timedelta(days=(_WEEKDAYS[text] - today.weekday() - 1) % 7 + 1)
    if found := re.fullmatch(r"(\d{1,2})(?:st|nd|rd|th)?", text):
        return _of_a_month(int(found[1]), today)
    if found := re.fullmatch(r"(\d{1,2})[/-](\d{1,2})(?:[/-](\d{2}|\d{4}))?", text):
        return _in_numbers(int(found[1]), int(found[2]), found[3], today, language)
    if found := re.fullmatch(r"([a-z]+) (\d{1,2})(?:st|nd|rd|th)?|(\d{1,2})(?:st|nd|rd|th)? ([a-z]+)", text):
        month = _MONTHS.get(found[1] or found[4])
        return _next(month, int(found[2] or found[3]), today) if month else None
    return None


def _of_a_month(number: int, today: date) -> date | None:
    """This month's or the next one's; a 31st that the next month lacks is no clear day."""
    if number > today.day:
        return _date(today.year, today.month, number)
    year, month = (today.year + 1, 1) if today.month == 12 else (today.year, today.month + 1)
    return _date(year, month, number)


def _in_numbers(first: int, second: int, year: str | None, today: date, language: str) -> date | None:
    """Month and day. Spanish writes the day first: where both would do, nobody can tell."""
    if language == "es" and first != second and max(first, second) <= 12:
        return None
    month, number = (second, first) if first > 12 else (first, second)
    if year is None:
        return _next(month, number, today)
    return _date(int(year) + (2000 if len(year) == 2 else 0), month, number)


def _next(month: int, number: int, today: date) -> date | None:
    """The next such day, at most half a year ahead: what lies longer ahead was meant to be in the past."""
    this_year = _date(today.year, month, number)
    found = this_year if this_year is not None and this_year > today else _date(today.year + 1, month, number)
    return found if found is not None and found - today <= _LONG_AHEAD else this_year


def _date(year: int, month: int, number: int) -> date | None:
    if not (1 <= month <= 12 and 1 <= number <= monthrange(min(max(year, 1), 9999), month)[1] and 1 <= year <= 9999):
        return None
    return date(year, month, number)
