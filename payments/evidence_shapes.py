"""What a part of the evidence consists of, whichever file it goes into."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from core.pdf import Cell, Column


@dataclass(frozen=True)
class Table:
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Content:
    """Facts (integers are cents), then texts, then tables."""

    facts: tuple[tuple[str, Cell], ...] = ()
    texts: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()


def moment(at: datetime | None, zone: ZoneInfo) -> str:
    """ "2026-03-10 11:00 EDT"; '' for None."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}" if at else ""


def day(value: date | None) -> str:
    return value.isoformat() if value else ""


def filled(*facts: tuple[str, Cell]) -> tuple[tuple[str, Cell], ...]:
    """Without those that nothing is known of."""
    return tuple((name, value) for name, value in facts if value != "")
