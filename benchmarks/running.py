"""Processes of one measurement: the processor, workers, and how much processor time they used."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
from django.db import connection

from ops import ports
from ops.children import Service
from ops.supervisor import Supervisor

TICKS = os.sysconf("SC_CLK_TCK")


class Processes:
    """Starts and ends what a measurement needs beside the stores."""

    def __init__(self) -> None:
        self.supervisor = Supervisor()
        self._count = 0

    def python(self, module: str, *arguments: str, said: str = "", port: int = 0, **environment: str) -> None:
        """Run `python -m module` until `stop`; ready when its log says `said` or its port is open."""
        self._count += 1
        log = Path(os.environ["BENCH_FOLDER"]) / "log" / f"{module.rsplit('.')[-1]}-{self._count}.log"
        self.supervisor.launch(
            Service(
                name=f"{module} {self._count}",
                command=[sys.executable, "-m", module, *arguments],
                environment={**os.environ, **environment},
                log=log,
                is_ready=lambda: _says(log, said) if said else not ports.is_free(port),
            )
        )

    def ready(self) -> None:
        self.supervisor.wait([seat.service.name for seat in self.supervisor.seats])

    def cpu_seconds(self, module: str) -> float:
        """User and system time so far of the processes of this module, their children included."""
        pids = [seat.child.process.pid for seat in self.supervisor.seats if seat.service.name.startswith(module)]
        return cpu_seconds(pids)


@contextmanager
def processes() -> Iterator[Processes]:
    started = Processes()
    try:
        yield started
    finally:
        started.supervisor.stop()


def _says(log: Path, text: str) -> bool:
    return log.exists() and text in log.read_text()


def cpu_seconds(roots: list[int]) -> float:
    """Of these processes and all their living descendants."""
    parents: dict[int, int] = {}
    used: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(") ", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents[int(entry.name)] = int(fields[1])
            # With what ended children left behind (cutime, cstime).
            used[int(entry.name)] = sum(map(int, fields[11:15])) / TICKS
    return sum(seconds for pid, seconds in used.items() if _descends(pid, roots, parents))


def _descends(pid: int, roots: list[int], parents: dict[int, int]) -> bool:
    while pid in parents:
        if pid in roots:
            return True
        pid = parents[pid]
    return False


def database_cpu_seconds() -> float:
    """Of the whole PostgreSQL server: the parent of our connection's process and its children."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [backend] = cursor.fetchone() or (0,)
    stat = Path(f"/proc/{backend}/stat").read_text().rsplit(") ", 1)[1].split()
    return cpu_seconds([int(stat[1])])


def now() -> datetime:
    return datetime.now(UTC)


def start_processor(world: Processes, *, delay: float, limit: int = 0) -> httpx.Client:
    """A processor of benchmarks/processor.py; the client asks it what it has seen."""
    port = ports.free_port()
    arguments = ("--port", str(port), "--delay", str(delay), "--limit", str(limit))
    world.python("benchmarks.processor", *arguments, port=port)
    world.ready()
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10)
