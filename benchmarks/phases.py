"""The phases of bin/bench sweep: each starts a processor and what charges at it, and counts in the steady part."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

from benchmarks import running, textbook
from kasperpay.celery import app
from payments.models import DuePart
from payments.tasks import sweep_one
from practices import tenancy
from processors import limits
from processors.models import ProcessorAccount

DELAY_SECONDS = 0.5
THREADS = 32
NO_LIMIT = 1_000_000
QUIET = ("--without-gossip", "--without-mingle", "-l", "INFO")


@dataclass(frozen=True)
class Rate:
    """Charges a second in the steady part, and the processor time of each: ours (or the floor's) and PostgreSQL's.

    `most`: calls of one account and endpoint in any second; `refused`: how often the processor said "slow down".
    """

    per_second: float
    cpu_ms: float
    database_ms: float
    most: int
    refused: int


def ours(practices: list[int], *, workers: int, pace: int, seconds: float, threads: int = THREADS) -> Rate:
    """Sweep these practices once and let that many worker processes charge, `pace` calls a second and account."""
    with running.processes() as world:
        http = running.start_processor(world, delay=DELAY_SECONDS, limit=0 if pace == NO_LIMIT else pace)
        _point_at(practices, _address(http))
        for number in range(workers):
            command = ("-A", "benchmarks.worker", "worker", "-Q", "charges", "-P", "threads", "-c", str(threads))
            name = ("-n", f"charges{number}@%h")
            world.python(
                "celery", *command, *QUIET, *name, said=" ready.", BENCH_LIMIT=str(pace), LOG_LEVEL="INFO",
                PREPARE_STATEMENTS="true",
            )  # fmt: skip
        world.ready()
        limits.CALLS_PER_SECOND = pace
        for practice_id in practices:
            sweep_one(practice_id=practice_id)
        rate = _steady(http, seconds, lambda: world.cpu_seconds("celery"))
    app.control.purge()
    return rate


def floor(seconds: float) -> Rate:
    """The same calls by as many threads that do nothing else."""
    with running.processes() as world:
        http = running.start_processor(world, delay=DELAY_SECONDS)
        os.environ["BENCH_PROCESSOR"] = _address(http)
        stop = threading.Event()
        with ThreadPoolExecutor(THREADS) as pool:
            for _ in range(THREADS):
                pool.submit(_charge_until, stop)
            rate = _steady(http, seconds, time.process_time)
            stop.set()
    return rate


def _charge_until(stop: threading.Event) -> None:
    while not stop.is_set():
        textbook.create_and_confirm(128_60)


def naive(practice_id: int, *, seconds: float) -> Rate:
    """The textbook task: prefork, a process a core, one transaction around the call."""
    with running.processes() as world:
        http = running.start_processor(world, delay=DELAY_SECONDS)
        cores = str(os.cpu_count() or 1)
        command = ("-A", "benchmarks.textbook", "worker", "-Q", "textbook", "-P", "prefork", "-c", cores, *QUIET)
        world.python("celery", *command, said=" ready.", BENCH_PROCESSOR=_address(http), LOG_LEVEL="INFO")
        world.ready()
        with tenancy.scope(practice_id):
            due = list(DuePart.objects.due(running.now()).values_list("pk", flat=True)[:500])
        for part in due:
            textbook.charge.delay(practice_id, part)
        return _steady(http, seconds, lambda: world.cpu_seconds("celery"))


def _address(http: httpx.Client) -> str:
    return str(http.base_url).rstrip("/")


def _point_at(practices: list[int], address: str) -> None:
    for practice_id in practices:
        with tenancy.scope(practice_id):
            ProcessorAccount.objects.filter(practice_id=practice_id).update(base_url=address)


def _steady(http: httpx.Client, seconds: float, cpu: Callable[[], float]) -> Rate:
    """Wait for the first charges, let the start pass, then count."""
    _until_charging(http)
    time.sleep(min(4.0, seconds / 2))
    before, cpu_before, database_before = _charges(http), cpu(), running.database_cpu_seconds()
    began = time.monotonic()
    time.sleep(seconds)
    charges, lasted = max(1, _charges(http) - before), time.monotonic() - began
    spent, database, seen = cpu() - cpu_before, running.database_cpu_seconds() - database_before, _seen(http)
    return Rate(
        charges / lasted, 1000 * spent / charges, 1000 * database / charges, seen["most_in_a_second"], seen["refused"]
    )


def _until_charging(http: httpx.Client) -> None:
    for _ in range(300):
        if _charges(http):
            return
        time.sleep(0.1)
    raise RuntimeError("No charge reached the processor in 30 seconds")


def _charges(http: httpx.Client) -> int:
    return sum(_seen(http)["confirmed"].values())


def _seen(http: httpx.Client) -> dict[str, Any]:
    answer: dict[str, Any] = http.get("/_seen").json()
    return answer
