"""Spoiled replies of the sandbox: which share of which requests, and how many were spoiled."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import httpx

from ops.faults.scaling import LONGEST_HOLD_SECONDS

RANDOM = "/_sandbox/faults/random"
# A charge takes two such calls: were more of them spoiled, none would come as far as its posting.
_MONEY = {
    "drop_before": 0.03, "drop_after": 0.06, "error_before": 0.03, "error_after": 0.06, "throttle": 0.03,
    "slow": 0.03, "slow_after": 0.03,
}  # fmt: skip
# Few: two jobs in a row that don't reach an office open its circuit breaker, and then nothing is tried at all.
_READS = {"drop_before": 0.006, "drop_after": 0.006, "error_before": 0.006, "throttle": 0.004, "slow_after": 0.012}
RULES: dict[str, list[tuple[str, dict[str, float]]]] = {
    "stripe": [
        ("POST /v1/payment_intents*", {**_MONEY, "conflict": 0.03}),
        ("POST /v1/*", {name: share / 2 for name, share in _MONEY.items()}),
        ("GET /v1/*", {name: share * 7 for name, share in _READS.items()}),
    ],
    "opendental": [
        ("POST /api/v1/payments", _MONEY),
        ("PUT /api/v1/payments/*", _MONEY),
        ("* /api/v1/*", _READS),
    ],
}


class Spoiler:
    """Speaks to the sandbox's processes. Any thread."""

    def __init__(self, addresses: dict[str, str], seed: int, strength: float) -> None:
        self.addresses = {name: addresses[name] for name in RULES}
        self.seed, self.strength = seed, strength
        self.http = httpx.Client(trust_env=False, timeout=20)
        self._is_sown = False

    def begin(self, *, holding: bool = True) -> None:
        """`holding` False: nothing is held back for now."""
        for name, rules in RULES.items():
            made = [self._rule(*rule, holding) for rule in rules]
            # Only the first call of a run sows; later ones go on drawing.
            self._ask("POST", name, json={"seed": None if self._is_sown else f"{self.seed}-{name}", "rules": made})
        self._is_sown = True

    def _rule(self, match: str, shares: dict[str, float], holding: bool) -> dict[str, Any]:
        kept = {kind: share * self.strength for kind, share in shares.items() if holding or "slow" not in kind}
        return {"match": match, "shares": kept, "seconds": LONGEST_HOLD_SECONDS}

    def end(self) -> None:
        for name in RULES:
            self._ask("DELETE", name)

    def counts(self) -> Counter[str]:
        """Spoiled so far: "stripe:drop_after" → how often."""
        found: Counter[str] = Counter()
        for name in RULES:
            for kind, number in self._ask("GET", name)["counts"].items():
                found[f"{name}:{kind}"] = number
        return found

    def seen(self) -> int:
        """Requests the product has sent since the faults began."""
        return sum(int(self._ask("GET", name)["seen"]) for name in RULES)

    def writing(self) -> int:
        """Writes that are being answered now."""
        return sum(int(self._ask("GET", name)["writing"]) for name in RULES)

    def holding(self) -> int:
        return sum(int(self._ask("GET", name)["holding"]) for name in RULES)

    def _ask(self, method: str, name: str, **more: Any) -> Any:
        return self.http.request(method, self.addresses[name] + RANDOM, **more).raise_for_status().json()


# What the product asks the outside in one second of the schedule.
REQUESTS_A_SECOND = 25.0
_LOOK_SECONDS = 0.25
# In seconds of the schedule a real second: it goes on, slowly, also when the product does nothing at all.
_SLOWEST, FASTEST = 0.1, 3.0


class Pace:
    """The schedule's own time: as fast as the product works, so that a fault comes with every so many requests.

    Kills by real time alone would leave a slow machine nothing to kill: every worker would die before it did anything.
    """

    def __init__(self, spoiler: Spoiler) -> None:
        self.spoiler = spoiler
        self._at, self._looked, self._seen = 0.0, time.monotonic(), spoiler.seen()

    def now(self) -> float:
        """Seconds of the schedule that have passed."""
        passed = time.monotonic() - self._looked
        if passed >= _LOOK_SECONDS:
            seen = self.spoiler.seen()
            earned = (seen - self._seen) / REQUESTS_A_SECOND
            self._at += min(passed * FASTEST, max(earned, passed * _SLOWEST))
            self._looked, self._seen = time.monotonic(), seen
        return self._at
