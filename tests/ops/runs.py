"""Starts bin/run's supervisor as a real process on free ports in a folder of its own, and looks at what it left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from ops import postgres
from ops.children import ROOT


@dataclass
class Run:
    """One started supervisor; `output` is what it printed until it was up."""

    data: Path
    process: subprocess.Popen[str]
    output: list[str] = field(default_factory=list)

    def until_up(self) -> Run:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line)
            if "Logs and data" in line:
                return self
        raise AssertionError("".join(self.output))

    def interrupt(self) -> str:
        """Ctrl-C; everything printed from then on."""
        self.process.send_signal(signal.SIGINT)
        return self.process.communicate(timeout=40)[0]

    def url(self, database: str = "kasperpay") -> str:
        """Superuser address of the running cluster."""
        secrets = json.loads((self.data / "secrets.json").read_text())
        return f"postgres://{postgres.SUPERUSER}:{secrets['postgres_password']}@127.0.0.1:{self.port('postgres')}/{database}"

    def port(self, name: str) -> int:
        return int(json.loads((self.data / "ports.json").read_text())[name])

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url(), autocommit=True) as database:
            done = database.execute(statement.encode())
            return done.fetchall() if done.description else []


def clean_environment() -> dict[str, str]:
    """What a fresh terminal would have: none of the addresses the test run itself uses."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}


def start(data: Path, *arguments: str, **environment: str) -> Run:
    """Start without waiting."""
    data.mkdir(exist_ok=True)
    # The demo counts as done: these tests are about processes, and the suite has others for the demo.
    (data / "demo.json").write_text('{"sign_ins": []}')
    process = subprocess.Popen(
        [sys.executable, "-m", "ops.up", "--port", "0", "--data", str(data), *arguments],
        cwd=ROOT,
        env={**clean_environment(), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return Run(data, process)


def refusal(data: Path, *arguments: str, **environment: str) -> str:
    """Start something that must end by itself with exit code 1; what it said."""
    run = start(data, *arguments, **environment)
    said = run.process.communicate(timeout=40)[0]
    assert run.process.returncode == 1, said
    return said


def descendants(pid: int) -> dict[int, str]:
    """Every process below `pid` with its start time, which tells it from a later one of the same number."""
    found: dict[int, str] = {}
    waiting = [pid]
    while waiting:
        above = waiting.pop()
        for child, (parent, began) in _processes().items():
            if parent == above and child not in found:
                found[child] = began
                waiting.append(child)
    return found


def left_of(before: dict[int, str]) -> dict[int, str]:
    """Those of `before` that still run."""
    now = _processes()
    return {pid: began for pid, began in before.items() if pid in now and now[pid][1] == began}


def within(seconds: float, happened: Callable[[], bool]) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _processes() -> dict[int, tuple[int, str]]:
    """Living processes: parent and start time (in clock ticks since boot)."""
    found: dict[int, tuple[int, str]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            found[int(entry.name)] = (int(fields[1]), fields[19])
    return found
