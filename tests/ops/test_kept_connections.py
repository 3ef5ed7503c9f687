"""A worker's thread keeps its database connection from task to task, and drops one that is too old or broken."""

from __future__ import annotations

import time

import pytest
from celery import signals
from django.db import connection
from django.utils.module_loading import import_string

from kasperpay.celery import app


@pytest.fixture
def kept(transactional_db: None) -> object:
    connection.ensure_connection()
    return connection.connection


def begin_task() -> None:
    """What a worker does before each task: Celery's own part, and ours."""
    import_string("celery.fixups.django.DjangoWorkerFixup")(app).close_database()
    signals.task_prerun.send(sender=None)


def test_a_connection_outlives_tasks(kept: object) -> None:
    for _ in range(3):
        begin_task()
    assert connection.connection is kept


def test_a_connection_that_is_too_old_is_closed(kept: object) -> None:
    connection.close_at = time.monotonic() - 1
    begin_task()
    assert connection.connection is None


def test_a_broken_connection_is_replaced(kept: object) -> None:
    kept.close()  # type: ignore[attr-defined]
    connection.errors_occurred = True
    begin_task()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_a_connection_whose_server_has_gone_is_found_out_before_it_is_used(kept: object) -> None:
    begin_task()
    kept.close()  # type: ignore[attr-defined]
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
