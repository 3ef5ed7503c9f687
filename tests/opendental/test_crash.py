"""Workers killed for good (SIGKILL) at the named points of posting, and many hands at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from django.db import connection as database
from django.db import connections

from opendental.pacing import queue
from opendental.pull import pull
from payments.models import LedgerPosting
from payplans.models import Installment, PayPlan
from practices import tenancy
from tests.opendental.desk import Desk, collect, installments
from tests.outside import ROOT

State = LedgerPosting.State

# Each line makes the worker kill itself at one point of its way.
POINTS = {
    "after the claim, before sending": "client.Office.post = die",
    "after POST /payments was sent, before its answer was read": "client.Office._read = die",
    "after 201, before it was stored": "outbox.posted = die",
    "between POST and Partial": "post.verify.targets = die",
    "after Partial, before it was read back": "post.Poster._partial = then_die(post.Poster._partial)",
    "after reading back, before it was stored": "outbox.matched = die",
}

WORKER = """
import os, signal, django
django.setup()
from datetime import datetime
from opendental import client, outbox, post, verify
from practices import tenancy

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def then_die(right):
    return lambda *given: die(right(*given))

{point}
with tenancy.scope({practice}):
    post.post_due({practice}, datetime.fromisoformat("{now}"))
"""


def run_and_die(desk: Desk, point: str) -> None:
    settings = database.settings_dict
    address = f"postgres://{settings['USER']}:{settings['PASSWORD']}@{settings['HOST']}:{settings['PORT']}"
    environment = {**os.environ, "DATABASE_URL": f"{address}/{settings['NAME']}"}
    environment["DJANGO_SETTINGS_MODULE"] = "kasperpay.settings"
    script = WORKER.format(point=point, practice=desk.practice.pk, now=desk.now().isoformat())
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def the_dead_workers_lock_runs_out(desk: Desk) -> None:
    queue().delete(f"od:job:post:{desk.practice.pk}")


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.replace(" ", "-"))
def test_a_killed_poster_leaves_one_payment_in_the_right_place(desk: Desk, point: str) -> None:
    number = desk.plan(desk.patient(), DatePayPlanStart="2022-07-01")
    desk.at("2022-08-01 10:00")
    desk.pull()
    second = installments(number)[1]
    posting = collect(second, now=desk.now())
    run_and_die(desk, POINTS[point])
    the_dead_workers_lock_runs_out(desk)
    for _ in range(5):
        desk.wait(seconds=121)
        desk.post()
    posting.refresh_from_db()
    assert posting.state == State.MATCHED
    [payment] = desk.books("payments")
    assert (payment["PayNum"], payment["amount_cents"]) == (posting.pay_num, 100_00)
    row = second.charge_rows.get().pay_plan_charge_num
    splits = [(split["PayPlanChargeNum"], split["amount_cents"]) for split in desk.books("paysplits")]
    assert splits == [(row, 100_00)]


def test_a_dead_workers_lock_ends_by_itself(desk: Desk) -> None:
    number = desk.plan(desk.patient(), DatePayPlanStart="2022-07-01")
    desk.pull()
    collect(installments(number)[0], now=desk.now())
    run_and_die(desk, "client.Office.post = die")
    assert desk.post() == 0
    assert 0 < queue().ttl(f"od:job:post:{desk.practice.pk}") <= 300


def together(jobs: list[Callable[[], object]], practice_id: int) -> None:
    """Run in threads that start at the same moment, each with a connection of its own."""
    gate = threading.Barrier(len(jobs))
    errors: list[BaseException] = []

    def work(job: Callable[[], object]) -> None:
        try:
            with tenancy.scope(practice_id):
                gate.wait(10)
                job()
        except BaseException as error:  # noqa: BLE001
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=[job]) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []


def test_eight_posters_make_one_payment(desk: Desk) -> None:
    number = desk.plan(desk.patient(), DatePayPlanStart="2022-07-01")
    desk.pull()
    posting = collect(installments(number)[0], now=desk.now())
    together([desk.post] * 8, desk.practice.pk)
    posting.refresh_from_db()
    assert (posting.state, posting.sends, len(desk.books("payments"))) == (State.MATCHED, 1, 1)


def test_without_the_office_lock_the_claim_still_sends_once(desk: Desk) -> None:
    """The lock is in Redis and may be lost; the guarded UPDATE in the database may not."""
    number = desk.plan(desk.patient(), DatePayPlanStart="2022-07-01")
    desk.pull()
    posting = collect(installments(number)[0], now=desk.now())

    def unlocked() -> None:
        queue().delete(f"od:job:post:{desk.practice.pk}")
        desk.post()

    together([unlocked] * 8, desk.practice.pk)
    posting.refresh_from_db()
    assert (posting.state, posting.sends, len(desk.books("payments"))) == (State.MATCHED, 1, 1)


def test_eight_readers_of_a_new_plan_make_one_plan_with_one_schedule(desk: Desk) -> None:
    desk.plan(desk.patient(), DatePayPlanStart="2022-07-24")
    now = desk.now()

    def unlocked() -> None:
        queue().delete(f"od:job:pull:{desk.practice.pk}")
        pull(desk.practice.pk, now)

    together([unlocked] * 8, desk.practice.pk)
    assert PayPlan.objects.count() == 1
    assert Installment.objects.count() == 5
