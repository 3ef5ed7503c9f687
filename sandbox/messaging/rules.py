"""Trouble on demand for the carrier: rules that spoil the next messages to an address.

Kinds: lose (status callbacks and inbound posts never arrive), duplicate (arrive twice), reorder (the last status is
told first), undeliver and fail (final status with `error_code`), refuse (the API answers `error_code`), slow
(each status `seconds` later), bounce and defer (mail refused for good or for now).
"""

from __future__ import annotations

import fnmatch
import threading
from dataclasses import asdict, dataclass
from typing import Any

KINDS = ("lose", "duplicate", "reorder", "undeliver", "fail", "refuse", "slow", "bounce", "defer")
USUAL_CODES = {"undeliver": 30003, "fail": 30008, "refuse": 20429}


class UnableToAddRule(ValueError):
    """The wish names no known kind, or an unknown field."""


@dataclass
class Rule:
    """Spoil the next `times` messages whose address matches the shell pattern `to`."""

    kind: str
    to: str = "*"
    times: int = 1
    error_code: int = 0
    seconds: float = 0.0
    hits: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UnableToAddRule(f"kind must be one of {', '.join(KINDS)}")
        self.error_code = self.error_code or USUAL_CODES.get(self.kind, 0)


class Rules:
    """Lives in memory: a test's or a visitor's wish, no state of the outside."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._lock = threading.Lock()

    def add(self, wish: dict[str, Any]) -> None:
        try:
            rule = Rule(**wish)
        except TypeError as error:
            raise UnableToAddRule(str(error)) from error
        with self._lock:
            self._rules.append(rule)

    def take(self, address: str, *kinds: str) -> Rule | None:
        """The first rule of one of `kinds` still to be spent on `address`; it is spent by this."""
        with self._lock:
            for rule in self._rules:
                if rule.kind in kinds and rule.hits < rule.times and fnmatch.fnmatch(address, rule.to):
                    rule.hits += 1
                    return rule
        return None

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def listed(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(rule) for rule in self._rules]
