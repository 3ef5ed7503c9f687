"""bin/bench sweep: from due to charged. Our workers beside a bare thread loop (floor) and a textbook task (naive)."""

from __future__ import annotations

import os

from benchmarks import phases, printing, seed
from benchmarks.phases import DELAY_SECONDS, NO_LIMIT, THREADS, Rate
from processors import limits

ACCOUNTS = 4
WORKERS = 2
# Each phase has practices of its own, so that none finds another's work.
PRACTICES = 1 + 2 * ACCOUNTS + 2
HEAD = ("", "charges/s", "ms CPU a charge", "ms PostgreSQL", "most calls in a second", "429s")


def main(argv: list[str]) -> int:
    wish = printing.options("From due to charged, beside a bare thread loop and a textbook Celery task.", argv)
    out = printing.Report(only_json=wish.json)
    seconds, pace, due = (1.0, 10, 30) if wish.tiny else (12.0, limits.CALLS_PER_SECOND, 650)
    out.say(f"A charge is two calls, each answered after {DELAY_SECONDS * 1000:.0f} ms; {os.cpu_count()} cores.")
    out.say(f"Ours: {WORKERS} processes of {THREADS} threads, without a limit {THREADS // WORKERS} each.")
    out.say(f"Floor: {THREADS} threads. Naive: prefork, a process a core.\n")
    made = seed.fill(due * PRACTICES, due=due * PRACTICES, practices=PRACTICES).practices
    one, slow, fast, rest = made[:1], made[1 : 1 + ACCOUNTS], made[1 + ACCOUNTS : 1 + 2 * ACCOUNTS], made[-2:]
    slow_pace = max(1, pace // 5)
    single = phases.ours(one, workers=WORKERS, pace=pace, seconds=seconds)
    four_slow = single if wish.tiny else phases.ours(slow, workers=WORKERS, pace=slow_pace, seconds=seconds)
    four = single if wish.tiny else phases.ours(fast, workers=WORKERS, pace=pace, seconds=seconds)
    # As many threads as the floor has in all, in a process a core as in production.
    free = phases.ours(rest[:1], workers=WORKERS, pace=NO_LIMIT, seconds=seconds, threads=THREADS // WORKERS)
    floor = phases.floor(seconds)
    naive = phases.naive(rest[1], seconds=seconds)
    out.table(
        HEAD,
        [
            _row(f"ours, 1 account of {pace}/s", single),
            _row(f"ours, {ACCOUNTS} accounts of {slow_pace}/s", four_slow),
            _row(f"ours, {ACCOUNTS} accounts of {pace}/s", four),
            _row("ours, no limit", free),
            _row("floor: bare thread loop", floor),
            _row("naive: textbook task", naive),
        ],
    )
    return out.end(
        bench="sweep",
        limit_share=_ratio(single.per_second, pace),
        four_accounts=_ratio(four.per_second, single.per_second),
        four_slow_accounts=_ratio(four_slow.per_second, slow_pace),
        floor_ratio=_ratio(free.per_second, floor.per_second),
        naive_ratio=_ratio(free.per_second, naive.per_second),
        cpu_ms_per_charge=round(free.cpu_ms, 1),
        database_ms_per_charge=round(free.database_ms, 1),
        charges_per_second=round(free.per_second, 1),
        floor_cpu_ms_per_charge=round(floor.cpu_ms, 1),
        most_calls_in_a_second=single.most,
        refused=single.refused + four.refused + four_slow.refused,
        threads=THREADS,
        cores=os.cpu_count(),
    )


def _row(name: str, rate: Rate) -> tuple[str, ...]:
    return (
        name, f"{rate.per_second:.1f}", f"{rate.cpu_ms:.1f}", f"{rate.database_ms:.1f}", str(rate.most),
        str(rate.refused),
    )  # fmt: skip


def _ratio(value: float, base: float) -> float:
    return round(value / base, 3) if base else 0.0
