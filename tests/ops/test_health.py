"""/healthz, /readyz and /metrics: they tell the truth, quickly, to those who may know, and nothing personal."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connections
from django.test import Client

from kasperpay import beat, health
from practices import tenancy


@pytest.fixture(autouse=True)
def fresh(transactional_db: None) -> None:
    cache.delete("metrics")
    beat.broker().flushdb()


def beats(seconds_ago: float = 0) -> None:
    beat.broker().set(beat.HEARTBEAT, beat.broker().time()[0] - seconds_ago)


def ready() -> tuple[int, dict[str, Any]]:
    answer = Client().get("/readyz", HTTP_HOST="10.0.0.7")
    return answer.status_code, json.loads(answer.content)


@contextmanager
def database_at(port: int) -> Iterator[None]:
    into = connections["default"].settings_dict
    before = into["PORT"]
    into["PORT"] = port
    try:
        yield
    finally:
        into["PORT"] = before


def test_a_process_says_that_it_is_alive_to_whoever_asks() -> None:
    answer = Client().get("/healthz", HTTP_HOST="10.0.0.7")

    assert (answer.status_code, answer.content) == (200, b"ok")


def test_everything_well_is_ready() -> None:
    beats(12)

    code, said = ready()

    assert (code, said["ready"]) == (200, True)
    assert said["parts"]["database"] == said["parts"]["broker"] == {"ok": True}
    assert 12 <= said["parts"]["beat"]["age_seconds"] <= 14


@pytest.mark.parametrize(("seconds", "ok"), [(None, False), (59, True), (62, False)])
def test_a_timetable_that_stopped_makes_it_not_ready(seconds: int | None, ok: bool) -> None:
    if seconds is not None:
        beats(seconds)

    code, said = ready()

    assert (code, said["parts"]["beat"]["ok"]) == (200 if ok else 503, ok)
    assert said["parts"]["database"]["ok"] is True


def test_a_database_that_refuses_makes_it_not_ready() -> None:
    beats()
    with database_at(9):
        code, said = ready()

    assert (code, said["parts"]["database"]) == (503, {"ok": False, "why": "refuses"})


def test_a_database_that_hangs_is_told_in_a_second_and_costs_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    beats()
    monkeypatch.setitem(health.PARTS, "database", health.Probe(health._database))
    with socket.socket() as deaf:
        # Takes connections and never says a word.
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        with database_at(deaf.getsockname()[1]):
            began = time.monotonic()
            code, said = ready()
            seconds = time.monotonic() - began
            first = health.PARTS["database"]._running
            again = health.PARTS["database"].start()

    assert (code, said["parts"]["database"]) == (503, {"ok": False, "why": "does not answer"})
    assert said["parts"]["broker"] == {"ok": True}
    assert seconds < 2
    assert again is first


def test_metrics_are_for_this_machine_or_for_the_holder_of_the_token(settings: Any) -> None:
    def code(**headers: str) -> int:
        return Client().get("/metrics", **headers).status_code  # type: ignore[arg-type]

    assert code() == 200
    assert code(REMOTE_ADDR="10.0.0.7") == 403
    assert code(HTTP_X_FORWARDED_FOR="10.0.0.7") == 403
    settings.METRICS_TOKEN = "a-long-token"
    assert code() == 403
    assert code(HTTP_AUTHORIZATION="Bearer wrong") == 403
    assert code(HTTP_AUTHORIZATION="Bearer a-long-token", REMOTE_ADDR="10.0.0.7") == 200


def numbers() -> dict[str, float]:
    """The lines of /metrics, read as a stranger to every practice."""
    cache.delete("metrics")
    with tenancy.scope(0):
        text = Client().get("/metrics").content.decode()
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}
