"""Which requests are spoiled by chance: a seeded draw for every request that a rule matches, counted by kind."""

from __future__ import annotations

import fnmatch
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_WRITES = ("POST ", "PUT ", "PATCH ", "DELETE ")


class Chance:
    """Off until `begin`. A rule is {"match": pattern, "shares": {kind: share of 1}, "seconds": longest hold}."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.rules: list[dict[str, Any]] = []
        self.random = random.Random(0)
        self.counts: Counter[str] = Counter()
        # Requests a rule was about; writes that are being answered and requests that are held now.
        self.seen = self.writing = self.holding = 0

    def begin(self, seed: str | None, rules: list[dict[str, Any]]) -> None:
        """Other rules from now on; without a seed the draws go on as they were."""
        with self.lock:
            self.random, self.rules = random.Random(seed) if seed else self.random, rules

    def end(self) -> None:
        with self.lock:
            self.rules = []

    def told(self) -> dict[str, Any]:
        """{"counts": {kind: spoiled}, "seen": requests a rule was about, "writing", "holding": under way now}"""
        with self.lock:
            counts = dict(self.counts)
            return {"counts": counts, "seen": self.seen, "writing": self.writing, "holding": self.holding}

    def draw(self, line: str) -> tuple[str, float] | None:
        """The kind and the seconds of the fault that befalls this request, if one does. The first rule counts."""
        with self.lock:
            rule = next((rule for rule in self.rules if fnmatch.fnmatch(line, rule["match"])), None)
            if rule is None:
                return None
            self.seen += 1
            lot, held = self.random.random(), self.random.random()
            for kind, share in rule["shares"].items():
                lot -= share
                if lot < 0:
                    self.counts[kind] += 1
                    # Most are held shortly, a few for the whole time.
                    return kind, held**3 * rule.get("seconds", 0.0) if kind.startswith("slow") else 0.0
        return None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Counts the requests that are held."""
        with self.lock:
            self.holding += 1
        try:
            yield
        finally:
            with self.lock:
                self.holding -= 1

    @contextmanager
    def under_way(self, line: str) -> Iterator[None]:
        """Counts the writes of the API that are being answered."""
        number = int(line.startswith(_WRITES) and "/_sandbox/" not in line)
        with self.lock:
            self.writing += number
        try:
            yield
        finally:
            with self.lock:
                self.writing -= number
