"""Money is integer cents. Decimals exist only at the edges: reading Open Dental, reading a form, showing."""

from __future__ import annotations


def format_cents(cents: int) -> str:
    """12860 -> "$128.60", -500 -> "−$5.00"."""
    sign = "−" if cents < 0 else ""
    return f"{sign}${abs(cents) // 100:,}.{abs(cents) % 100:02d}"
