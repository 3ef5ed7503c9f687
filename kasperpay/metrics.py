"""The numbers of the whole deployment for Prometheus: read from the database and Redis, the same in every process.

The database gives them through a function that returns only numbers (migration 0001): no row of any practice is seen.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterable, Iterator
from typing import Any

import redis
import structlog
from celery.signals import task_postrun, task_prerun
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from core import clock
from kasperpay import beat
from payments.models import AttemptState

log = structlog.stdlib.get_logger(__name__)

KEPT_SECONDS = 5
QUEUES = ("default", "charges")
TIMED = {"payments.tasks.autopay_one", "payments.tasks.collect_one"}
# A queue of the Redis transport is one list for each step of priority (kombu, Channel.priority_steps).
STEPS = ("", "\x06\x163", "\x06\x166", "\x06\x169")
# Seconds of one charge: from the worker's start of it to its end, with the question to the office.
BUCKETS = (0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120)
SECONDS, OUTCOMES = "metrics:charge_seconds", "metrics:charges"

# name: (label, what it is). Ages are business time.
GAUGES = {
    "practices": ("state", "Practices that are active, and those that look for what a restore lost"),
    "attempts_last_day": ("outcome", "Tries to move money of the last 24 hours by their present state"),
    "attempts_open": ("state", "Tries without a final state; UNKNOWN means that money may have moved"),
    "attempt_oldest_open_seconds": ("", "Age of the oldest of them"),
    "due_waiting": ("", "Installments whose try has come and that nobody has claimed yet"),
    "due_oldest_waiting_seconds": ("", "How long the longest of them waits"),
    "postings_waiting": ("state", "Payments on their way to the ledger"),
    "posting_oldest_seconds": ("", "Age of the oldest of them"),
    "webhooks_waiting": ("", "Webhooks that are stored and not worked through"),
    "webhook_oldest_seconds": ("", "Age of the oldest of them"),
    "messages_waiting": ("state", "Messages to patients whose time has come"),
    "message_oldest_seconds": ("", "How long the longest of them waits"),
    "refunds_open": ("state", "Refunds without a final state"),
    "offices": (
        "state",
        "Connected Open Dental offices: well, with a problem, or left alone (they don't answer)",
    ),
    "processor_accounts": ("state", "Accounts at card processors: well, or left alone because they take no charges"),
    "sync_age_seconds": ("quantile", "Time since an office was last read completely"),
    "alarms_open": ("kind", "Open alarms (docs/operations.md says what to do about each)"),
}


class Deployment(Collector):
    """Reads everything anew each time it is collected."""

    def collect(self) -> Iterable[Metric]:
        yield from _of_database()
        try:
            yield from list(_of_broker())
        except redis.RedisError:
            # Its numbers are missing then, and that is what they tell.
            log.warning("broker_not_counted")


def _of_database() -> Iterator[Metric]:
    families = {
        name: GaugeMetricFamily(f"kasperpay_{name}", text, labels=[label] if label else [])
        for name, (label, text) in GAUGES.items()
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, label, value FROM kasperpay_numbers(%s)", [clock.now()])
        for name, label, value in cursor.fetchall():
            # While machines are replaced the function may be a newer release's, with names unknown here.
            if name in families:
                families[name].add_metric([label] if GAUGES[name][0] else [], float(value))
    yield from families.values()


def _of_broker() -> Iterator[Metric]:
    queues = GaugeMetricFamily("kasperpay_queue_depth", "Tasks that wait for a worker", labels=["queue"])
    for name in QUEUES:
        queues.add_metric([name], float(sum(beat.broker().llen(name + step) for step in STEPS)))
    yield queues
    age = beat.heartbeat_age()
    yield GaugeMetricFamily(
        "kasperpay_beat_age_seconds", "Time since the timetable ticked", value=float("nan") if age is None else age
    )
    charges = CounterMetricFamily(
        "kasperpay_charges", "Charges worked on by how they ended, refused claims too", labels=["outcome"]
    )
    for outcome, count in sorted(beat.broker().hgetall(OUTCOMES).items()):
        charges.add_metric([outcome.decode()], float(count))
    yield charges
    yield _histogram({key.decode(): float(value) for key, value in beat.broker().hgetall(SECONDS).items()})


def _histogram(kept: dict[str, float]) -> Metric:
    buckets, below = [], 0.0
    for limit in (*map(str, map(float, BUCKETS)), "+Inf"):
        below += kept.get(limit, 0.0)
        buckets.append((limit, below))
    return HistogramMetricFamily(
        "kasperpay_charge_seconds", "Seconds of one charge", buckets=buckets, sum_value=kept.get("sum", 0.0)
    )


def view(request: HttpRequest) -> HttpResponse:
    """GET /metrics: for the holder of METRICS_TOKEN; without a token for this machine only. Kept for five seconds."""
    if not _may_read(request):
        return HttpResponse("Not for you\n", status=403, content_type="text/plain")
    text = cache.get("metrics")
    if text is None:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(Deployment())
        text = generate_latest(registry)
        cache.set("metrics", text, KEPT_SECONDS)
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    token = settings.METRICS_TOKEN
    if token:
        return hmac.compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {token}".encode())
    # A proxy on this machine brings strangers along.
    is_direct = not any(name in request.headers for name in ("Forwarded", "X-Forwarded-For", "X-Real-Ip"))
    return is_direct and request.META.get("REMOTE_ADDR") in {"127.0.0.1", "::1"}


@task_prerun.connect(dispatch_uid="kasperpay-metrics")
def _begin(task: Any, **_: Any) -> None:
    if task.name in TIMED:
        task.request.kasperpay_began = time.monotonic()


@task_postrun.connect(dispatch_uid="kasperpay-metrics")
def _end(task: Any, retval: Any, **_: Any) -> None:
    """One round trip per charge; shared by all workers. Losing it costs a number, never a charge."""
    began = getattr(task.request, "kasperpay_began", None)
    if began is None:
        return
    outcome = retval if retval in AttemptState.values else "FAILED" if isinstance(retval, BaseException) else "REFUSED"
    try:
        _count(outcome, time.monotonic() - began)
    except redis.RedisError:
        log.warning("charge_not_counted")


def _count(outcome: str, seconds: float) -> None:
    bucket = next((str(float(limit)) for limit in BUCKETS if seconds <= limit), "+Inf")
    with beat.broker().pipeline(transaction=False) as counts:
        counts.hincrby(OUTCOMES, outcome, 1)
        counts.hincrby(SECONDS, bucket, 1)
        counts.hincrbyfloat(SECONDS, "sum", round(seconds, 4))
        counts.execute()
