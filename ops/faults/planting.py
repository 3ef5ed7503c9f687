"""Bugs planted from outside, one line of defense each: with any of them the auditor must find something.

`bin/faults --plant NAME` runs the machine with one; tests/faults/test_planted.py sees each caught, and a run without
any clean. The functions are called in every product process before it works; no product file knows of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from types import SimpleNamespace
from typing import Any

# Between the guards and the row: what two workers at once need to get into each other's way.
WINDOW_SECONDS = 0.3
CONSTRAINT = "one_open_or_paid_attempt_per_due_part"
# A test takes its bugs out again.
put: Callable[[Any, str, Any], None] = setattr


@dataclass(frozen=True)
class Plant:
    """`function` is called in every process; `sql` is run by the database's superuser.

    `only`: the steps of the schedule that provoke it, beside spoiled replies; others would only slow the run down.
    """

    function: Callable[[], None]
    sql: Sequence[str] = ()
    only: Sequence[str] = ("clock",)

    @property
    def path(self) -> str:
        return f"{self.function.__module__}:{self.function.__name__}"


def constraint_dropped() -> None:
    """A claim takes no locks, and the database no longer has the rule of one open or paid attempt (M2)."""
    claim, models = import_module("payments.claim"), import_module("payments.models")
    right = claim._start

    def part(due_part_id: int) -> Any:
        return models.DuePart.objects.select_related("installment").get(pk=due_part_id)

    def start(*given: Any) -> Any:
        time.sleep(WINDOW_SECONDS)
        return right(*given)

    _set(claim, locks=SimpleNamespace(due_part=part, card=lambda wanted: wanted), _start=start)


def key_changed_on_retry() -> None:
    """A charge whose answer was lost is simply asked for again, under new keys (M3, M5)."""
    processor, unknown = import_module("processors.stripe").StripeProcessor, import_module("processors.port").Unknown
    right = processor.charge

    def charge(self: Any, wanted: Any, remember: Callable[[str], bool]) -> Any:
        outcome = right(self, wanted, remember)
        if not isinstance(outcome, unknown):
            return outcome
        again = replace(wanted, create_key=f"{wanted.create_key}-again", confirm_key=f"{wanted.confirm_key}-again")
        return right(self, again, lambda _reference: True)

    _set(processor, charge=charge)


def settle_without_reread() -> None:
    """Whoever brings news takes the attempt for what it was when it was started (M6)."""
    outcomes, locks = import_module("payments.outcomes"), import_module("payments.locks")

    def attempt(attempt_id: int) -> Any:
        found = locks.attempt(attempt_id)
        found.state = "STARTED"
        return found

    _set(outcomes, locks=SimpleNamespace(attempt=attempt))


def resend_without_search() -> None:
    """After an unclear answer the ledger payment is sent again at once (M7)."""
    poster = import_module("opendental.post").Poster
    _set(poster, _search=lambda self, posting: self._send(posting))


def _set(holder: Any, **values: Any) -> None:
    """Every name must be there: a plant that no longer grows would prove nothing."""
    for name, value in values.items():
        if not hasattr(holder, name):
            raise LookupError(f"{holder} has no {name} any more: bring ops/faults/planting.py up to date")
        put(holder, name, value)


PLANTS = {
    "constraint_dropped": Plant(constraint_dropped, (f"DROP INDEX {CONSTRAINT}",), ("clock", "pay_now")),
    "key_changed_on_retry": Plant(key_changed_on_retry),
    "settle_without_reread": Plant(settle_without_reread, only=("clock", "webhook")),
    "resend_without_search": Plant(resend_without_search),
}
