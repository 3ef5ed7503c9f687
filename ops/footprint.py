"""python -m ops.footprint [--json]: what each process of the product takes, for docs/operations.md, "Size".

Memory and connections while the main job is walked; then, with nothing to do, the CPU time of one visit to a practice.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg

from ops import postgres, product, smoke, stack
from ops.console import say
from ops.smokerun import BEAT_SCALE
from ops.stack import Running

OURS = ("web", *product.WORKERS)
VISITED_BY = ("worker-default", "postgres")
IDLE_SECONDS = 20.0
_SENT = "Sending due task"
_PEAKS = "SELECT application_name, count(*) FROM pg_stat_activity WHERE application_name LIKE 'kasperpay-%' GROUP BY 1"


def main(arguments: list[str]) -> int:
    """One line per process; the last line is one JSON object with --json."""
    with tempfile.TemporaryDirectory(prefix="kasperpay-footprint-") as folder:
        place = stack.temporary_folder(folder)
        try:
            place.prepare()
            chosen = stack.choose_ports(place, {}, any_free=True)
            with stack.running(place, chosen, BEAT_SCALE=BEAT_SCALE) as running:
                found = measure(running)
        finally:
            postgres.remove(place.data)
    for name, facts in found.items():
        say(f"{name:<16}" + ", ".join(f"{what} {value:g}" for what, value in facts.items()))
    if "--json" in arguments:
        say(json.dumps(found))
    return 0


def measure(running: Running) -> dict[str, dict[str, float]]:
    running.supervisor.wait(product.WORKERS)
    with _peaks(running.environment["DATABASE_OWNER_URL"]) as peaks:
        smoke.walk(running)
    pids = {seat.service.name: seat.child.process.pid for seat in running.supervisor.seats}
    found = {
        name: {"rss_mb": round(_rss_mb(pids[name]), 1), "connections": peaks[f"kasperpay-{name}"]} for name in OURS
    }
    cpu = _cpu_ms_per_visit(running, {name: pids[name] for name in VISITED_BY})
    for name, spent in cpu.items():
        found.setdefault(name, {})["cpu_ms_per_visit"] = round(spent, 2)
    return found


def _cpu_ms_per_visit(running: Running, groups: Mapping[str, int]) -> dict[str, float]:
    """While nothing is due: CPU of worker and database, by the tasks the timetable sent × the practices."""
    beat = running.places.log / "beat.log"
    with psycopg.connect(running.environment["DATABASE_OWNER_URL"]) as database:
        (practices,) = database.execute("SELECT count(*) FROM practices_practice").fetchone() or (0,)
    sent, before = beat.read_text().count(_SENT), {name: _cpu_ms(pid) for name, pid in groups.items()}
    time.sleep(IDLE_SECONDS)
    visits = (beat.read_text().count(_SENT) - sent) * practices
    return {name: (_cpu_ms(pid) - before[name]) / visits for name, pid in groups.items()}


@contextmanager
def _peaks(url: str) -> Iterator[Counter[str]]:
    """The most connections of each process seen at once while the block runs."""
    most: Counter[str] = Counter()
    over = threading.Event()

    def look() -> None:
        with psycopg.connect(url, autocommit=True) as database:
            while not over.is_set():
                for name, count in database.execute(_PEAKS):
                    most[name] = max(most[name], count)
                time.sleep(0.1)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield most
    finally:
        over.set()
        thread.join()


def _rss_mb(group: int) -> float:
    """Resident memory of a process and everything it started (one session each, ops/children.py)."""
    return sum(int(found[1]) for found in _of_group(group, "statm")) * os.sysconf("SC_PAGESIZE") / 1_000_000


def _cpu_ms(group: int) -> float:
    """CPU time so far, of those that have ended too as far as they were waited for."""
    ticks = sum(sum(map(int, found[11:15])) for found in _of_group(group, "stat"))
    return ticks * 1000 / os.sysconf("SC_CLK_TCK")


def _of_group(group: int, file: str) -> Iterator[list[str]]:
    """The fields of /proc/…/stat (from the state on) or statm of each process of a group."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if os.getsid(int(entry.name)) == group:
                yield (entry / file).read_text().rpartition(")")[2].split()
        except OSError:
            continue  # It has ended meanwhile.


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
