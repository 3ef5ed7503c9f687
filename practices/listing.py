"""Lists with filter chips: which filter is on, its count, the address of each, and paging that keeps them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.core.cache import cache
from django.core.paginator import Paginator
from redis import RedisError

T = TypeVar("T")
# A practice with so many rows is large.
MANY, KEEP_SECONDS = 5_000, 30


@dataclass(frozen=True)
class Filter:
    label: str
    count: int
    query: str
    here: bool


class Counted(Paginator):  # type: ignore[type-arg]
    """A paginator that is told how many there are."""

    def __init__(self, found: Any, size: int, count: int) -> None:
        super().__init__(found, size)
        self._known = count

    @property
    def count(self) -> int:
        return self._known


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


def kept(key: str | None, work: Callable[[], T], is_large: Callable[[T], bool]) -> T:
    """What `work` returns; of large practices as it was up to KEEP_SECONDS ago, since counting outlasts the page.

    `key` None: never kept. Without Redis everything is worked out each time.
    """
    if key is None:
        return work()
    with suppress(RedisError):
        found: T | None = cache.get(key)
        if found is not None:
            return found
    made = work()
    if is_large(made):
        with suppress(RedisError):
            cache.set(key, made, KEEP_SECONDS)
    return made
