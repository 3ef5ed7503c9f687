"""The office's lane of one request a second: how soon money is read back, and how soon a change is seen.

Real time, the real lane, a sandbox that throttles. LANE_SAMPLES=40 bin/test -n 0 -s tests/opendental/test_lane.py
prints the 50th and 95th percentile of more postings.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connections

from kasperpay.celery import app
from opendental import walks
from opendental.models import Connection, PlanToRead
from opendental.post import post_due
from opendental.pull import pull
from payments.models import LedgerPosting
from payplans.models import Installment
from practices import tenancy
from tests.opendental.desk import Desk, collect, plan_of

SAMPLES = int(os.environ.get("LANE_SAMPLES", "2"))
# Decided: from the capture to the posting that was read back, 95 of 100 times, in an idle office.
READ_BACK_SECONDS = 10
VISIBLE_SECONDS = 60
TIMETABLE = {name: float(entry["schedule"]) for name, entry in app.conf.beat_schedule.items()}


def paced(open_desk: Callable[..., Desk], *, refuses: bool = True, plans: int) -> Desk:
    """An office behind Open Dental's servers, one request a second, with plans that each have a charge due."""
    desk = open_desk(switches={"throttle_429": refuses})
    desk.act("bulk", plans=plans, issued=1)
    desk.connect()
    desk.pull()
    Connection.objects.update(mode="REMOTE")
    desk.act("settings", throttle=True)
    assert Connection.objects.get().permissions != ["ApiReadAll"]
    return desk


@contextmanager
def polling(desk: Desk) -> Iterator[list[int]]:
    """A worker that pulls cycle after cycle without a pause; yields the calls of each."""
    calls: list[int] = []
    stop = threading.Event()

    def work() -> None:
        with tenancy.scope(desk.practice.pk):
            while not stop.is_set():
                calls.append(pull(desk.practice.pk, desk.now()).calls)
        connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield calls
    finally:
        stop.set()
        worker.join(60)
        assert not worker.is_alive()


def seconds_to_read_back(desk: Desk, installment: Installment) -> float:
    """From the moment money is captured, as settle() leaves it, to the posting that Open Dental shows as meant."""
    began = time.monotonic()
    posting = collect(installment, now=desk.now())
    post_due(desk.practice.pk, desk.now())
    posting.refresh_from_db()
    assert posting.state == LedgerPosting.State.MATCHED
    return time.monotonic() - began


def percentile(found: list[float], share: float) -> float:
    return sorted(found)[min(len(found) - 1, int(len(found) * share))]


def test_money_is_read_back_in_seconds_although_polling_never_pauses(
    open_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Harder than idle: the lane is full of polling all the time, since many more plans wait to be read."""
    desk = paced(open_desk, plans=SAMPLES)
    # The test waits for the end of the last cycle.
    monkeypatch.setattr(walks, "CYCLE_SECONDS", 6.0)
    due = list(Installment.objects.filter(is_issued=True).order_by("pk"))
    desk.act("bulk", plans=20 + 10 * SAMPLES, issued=1)
    with polling(desk) as calls:
        while not PlanToRead.objects.exists():
            time.sleep(0.1)
        found = [seconds_to_read_back(desk, installment) for installment in due]
    sys.stdout.write(
        f"\n{len(found)} postings: p50 {percentile(found, 0.5):.1f} s, p95 {percentile(found, 0.95):.1f} s\n"
    )
    assert len(found) == SAMPLES
    assert percentile(found, 0.95) <= READ_BACK_SECONDS
    assert PlanToRead.objects.exists(), "polling was not under way all the time"
    assert sum(calls) > 0


@pytest.mark.parametrize("refuses", [True, False], ids=["refuses what is too fast", "lets it wait"])
def test_a_change_is_visible_within_a_minute_at_one_request_a_second(
    open_desk: Callable[..., Desk], refuses: bool
) -> None:
    """The worst case: changed right after the look began, so the whole timetable's pause goes by before the next."""
    desk = paced(open_desk, refuses=refuses, plans=2)
    number = desk.act("bulk_change", kind="terms", plans=1)["changed"][0]
    began = time.monotonic()
    result = desk.pull()
    took = time.monotonic() - began
    assert (result.plans, result.problem) == ([number], "")
    assert plan_of(number).pay_amount_cents == 101_00
    assert result.calls == 9
    assert TIMETABLE["pull"] + took <= VISIBLE_SECONDS


def test_while_a_first_sync_is_read_a_change_is_visible_within_a_minute() -> None:
    """A busy office begins a cycle with every second beat; the look and the change's plan come first in it."""
    beats = -(-walks.CYCLE_SECONDS // TIMETABLE["pull"])
    look, narrowed, prints, rows = 3, 2, 1, 4
    assert beats * TIMETABLE["pull"] + look + narrowed + prints + rows <= VISIBLE_SECONDS
    # Cut in the middle of a request, a cycle still ends before that beat.
    assert beats * TIMETABLE["pull"] > walks.CYCLE_SECONDS + 1
