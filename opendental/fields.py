"""Reads one value of an Open Dental row, however oddly typed: strings for numbers, "true", 0001-01-01, SQL enums."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

# Nobody's installment; such a number is a slip of the keyboard or a broken row.
MOST_CENTS = 100_000_000


class Unreadable(ValueError):
    """A row can't be understood; `str()` says why, in words for staff, without patient data."""


class Fields:
    """The values of one row. Every method raises Unreadable with the name of the field."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.row = row

    def _given(self, name: str) -> Any:
        if self.row.get(name) is None:
            raise Unreadable(f"{name} is missing")
        return self.row[name]

    def text(self, name: str) -> str:
        value = self.row.get(name)
        return "" if value is None else str(value).replace("\x00", "").strip()

    def integer(self, name: str, default: int | None = None) -> int:
        value = self.row.get(name) if default is not None else self._given(name)
        if value in (None, "") and default is not None:
            return default
        try:
            number = Decimal(str(value).strip())
            if number != int(number):
                raise ValueError
        except (InvalidOperation, ValueError, OverflowError):
            raise Unreadable(f"{name} is not a whole number") from None
        return int(number)

    def key(self, name: str) -> int:
        """A primary key: a positive whole number."""
        number = self.integer(name)
        if not 0 < number < 2**63:
            raise Unreadable(f"{name} is not a row number")
        return number

    def decimal(self, name: str) -> Decimal:
        try:
            number = Decimal(str(self._given(name)).strip())
        except InvalidOperation:
            raise Unreadable(f"{name} is not a number") from None
        if not number.is_finite():
            raise Unreadable(f"{name} is not a number")
        return number

    def cents(self, name: str, *, negative: bool = True) -> int:
        """Dollars as cents; Open Dental keeps doubles, so half a cent goes up."""
        amount = int((self.decimal(name) * 100).to_integral_value(ROUND_HALF_UP))
        if abs(amount) > MOST_CENTS:
            raise Unreadable(f"{name} is absurdly large")
        if amount < 0 and not negative:
            raise Unreadable(f"{name} is negative")
        return amount

    def day(self, name: str) -> date | None:
        """A date, or None for the empty date of Open Dental. Times behind it are ignored."""
        value = str(self.row.get(name) or "").strip()
        if not value or value.startswith("0001-01-01"):
            return None
        try:
            day = date.fromisoformat(value[:10])
        except ValueError:
            raise Unreadable(f"{name} is not a date") from None
        if not 1880 <= day.year <= 2200:
            raise Unreadable(f"{name} is not a likely date")
        return day

    def flag(self, name: str) -> bool:
        value = str(self.row.get(name, "false")).strip().lower()
        if value in ("true", "1"):
            return True
        if value in ("false", "0", "", "none"):
            return False
        raise Unreadable(f"{name} is neither true nor false")

    def choice(self, name: str, names: Sequence[str], default: str | None = None) -> str:
        """One of `names`, given as a word or (from SQL) as its number."""
        value = self.text(name)
        if not value and default is not None:
            return default
        if value.isdigit() and int(value) < len(names):
            return names[int(value)]
        if value not in names:
            raise Unreadable(f"{name} has a value that is not known")
        return value
