"""Money is integer cents. Decimals exist only at the edges: reading Open Dental, reading a form, showing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

Readable = str | int | float | Decimal


class UnableToReadMoney(ValueError):
    """The text or number is not an amount of dollars and cents; the message says why, in plain words."""


def parse_cents(amount: Readable) -> int:
    """Dollars as a person or a strict API writes them, in cents: "$1,234.50", "−5", 128.6, Decimal("0.05").

    Raises UnableToReadMoney for anything else, also for fractions of a cent.
    """
    exact = _decimal(amount) * 100
    cents = int(exact)
    if cents != exact:
        raise UnableToReadMoney(f"{amount} has fractions of a cent")
    return cents


def lenient_cents(amount: Readable) -> int:
    """Dollars as Open Dental's doubles carry them, in cents; half a cent rounds away from zero.

    Raises UnableToReadMoney when it is no number at all.
    """
    return int((_decimal(amount) * 100).quantize(Decimal(1), ROUND_HALF_UP))


def _decimal(amount: Readable) -> Decimal:
    if isinstance(amount, bool):
        raise UnableToReadMoney(f"{amount} is not an amount of money")
    text = _bare(amount) if isinstance(amount, str) else str(amount)
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise UnableToReadMoney(f"{amount!r} is not an amount of money") from error
    if not number.is_finite() or abs(number) >= 10**12:
        raise UnableToReadMoney(f"{amount!r} is not an amount of money")
    return number


def _bare(text: str) -> str:
    """The digits of "−$1,234.50" for Decimal; a comma must stand before three digits."""
    found = re.fullmatch(r"\s*([-−+]?)\s*\$?\s*([-−]?)(\d{1,3}(?:,\d{3})+|\d*)(\.\d*)?\s*", text, re.ASCII)
    if found is None or (found[1] and found[2]):
        raise UnableToReadMoney(f"{text!r} is not an amount of money")
    sign = "-" if "-" in found[1] + found[2] or "−" in found[1] + found[2] else ""
    return sign + found[3].replace(",", "") + (found[4] or "")


def format_cents(cents: int) -> str:
    """12860 -> "$128.60", -500 -> "−$5.00"."""
    sign = "−" if cents < 0 else ""
    return f"{sign}${abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def split_evenly(cents: int, parts: int) -> list[int]:
    """`cents` in `parts` that differ by at most one cent and sum to it; the first ones are the larger."""
    return allocate(cents, [1] * parts)


def allocate(cents: int, weights: Sequence[int]) -> list[int]:
    """`cents` in proportion to `weights` (none negative, not all zero), summing to it exactly.

    Cents left over go to the largest remainders, the earlier one of equals. A weight of zero gets nothing.
    """
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise ValueError("weights must not be negative, and one must be above zero")
    sign = -1 if cents < 0 else 1
    shares = [divmod(abs(cents) * weight, whole) for weight in weights]
    left = abs(cents) - sum(share for share, _ in shares)
    lucky = set(sorted(range(len(weights)), key=lambda place: -shares[place][1])[:left])
    return [sign * (share + (place in lucky)) for place, (share, _) in enumerate(shares)]
