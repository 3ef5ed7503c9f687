"""Faults on demand: a queue of rules, each spoiling the next matching requests, as WSGI middleware.

Kinds: drop_before (the request never arrives), drop_after (it is done, the answer is lost), error_before and
error_after (500 without / with the effect), throttle (429), conflict (409), slow (the request is held for `seconds`
before it is worked on), slow_after (done at once, the answer is held).
Control: GET, POST, DELETE /_sandbox/faults. POST {"match": "POST /v1/refunds", "kind": "drop_after", "times": 1}.
A seeded share of all matching requests is spoiled after POST /_sandbox/faults/random (sandbox/common/chance.py).
"""

from __future__ import annotations

import fnmatch
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.common.chance import Chance

KINDS = ("drop_before", "drop_after", "error_before", "error_after", "throttle", "conflict", "slow", "slow_after")
CHANCE = "/_sandbox/faults/random"
_STATUS = {"throttle": "429 Too Many Requests", "conflict": "409 Conflict"}
StartResponse = Callable[..., Any]
Environ = dict[str, Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]


@dataclass
class Fault:
    """Spoil the next `times` requests whose "METHOD /path" matches the shell pattern `match`."""

    match: str
    kind: str
    times: int = 1
    seconds: float = 0.0
    body: str = ""
    hits: int = 0


class Faults:
    """Wraps a WSGI app. Rules live in memory: they are a test's or a visitor's wish, not state of the outside."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.rules: list[Fault] = []
        self.chance = Chance()
        self.lock = threading.Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == CHANCE:
            return self._control_chance(environ, start_response)
        if environ["PATH_INFO"] == "/_sandbox/faults":
            return self._control(environ, start_response)
        line = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        with self.chance.under_way(line):
            fault = self._take(line)
            if fault is None:
                return self.app(environ, start_response)
            return self._spoil(fault, environ, start_response)

    def _take(self, line: str) -> Fault | None:
        with self.lock:
            for fault in self.rules:
                if fault.hits < fault.times and fnmatch.fnmatch(line, fault.match):
                    fault.hits += 1
                    return fault
        drawn = self.chance.draw(line)
        return Fault(line, drawn[0], seconds=drawn[1], hits=1) if drawn else None

    def _spoil(self, fault: Fault, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if fault.kind in ("drop_after", "error_after"):
            list(self.app(environ, lambda *_: lambda _chunk: None))
        if fault.kind.startswith("drop"):
            time.sleep(fault.seconds)
            hang_up(environ)
        if fault.kind.startswith("slow"):
            return self._hold(fault, environ, start_response)
        status = _STATUS.get(fault.kind, "500 Internal Server Error")
        headers = [("Content-Type", "application/json"), ("Retry-After", "1")]
        return _answer(
            start_response, status, (fault.body or '{"error": {"message": "fault on demand"}}').encode(), headers
        )

    def _hold(self, fault: Fault, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        with self.chance.held():
            if fault.kind == "slow":
                time.sleep(fault.seconds)
                return self.app(environ, start_response)
            answer = list(self.app(environ, start_response))
            time.sleep(fault.seconds)
            return answer

    def _control_chance(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """GET: what was spoiled and what is under way. POST: the seed and the rules. DELETE: no more, counts stay."""
        if environ["REQUEST_METHOD"] == "POST":
            wish = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
            kinds = {kind for rule in wish["rules"] for kind in rule["shares"]}
            if not kinds <= set(KINDS):
                return _answer(start_response, "400 Bad Request", f"kinds must be of {KINDS}".encode(), [])
            self.chance.begin(wish["seed"], wish["rules"])
        elif environ["REQUEST_METHOD"] == "DELETE":
            self.chance.end()
        body = json.dumps(self.chance.told()).encode()
        return _answer(start_response, "200 OK", body, [("Content-Type", "application/json")])

    def _control(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        if method == "DELETE":
            with self.lock:
                self.rules.clear()
        elif method == "POST":
            wish = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
            if wish.get("kind") not in KINDS:
                return _answer(start_response, "400 Bad Request", f"kind must be one of {KINDS}".encode(), [])
            with self.lock:
                self.rules.append(Fault(**wish))
        body = json.dumps([asdict(rule) for rule in self.rules]).encode()
        return _answer(start_response, "200 OK", body, [("Content-Type", "application/json")])


def hang_up(environ: Environ) -> None:
    """Close the connection without an answer (werkzeug treats the ConnectionError as a client gone)."""
    connection: socket.socket | None = environ.get("werkzeug.socket")
    if connection is not None:
        connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError("fault on demand")


def _answer(start_response: StartResponse, status: str, body: bytes, headers: list[tuple[str, str]]) -> Iterable[bytes]:
    start_response(status, [*headers, ("Content-Length", str(len(body)))])
    return [body]
