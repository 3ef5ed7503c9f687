"""A process that has Django and Celery loaded and forks the product's workers, so that a restart costs milliseconds.

Each child is a process of its own with its own session, connections and log. Orders come on stdin, news go to stdout,
one JSON object a line: {"name", "job", "arguments", "log"} → {"name", "pid"}, later {"name", "pid", "status"}.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

from ops.faults import tether

_POLL_SECONDS = 0.02


def main() -> None:
    tether.to_parent(int(os.environ["FAULTS_PARENT"]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import_module("ops.faults.jobs").prepare()
    _tell({"ready": True})
    _Zygote().serve()


class _Zygote:
    def __init__(self) -> None:
        self.children: dict[int, str] = {}
        self.unread = b""

    def serve(self) -> None:
        """Until stdin is closed; the children end with this process."""
        while True:
            readable, _, _ = select.select([0], [], [], _POLL_SECONDS)
            if readable:
                got = os.read(0, 65536)
                if not got:
                    return
                *lines, self.unread = (self.unread + got).split(b"\n")
                for line in lines:
                    self._fork(json.loads(line))
            self._reap()

    def _fork(self, order: dict[str, Any]) -> None:
        parent, pid = os.getpid(), os.fork()
        if pid == 0:
            _live(order, parent)
        self.children[pid] = order["name"]
        _tell({"name": order["name"], "pid": pid})

    def _reap(self) -> None:
        while self.children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            _tell({"name": self.children.pop(pid), "pid": pid, "status": os.waitstatus_to_exitcode(status)})


def _live(order: dict[str, Any], parent: int) -> None:
    """The child's whole life."""
    code = 1
    try:
        os.setsid()
        tether.to_parent(parent, signal.SIGTERM if order["job"] == "web" else signal.SIGKILL)
        _redirect(Path(order["log"]))
        signal.signal(signal.SIGINT, signal.default_int_handler)
        import_module("ops.faults.jobs").JOBS[order["job"]](*order["arguments"])
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _redirect(log: Path) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(output)


def _tell(news: dict[str, Any]) -> None:
    os.write(1, json.dumps(news).encode() + b"\n")


if __name__ == "__main__":
    main()
