"""Cents inside, doubles in Open Dental's own columns: the conversions between the two, and Open Dental's rounding."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

LARGEST = 10**9  # dollars; nothing in a dental office costs more


def cents(amount: Any) -> int:
    """Whole cents of a number or numeric string in dollars; ValueError when it is no finite number."""
    try:
        value = Decimal(str(amount).strip())
        if not value.is_finite() or abs(value) > LARGEST:
            raise ValueError(f"not an amount: {amount!r}")
        return int((value * 100).to_integral_value(ROUND_HALF_UP))
    except InvalidOperation as error:
        raise ValueError(f"not an amount: {amount!r}") from error


def dollars(amount_cents: int) -> float:
    """The double Open Dental keeps in a money column."""
    return round(amount_cents / 100, 2)


def text(amount_cents: int) -> str:
    """Two decimals, as in the terms text of a plan."""
    return f"{amount_cents / 100:.2f}"


def short(amount_cents: int) -> str:
    """As payments print PayAmt: "339", "129.9", "129.99"."""
    return f"{amount_cents / 100:.2f}".rstrip("0").rstrip(".")


def round_up(amount: Decimal) -> int:
    """Dollars to cents, any fraction of a cent upward (the installment worked out from a number of payments)."""
    return int((amount * 100).quantize(Decimal("0.000001")).to_integral_value(ROUND_CEILING))


def half_even(amount_dollars: float) -> int:
    """.NET's Math.Round(double, 2): scale by 100 as a double, then half to even."""
    return round(amount_dollars * 100)
