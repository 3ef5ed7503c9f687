"""Counts from the sandbox's own books: webhooks that went astray, replies that met a key in use, charges made."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

from ops.places import Places


def webhooks(place: Places) -> Counter[str]:
    """Events whose delivery was spoiled: "webhook:lose" → how many."""
    sql = "SELECT fault, count(DISTINCT event) FROM deliveries WHERE fault <> '' GROUP BY fault"
    return Counter({f"webhook:{kind}": int(number) for kind, number in _rows(place, sql)})


def holds(place: Places) -> Counter[str]:
    """Writes that were held with their idempotency key in use."""
    sql = "SELECT count(*) FROM wishes WHERE kind = 'hold' AND left = 0"
    return Counter({"stripe:hold_with_key": int(_rows(place, sql)[0][0])})


def charges(place: Places) -> int:
    """Charges that took money."""
    sql = "SELECT count(*) FROM objects WHERE object = 'charge' AND json_extract(body, '$.status') = 'succeeded'"
    return int(_rows(place, sql)[0][0])


def _rows(place: Places, sql: str) -> list[tuple[Any, ...]]:
    path: Path = place.sandbox / "stripe/stripe.sqlite3"
    books = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
    try:
        return books.execute(sql).fetchall()
    finally:
        books.close()
