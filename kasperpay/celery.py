"""The whole timetable on one screen. Truth stands in PostgreSQL: every beat may be lost or doubled."""

from __future__ import annotations

import os
import sys
from typing import Any

from celery import Celery, signals
from django_structlog.celery.steps import DjangoStructLogInitStep
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kasperpay.settings")

from django.conf import settings
from django.db import close_old_connections

from payments import shares

app = Celery("kasperpay", broker=settings.REDIS_URL)
app.conf.update(
    task_ignore_result=True,
    task_default_queue="default",
    task_queues=[Queue("default"), Queue("charges")],
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    task_serializer="json",
    timezone="UTC",
    worker_hijack_root_logger=False,
    # Any number of beats: one sends, the others stand by. It wakes up often enough to show that it lives.
    beat_scheduler="kasperpay.beat:Scheduler",
    beat_max_loop_interval=10,
)
# Celery closes a thread's database connection before and after each task: connecting costs more than most tasks, and
# what is prepared on a connection is gone with it. Kept, it is looked at before each task as Django does for requests.
app.conf.CELERY_DB_REUSE_MAX = sys.maxsize
app.steps["worker"].add(DjangoStructLogInitStep)
app.autodiscover_tasks()


@signals.celeryd_after_setup.connect
def _tell_threads(instance: Any, **_: Any) -> None:
    """Seats of a worker are as many as its threads (payments/shares.py)."""
    shares.seats.threads = instance.concurrency or shares.seats.threads


@signals.task_prerun.connect
def _drop_dead_connections(**_: Any) -> None:
    """A connection that is broken or too old is closed; the task opens another."""
    close_old_connections()


def _every(seconds: float) -> float:
    scale: float = settings.BEAT_SCALE
    return max(1.0, seconds * scale)


app.conf.beat_schedule = {
    "pull": {"task": "opendental.tasks.pull_all", "schedule": _every(20)},
    "sweep": {"task": "payments.tasks.sweep_all", "schedule": _every(20)},
    "reconcile": {"task": "payments.tasks.reconcile_all", "schedule": _every(30)},
    "post": {"task": "opendental.tasks.post_all", "schedule": _every(15)},
    "links": {"task": "paylinks.tasks.finish_all", "schedule": _every(20)},
    "terminals": {"task": "terminals.tasks.sweep_all", "schedule": _every(20)},
    "send": {"task": "notifications.tasks.send_all", "schedule": _every(15)},
    "notices": {"task": "payments.tasks.notices_all", "schedule": _every(300)},
    "remind": {"task": "paylinks.tasks.remind_all", "schedule": _every(300)},
    "leaks": {"task": "leakage.tasks.look_all", "schedule": _every(300)},
    "payouts": {"task": "payments.tasks.payouts_all", "schedule": _every(3600)},
    "learn": {"task": "opendental.tasks.learn_all", "schedule": _every(3600)},
}
