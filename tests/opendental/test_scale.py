"""Discovery in an office of 10,000 plans by counted calls; a first sync that is cut, killed, and ends all the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.db import connection as database

from opendental import walks
from opendental.models import Connection, PlanFingerprint, PlanToRead, SyncCycle
from opendental.pacing import queue
from patients.models import Patient
from payplans.models import PayPlan
from tests.opendental.desk import Desk
from tests.outside import ROOT

PLANS = 10_000


@pytest.fixture
def office(open_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """10,000 plans whose prints are kept; the last 40 have a charge. Reading them all would cost this test minutes."""
    desk = open_desk()
    desk.act("bulk", plans=PLANS - 40, issued=0)
    desk.act("bulk", plans=40, issued=1)
    desk.connect()
    monkeypatch.setattr(walks, "CYCLE_SECONDS", 0.0)
    desk.pull()
    connection = Connection.objects.get()
    Connection.objects.update(walks={"listing": connection.walks["listing"]}, patients_cursor="2022-07-01 08:00:00")
    monkeypatch.setattr(walks, "CYCLE_SECONDS", 5.0)
    while not Connection.objects.get().fully_pulled_at:
        desk.pull()
    monkeypatch.setattr(walks, "CYCLE_SECONDS", 300.0)
    assert PlanFingerprint.objects.filter(of="PLAN").count() == PLANS
    assert PlanToRead.objects.count() + PayPlan.objects.count() == PLANS
    PlanToRead.objects.all().delete()
    return desk


def test_calls_of_a_cycle_follow_what_changed_and_not_how_many_plans_there_are(office: Desk) -> None:
    """One change: 3 for the cycle, 2 for its place, 1 for its prints, 4 for its rows. More of them share theirs."""
    end = 1000 + PLANS
    assert _calls(office, "", []) == 3
    assert _calls(office, "terms", [5000]) == 10
    assert _calls(office, "payments", [end]) == 8
    assert _calls(office, "deletions", [end - 1]) == 9
    assert _calls(office, "terms", range(1500, end, 1000)) == 20
    assert _calls(office, "payments", range(end - 35, end - 5)) == 41
    assert _calls(office, "", []) == 3


def _calls(office: Desk, kind: str, numbers: Iterable[int]) -> int:
    """Calls of the cycle after these plans changed, less one for each patient seen for the first time."""
    office.wait(minutes=1)
    changed = office.act("bulk_change", kind=kind, numbers=list(numbers))["changed"] if kind else []
    known = Patient.objects.count()
    office.wait(seconds=6)
    result = office.pull()
    assert sorted(result.plans) == changed
    assert SyncCycle.objects.latest("pk").calls == result.calls
    return result.calls - (Patient.objects.count() - known)


WORKER = """
import os, signal, django
django.setup()
from datetime import datetime
from opendental import client, pull
from practices import tenancy

left, right = {calls}, client.Office._send

def deadly(self, method, path, **more):
    global left
    left -= 1
    answer = right(self, method, path, **more)
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer

client.Office._send = deadly
with tenancy.scope({practice}):
    pull.pull({practice}, datetime.fromisoformat("{now}"))
"""


def test_a_first_sync_is_bounded_and_goes_on_where_it_was_killed(
    open_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed with the second page of patients, in the listing, and while plans are read: nothing is read twice."""
    desk = open_desk()
    filled = desk.act("bulk", plans=102, issued=1, closed=6)
    every = list(range(filled["first"], filled["last"] + 1))
    desk.connect()
    assert _killed_at(desk, 3) == (every[99], {"of": "CHARGES", "after": 0})
    assert _killed_at(desk, 6) == (None, {"of": "LINKS", "after": 0})
    assert _killed_at(desk, 12) == (None, None)
    read = sorted(PayPlan.objects.values_list("pay_plan_num", flat=True))
    assert len(read) == 2
    # A cycle without time goes on by one plan: never more than an idle cycle and what that plan needs.
    monkeypatch.setattr(walks, "CYCLE_SECONDS", 0.0)
    steps = [desk.pull() for _ in range(2)]
    assert [(len(step.plans), step.calls) for step in steps] == [(1, 7), (1, 7)]
    monkeypatch.setattr(walks, "CYCLE_SECONDS", 300.0)
    read += [number for step in [*steps, desk.pull()] for number in step.plans]
    assert sorted(read) == every
    closed = set(PayPlan.objects.filter(is_closed=True).values_list("pay_plan_num", flat=True))
    assert (len(closed), set(read[-17:])) == (17, closed)
    assert (PlanToRead.objects.count(), desk.pull().calls) == (0, 3)


def _killed_at(desk: Desk, calls: int) -> tuple[int | None, dict[str, Any] | None]:
    """Where the walks over patients and prints stand after a cycle was killed with its n-th call."""
    _pull_and_die(desk, calls)
    queue().flushdb()
    connection = Connection.objects.get()
    return connection.walks.get("patients", {}).get("after"), connection.walks.get("listing")


def _pull_and_die(desk: Desk, calls: int) -> None:
    settings = database.settings_dict
    address = f"postgres://{settings['USER']}:{settings['PASSWORD']}@{settings['HOST']}:{settings['PORT']}"
    environment = {**os.environ, "DATABASE_URL": f"{address}/{settings['NAME']}"}
    environment["DJANGO_SETTINGS_MODULE"] = "kasperpay.settings"
    script = WORKER.format(calls=calls, practice=desk.practice.pk, now=desk.now().isoformat())
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, timeout=60
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
