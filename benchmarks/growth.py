"""bin/bench growth: what one due installment costs with 1,000, 100,000 and 1,000,000 installments stored.

The same number is due each time, in one practice. Counted over the whole way from sweep to settled: pages that
PostgreSQL touched (buffers) and time. The processor answers at once, in this process.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from unittest import mock

from django.db import connection

from benchmarks import plans, printing, running, seed, worker
from benchmarks.books import ROWS
from payments import charging, sweep, upward
from payments.models import Attempt
from practices import tenancy
from processors.port import Charge, Outcome, Succeeded

# At most so many times the cost at the smallest size.
MOST_BUFFERS, MOST_TIME = 1.1, 1.3
# The first ones read the catalog.
WARM_UP = 10


@dataclass(frozen=True)
class Cost:
    """Per due installment: 8 kB pages touched, milliseconds by the wall clock."""

    stored: int
    buffers: float
    ms: float


class Instant:
    """A processor that takes everything at once: its own cost must not hide ours."""

    def charge(self, charge: Charge, remember: Callable[[str], bool]) -> Outcome:
        reference = f"pi_{charge.create_key}"[:60]
        remember(reference)
        return Succeeded(reference, int(charge.create_params["amount"]))


def main(argv: list[str]) -> int:
    wish = printing.options("Cost of a due installment as the database grows, with the plans of its queries.", argv)
    out = printing.Report(only_json=wish.json)
    sizes, due = ((200, 400), 20) if wish.tiny else ((1_000, 100_000, 1_000_000), 90)
    upward.handlers.recheck, upward.handlers.nudge = worker.stamp, lambda _: None
    costs, shown = [], list[str]()
    with mock.patch("processors.accounts.for_practice", return_value=Instant()):
        for stored in sizes:
            seed.empty()
            made = seed.fill(stored // ROWS, due=due)
            out.say(f"{stored:,} installments stored: {made.rows:,} rows in {made.seconds:.0f} s")
            with tenancy.scope(made.practices[0]):
                cost, shown = _measure(stored)
                costs.append(cost)
    _print(out, costs, shown)
    first, last = costs[0], costs[-1]
    return out.end(
        bench="growth",
        stored=[one.stored for one in costs],
        buffers=[round(one.buffers, 1) for one in costs],
        ms=[round(one.ms, 2) for one in costs],
        buffers_ratio=round(last.buffers / first.buffers, 3),
        buffers_ratio_of_the_last_step=round(last.buffers / costs[-2].buffers, 3),
        time_ratio=round(last.ms / first.ms, 3),
        sequential_scans=sum("Seq Scan" in line for line in shown),
        due=due,
    )


def _measure(stored: int) -> tuple[Cost, list[str]]:
    """Charge everything that is due; the last one's queries are explained."""
    now, due = running.now(), list[int]()
    before = _buffers()
    sweep.sweep(now=now, hand_over=due.append)
    swept = _buffers() - before
    *measured, last = due[WARM_UP:]
    for part in due[:WARM_UP]:
        _charge(part)
    before, began = _buffers(), time.perf_counter()
    for part in measured:
        _charge(part)
    ms, buffers = 1000 * (time.perf_counter() - began), _buffers() - before
    shown = plans.of(lambda: _charge(last))
    return Cost(stored, swept / len(due) + buffers / len(measured), ms / len(measured)), shown


def _charge(part: int) -> None:
    attempt = charging.collect(part, channel=Attempt.Channel.AUTOPAY, actor="autopay", now=running.now())
    assert attempt.state == "SUCCEEDED", attempt.state


def _buffers() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT pg_stat_clear_snapshot(), blks_hit + blks_read FROM pg_stat_database"
            " WHERE datname = current_database()"
        )
        row = cursor.fetchone()
    return int(row[1]) if row else 0


def _print(out: printing.Report, costs: list[Cost], shown: list[str]) -> None:
    first = costs[0]
    out.say()
    out.table(
        ("stored", "buffers a due installment", "times", "ms", "times"),
        [
            (f"{one.stored:,}", f"{one.buffers:.0f}", f"{one.buffers / first.buffers:.2f}", f"{one.ms:.1f}",
             f"{one.ms / first.ms:.2f}")
            for one in costs
        ],
    )  # fmt: skip
    out.say(f"Goals: buffers at most {MOST_BUFFERS} times, time at most {MOST_TIME} times.")
    out.say("What one charge reads, and how, at the largest size:")
    for line in shown:
        out.say(f"  {line}")
    out.say()
