"""Is this process alive, may it get requests? Answered before all other middleware, in a second whatever hangs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
import redis
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest, HttpResponse, JsonResponse

from kasperpay import beat, metrics

PATIENCE_SECONDS = 1.0
# The timetable ticks at least every ten seconds (kasperpay/celery.py).
BEAT_MAX_AGE_SECONDS = 60.0
Part = dict[str, Any]


@dataclass
class Probe:
    """Looks in a thread of its own: a part that hangs costs one thread, however often it is asked about."""

    look: Callable[[], Part]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _running: threading.Thread | None = None
    _found: Part = field(default_factory=dict)

    def start(self) -> threading.Thread:
        with self._lock:
            if self._running is None or not self._running.is_alive():
                self._found = _hangs()
                self._running = threading.Thread(target=self._run, daemon=True)
                self._running.start()
            return self._running

    def result(self, thread: threading.Thread, seconds: float) -> Part:
        thread.join(seconds)
        return _hangs() if thread.is_alive() else self._found

    def _run(self) -> None:
        self._found = self.look()


def _hangs() -> Part:
    return {"ok": False, "why": "does not answer"}


def _database() -> Part:
    """A connection of its own: also a database without a free place is not ready."""
    connection = connections.create_connection(DEFAULT_DB_ALIAS)
    wanted = {**connection.get_connection_params(), "connect_timeout": 5, "autocommit": True}
    try:
        with psycopg.connect(**wanted) as database:
            database.execute("SELECT 1")
    except psycopg.Error:
        return {"ok": False, "why": "refuses"}
    return {"ok": True}


def _broker() -> Part:
    try:
        beat.broker().ping()
    except redis.RedisError:
        return {"ok": False, "why": "refuses"}
    return {"ok": True}


def _beat() -> Part:
    try:
        age = beat.heartbeat_age()
    except redis.RedisError:
        return {"ok": False, "why": "the broker can't tell"}
    if age is None:
        return {"ok": False, "why": "no timetable has ever run"}
    return {"ok": age <= BEAT_MAX_AGE_SECONDS, "age_seconds": round(age, 1)}


PARTS = {"database": Probe(_database), "broker": Probe(_broker), "beat": Probe(_beat)}


class HealthMiddleware:
    """/healthz, /readyz and /metrics: no session, no host name, no database connection of the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.answers = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics.view}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.answers.get(request.path_info, self.get_response)(request)


def healthz(_request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok", content_type="text/plain")


def readyz(_request: HttpRequest) -> HttpResponse:
    """Each part's state; 503 unless all are well. Says nothing that a stranger could use."""
    threads = {name: probe.start() for name, probe in PARTS.items()}
    parts = {name: probe.result(threads[name], PATIENCE_SECONDS) for name, probe in PARTS.items()}
    ready = all(part["ok"] for part in parts.values())
    return JsonResponse({"ready": ready, "parts": parts}, status=200 if ready else 503)
