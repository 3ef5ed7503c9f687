"""Which ports are used: what was asked for, else what this data used last time, else the defaults."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from ops.console import UnableToStart

DEFAULTS = {
    "web": 8000,
    "control": 8001,
    "opendental": 8002,
    "stripe": 8003,
    "messaging": 8004,
    "smtp": 8005,
    "postgres": 8006,
    "valkey": 8007,
}
OPTIONS = {
    "web": "--port",
    **dict.fromkeys(("control", "opendental", "stripe", "messaging", "smtp"), "--sandbox-port"),
    "postgres": "--postgres-port",
    "valkey": "--valkey-port",
}
# Nobody types these addresses, so a taken one is quietly replaced unless it was asked for.
_QUIET = {"postgres", "valkey"}


def choose(asked: Mapping[str, int], remembered: Mapping[str, int], *, any_free: bool) -> dict[str, int]:
    """A port for every name. Raises UnableToStart naming the taken port and the option that changes it."""
    chosen: dict[str, int] = {}
    for name, default in DEFAULTS.items():
        wish = asked.get(name) or remembered.get(name) or (0 if any_free else default)
        if wish and wish not in chosen.values() and is_free(wish):
            chosen[name] = wish
        elif name not in asked and (any_free or name in _QUIET):
            chosen[name] = free_port(taken=set(chosen.values()))
        else:
            raise UnableToStart(
                f"port {wish} ({name}) is already in use. Choose another with {OPTIONS[name]}, "
                "or let --port 0 choose free ones."
            )
    return chosen


def is_free(port: int) -> bool:
    """Whether this user can listen on 127.0.0.1:port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(taken: set[int] | None = None) -> int:
    """A port that is free now and not in `taken`."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in (taken or set()):
            return port


def remember(path: Path, chosen: Mapping[str, int]) -> None:
    path.write_text(json.dumps(dict(chosen), indent=1))


def recall(path: Path) -> dict[str, int]:
    """What `remember` wrote; empty on a first start."""
    return dict(json.loads(path.read_text())) if path.exists() else {}


def answers_http(port: int, path: str) -> Callable[[], bool]:
    """A readiness check: GET http://127.0.0.1:port/path gives anything below 500."""

    def check() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path, headers={"Host": f"127.0.0.1:{port}"})
            return connection.getresponse().status < 500
        except OSError:
            return False
        except http.client.HTTPException:
            return False
        finally:
            connection.close()

    return check
