"""The zygote as seen from the runner: order children, learn which ended, kill one."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import IO, Any

from ops.children import ROOT
from ops.console import UnableToStart, last_lines

_PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Ended:
    name: str
    pid: int
    # Exit code, or minus the number of the signal.
    status: int


@dataclass
class Nursery:
    """Used from the main thread only: the zygote's life is tied to it."""

    folder: Path
    process: subprocess.Popen[bytes]
    living: dict[str, int] = field(default_factory=dict)
    _news: queue.SimpleQueue[dict[str, Any]] = field(default_factory=queue.SimpleQueue)
    _ended: list[Ended] = field(default_factory=list)

    def wait_until_ready(self) -> None:
        """Raises UnableToStart with the end of its log."""
        self._until("ready")

    def fork(self, name: str, job: str, *arguments: Any) -> int:
        """Start a child and return its pid. Raises UnableToStart when the zygote is gone."""
        order = {
            "name": name,
            "job": job,
            "arguments": list(arguments),
            "log": str(self.folder / f"{name.split('.')[0]}.log"),
        }
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        self.process.stdin.flush()
        while name not in self.living:
            self._until("name")
        return self.living[name]

    def ended(self) -> list[Ended]:
        """Children that ended since the last look."""
        while not self._news.empty():
            self._note(self._news.get())
        found, self._ended = self._ended, []
        return found

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> bool:
        """False when it is not alive."""
        pid = self.living.get(name)
        if pid is None:
            return False
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True

    def close(self) -> None:
        """Ends the zygote, and so its children."""
        for name in list(self.living):
            self.kill(name, signal.SIGTERM)
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)

    def _until(self, word: str) -> None:
        end = monotonic() + _PATIENCE_SECONDS
        while monotonic() < end:
            try:
                news = self._news.get(timeout=0.5)
            except queue.Empty:
                if self.process.poll() is not None:
                    break
                continue
            self._note(news)
            if word in news and "status" not in news:
                return
        raise UnableToStart(f"The zygote did not answer.\n{last_lines(self.folder / 'zygote.log')}")

    def _note(self, news: dict[str, Any]) -> None:
        if "status" in news:
            if self.living.get(news["name"]) == news["pid"]:
                del self.living[news["name"]]
            self._ended.append(Ended(news["name"], news["pid"], news["status"]))
        elif "pid" in news:
            self.living[news["name"]] = news["pid"]


def start(folder: Path, environment: Mapping[str, str]) -> Nursery:
    """Start the zygote; `folder` takes the logs."""
    with (folder / "zygote.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ops.faults.zygote"],
            cwd=ROOT,
            env={**environment, "FAULTS_PARENT": str(os.getpid())},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    made = Nursery(folder, process)
    assert process.stdout is not None
    threading.Thread(target=_read, args=(process.stdout, made._news), daemon=True).start()
    return made


def _read(pipe: IO[bytes], news: queue.SimpleQueue[dict[str, Any]]) -> None:
    for line in pipe:
        news.put(json.loads(line))
