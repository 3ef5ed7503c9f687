"""Faults on demand: a queue of rules, each spoiling the next matching requests, as WSGI middleware.

Kinds: drop_before (the request never arrives), drop_after (it is done, the answer is lost), error_before and
error_after (500 without / with the effect), throttle (429), slow (answer held for `seconds`).
Control: GET, POST, DELETE /_sandbox/faults. POST {"match": "POST /v1/refunds", "kind": "drop_after", "times": 1}.
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

KINDS = ("drop_before", "drop_after", "error_before", "error_after", "throttle", "slow")
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
        self.lock = threading.Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/_sandbox/faults":
            return self._control(environ, start_response)
        fault = self._take(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
        if fault is None:
            return self.app(environ, start_response)
        return self._spoil(fault, environ, start_response)

    def _take(self, line: str) -> Fault | None:
        with self.lock:
            for fault in self.rules:
                if fault.hits < fault.times and fnmatch.fnmatch(line, fault.match):
                    fault.hits += 1
                    return fault
        return None

    def _spoil(self, fault: Fault, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if fault.kind in ("drop_after", "error_after"):
            list(self.app(environ, lambda *_: lambda _chunk: None))
        if fault.kind.startswith("drop"):
            time.sleep(fault.seconds)
            hang_up(environ)
        if fault.kind == "slow":
            time.sleep(fault.seconds)
            return self.app(environ, start_response)
        status = "429 Too Many Requests" if fault.kind == "throttle" else "500 Internal Server Error"
        headers = [("Content-Type", "application/json"), ("Retry-After", "1")]
        return _answer(
            start_response, status, (fault.body or '{"error": {"message": "fault on demand"}}').encode(), headers
        )

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
