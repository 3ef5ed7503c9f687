"""A process whose children are killed, and what is done afterwards to repair it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connections

from core import clock
from payments import inbox, reconcile, sweep
from payments.tasks import autopay_one
from practices.models import Practice
from tests.outside import ROOT

SIGKILL = 9
Work = Callable[..., int]


@pytest.fixture(scope="session")
def nursery(django_db_setup: None) -> Iterator[subprocess.Popen[str]]:
    """Its children work on the test database and the sandbox Stripe, as the application role."""
    into = connections["default"].settings_dict
    url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**into)
    environment = {**os.environ, "DATABASE_URL": url, "LOG_LEVEL": "ERROR"}
    command = [sys.executable, "-m", "tests.faults.child"]
    # Leaving the block closes its stdin, which ends it.
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process


@pytest.fixture
def killed(nursery: subprocess.Popen[str], practice: Practice, now: datetime) -> Callable[..., None]:
    """killed("collect", at="after the claim", part=7): do it in a process that dies exactly there."""

    def run(work: str, *, at: str, **more: Any) -> None:
        assert nursery.stdin is not None
        assert nursery.stdout is not None
        wish = {"work": work, "point": at, "practice": practice.pk, "now": now.isoformat(), **more}
        nursery.stdin.write(json.dumps(wish) + "\n")
        nursery.stdin.flush()
        assert int(nursery.stdout.readline()) == SIGKILL, "the process did not die at the named point"

    return run


@pytest.fixture
def later(practice: Practice, nudged: list[int], monkeypatch: pytest.MonkeyPatch, now: datetime) -> Callable[..., None]:
    """later(minutes=10): that time passes for business and for the wire; webhooks, reconciler and sweep run once."""

    def run(minutes: int) -> None:
        moment = now + timedelta(minutes=minutes)
        monkeypatch.setattr(clock, "now", lambda: moment)
        inbox.work_through(practice.pk, now=moment)
        reconcile.reconcile(practice.pk, now=moment, real_now=datetime.now(UTC) + timedelta(minutes=minutes))
        sweep.sweep(now=moment, hand_over=lambda pk: autopay_one(practice_id=practice.pk, due_part_id=pk))

    return run
