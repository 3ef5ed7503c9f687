"""Lists with filter chips: which filter is on, its count, the address of each, and paging that keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode


@dataclass(frozen=True)
class Filter:
    label: str
    count: int
    query: str
    here: bool


def filters(labels: Mapping[str, str], counts: Mapping[str, int], chosen: str, text: str) -> list[Filter]:
    """One chip per label; `text` is what was searched and stays in the address."""
    return [
        Filter(label, counts[key], "?" + query(filter=key, q=text).rstrip("&"), key == chosen)
        for key, label in labels.items()
    ]


def query(**given: str) -> str:
    """ "filter=overdue&q=smith&" without empty parts, ready for "page=2" behind it."""
    kept = {name: value for name, value in given.items() if value}
    return f"{urlencode(kept)}&" if kept else ""
