"""The run's log, one JSON object a line: first the wish, then every step as planned with what came of it."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

from ops.faults.schedule import Step


class Journal:
    """Any thread may write."""

    def __init__(self, path: Path, wish: dict[str, Any]) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._file = path.open("w")
        self.write(wish=wish)

    def write(self, **line: Any) -> None:
        with self._lock:
            self._file.write(json.dumps({"t": round(time.monotonic() - self._began, 3), **line}, default=str) + "\n")
            self._file.flush()

    def close(self) -> None:
        self._file.close()


def steps(path: Path) -> list[Step]:
    """The schedule of an earlier run, to be replayed."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return sorted((Step(**line["step"]) for line in lines if "step" in line), key=Step.order)
