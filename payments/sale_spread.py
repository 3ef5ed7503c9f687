"""Which lines of a desk sale a tender pays: in their order, each up to what earlier tenders left of it."""

from __future__ import annotations

from django.db.models import F, Sum
from django.db.models.functions import Coalesce

from payments.models import Sale, SaleLine


def spread(sale: Sale, cents: int) -> list[tuple[SaleLine, int]]:
    """(line, cents of it that are settled), by money or by a discount; what is too much goes with the last."""
    settled = Sum(F("allocations__amount_cents") + F("allocations__discount_cents"))
    lines = list(sale.lines.annotate(taken=Coalesce(settled, 0)).order_by("pk"))
    found = list[tuple[SaleLine, int]]()
    for line in lines:
        part = cents if line is lines[-1] else min(cents, line.amount_cents - line.taken)
        if part > 0:
            found.append((line, part))
            cents -= part
    return found
