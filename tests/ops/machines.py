"""Machines for tests: process groups of real workers, beats and web servers on the test's database and broker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import connections

from ops.children import ROOT
from tests.outside import free_port

CELERY = (sys.executable, "-m", "celery", "-A", "kasperpay")
QUIET = ("--without-gossip", "--without-mingle", "-l", "INFO")


@dataclass
class Process:
    """One process; `log` is its file of JSON lines."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def lines(self) -> list[dict[str, Any]]:
        found = []
        for line in self.log.read_text().splitlines():
            if line.startswith("{"):
                found.append(json.loads(line))
        return found

    def says(self, text: str) -> bool:
        return text in self.log.read_text()

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def wait(self, seconds: float = 60) -> int:
        return self.process.wait(seconds)

    @property
    def rss_mb(self) -> float:
        """Resident memory of it and its children."""
        group = os.getpgid(self.pid)
        pages = 0
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if os.getpgid(int(entry.name)) == group:
                        pages += int((entry / "statm").read_text().split()[1])
                except (OSError, IndexError):
                    continue
        return pages * os.sysconf("SC_PAGESIZE") / 1_000_000


@dataclass
class Machine:
    """A host of its own: its own files, its own process group each; only database and broker are shared."""

    name: str
    folder: Path
    environment: dict[str, str]
    processes: list[Process] = field(default_factory=list)

    def charges(self, threads: int = 4) -> Process:
        return self._worker("charges", threads)

    def default(self, threads: int = 4) -> Process:
        return self._worker("default", threads)

    def beat(self, place: str = "") -> Process:
        """`place`: where it keeps its schedule; a beat that is started again keeps its place."""
        schedule = str(self.folder / f"schedule-{self.name}{place}")
        return self.start("beat", *CELERY, "beat", "-s", schedule, "--pidfile=", "-l", "INFO", ready="beat: Starting")

    def web(self, port: int) -> Process:
        size = ("--workers", "1", "--blocking-threads", "8", "--no-ws", "--workers-kill-timeout", "30")
        address = ("--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port))
        command = (sys.executable, "-m", "granian", *address, *size, "kasperpay.wsgi:application")
        return self.start("web", *command, ready="Started worker")

    def start(self, name: str, *command: str, ready: str) -> Process:
        log = self.folder / f"{self.name}-{name}-{len(self.processes)}.log"
        with log.open("wb") as file:
            child = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, stdout=file,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        process = Process(f"{self.name}/{name}", child, log)
        self.processes.append(process)
        until(lambda: process.says(ready), f"{process.name} is ready", log)
        return process

    def _worker(self, queue: str, threads: int) -> Process:
        command = ("worker", "-Q", queue, "-P", "threads", "-c", str(threads), "-n", f"{queue}@{self.name}", *QUIET)
        return self.start(queue, *CELERY, *command, ready=" ready.")

    def stop(self) -> None:
        for process in self.processes:
            if process.process.poll() is None:
                process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(5)


def environment(**more: str) -> dict[str, str]:
    """What the processes of one deployment share: the test's database, broker and keys."""
    into = connections["default"].settings_dict
    url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**into)
    return {**os.environ, "DATABASE_URL": url, "PYTHONUNBUFFERED": "1", "ALLOWED_HOSTS": "*", **more}


@contextmanager
def machines(folder: Path, *names: str, **more: str) -> Iterator[list[Machine]]:
    """So many hosts, empty; whatever was started on them is stopped at the end."""
    found = [Machine(name, folder, environment(**more)) for name in names]
    try:
        yield found
    finally:
        for machine in found:
            machine.stop()


def until(happened: Callable[[], Any], what: str, log: Path | None = None, *, seconds: float = 90) -> None:
    """Wait for it. Raises AssertionError with the end of the log."""
    deadline = time.monotonic() + seconds
    while not happened():
        end = log.read_text()[-3000:] if log else ""
        assert time.monotonic() < deadline, f"It did not happen in {seconds} s: {what}\n{end}"
        time.sleep(0.1)


__all__ = ["Machine", "Process", "environment", "free_port", "machines", "until"]
