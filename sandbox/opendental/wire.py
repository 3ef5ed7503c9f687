"""Reading request bodies as leniently, and printing values as oddly, as Open Dental's API does."""

from __future__ import annotations

import math
import re
from datetime import date
from typing import Any

from sandbox.opendental.errors import bad
from sandbox.opendental.money import cents

Body = dict[str, Any]
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def flag(number: Any) -> Any:
    """Booleans travel as "true" and "false"."""
    return {0: "false", 1: "true"}.get(number, number)


def required(body: Body, *names: str) -> None:
    for name in names:
        if body.get(name) in (None, ""):
            raise bad(f"{name} is required.")


def integer(body: Body, name: str, default: int = 0) -> int:
    try:
        value = int(str(body.get(name, default)))
    except ValueError:
        raise bad(f"{name} is invalid.") from None
    if abs(value) >= 2**63:
        raise bad(f"{name} is invalid.")
    return value


def amount(body: Body, name: str, default: int = 0) -> int:
    """Cents of a dollar amount given as number or string."""
    if body.get(name) in (None, ""):
        return default
    try:
        return cents(body[name])
    except ValueError:
        raise bad(f"{name} is invalid.") from None


def number(body: Body, name: str, default: float = 0.0) -> float:
    try:
        value = float(body.get(name, default))
    except (TypeError, ValueError):
        raise bad(f"{name} is invalid.") from None
    if not math.isfinite(value):
        raise bad(f"{name} is invalid.")
    return value


def boolean(body: Body, name: str, default: bool = False) -> bool:
    value = str(body.get(name, default)).lower()
    if value not in ("true", "false"):
        raise bad(f'{name} must be "true" or "false".')
    return value == "true"


def text(body: Body, name: str, default: str = "", *, longest: int = 0) -> str:
    value = str(body.get(name, default)).replace("\x00", "")
    if longest and len(value) > longest:
        raise bad(f"{name} must be {longest} characters or less.")
    return value


def date_of(body: Body, name: str, default: date | None = None) -> date | None:
    value = body.get(name)
    if value in (None, ""):
        return default
    if not DAY.fullmatch(str(value)):
        raise bad(f"{name} format must be yyyy-MM-dd")
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise bad(f"{name} format must be yyyy-MM-dd") from None


def moment_of(body: Body, name: str, default: str) -> str:
    value = str(body.get(name) or default)
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}", value):
        raise bad(f"{name} format must be yyyy-MM-dd HH:mm:ss")
    return value


def choice(body: Body, name: str, names: tuple[str, ...], default: str) -> int:
    """The database's number of an enumeration's name."""
    value = str(body.get(name, default))
    if value not in names:
        raise bad(f"{name} is invalid.")
    return names.index(value)


def integers(body: Body, name: str) -> list[int]:
    value = body.get(name) or []
    try:
        return [int(item) for item in value]
    except (TypeError, ValueError):
        raise bad(f"{name} is invalid.") from None


def printed_day(text_date: str, form: str | None) -> str:
    """A date column in one of .NET's custom formats; only the common letters are known."""
    return _formatted(f"{text_date[:10]} 00:00:00", form) if form else text_date


def printed_moment(text_moment: str, form: str | None) -> str:
    return _formatted(text_moment, form) if form else text_moment


def _formatted(moment: str, form: str) -> str:
    parts = dict(zip(("yyyy", "MM", "dd", "HH", "mm", "ss"), re.split(r"[- :]", moment), strict=False))
    return re.sub("yyyy|MM|dd|HH|mm|ss", lambda found: parts.get(found.group(), found.group()), form)
