"""Several machines on one database and broker: limits, locks, timetable are one; a rolling restart loses nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import psycopg
import pytest
import stripe

from kasperpay import beat
from ops.children import ROOT
from payments.models import Attempt, LedgerPosting, Payment, WebhookEvent
from payments.tasks import sweep_one
from practices import tenancy
from processors.stripe.account import API_VERSION
from tests.ops.machines import Process, environment, free_port, machines, until
from tests.ops.town import Town
from tests.plugins.stripe import WEBHOOK_SECRET, Shop

Turn = tuple[float, float]


def turns(what: str, count: int, *keys: str) -> list[Turn]:
    """When two processes of two machines had their turns, in order."""
    children = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.ops.neighbor", what, str(count), key],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        for key in keys
    ]
    found: list[Turn] = []
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        found += [(began, ended) for began, ended in json.loads(child.communicate(timeout=60)[0])]
    return sorted(found)


def overlaps(found: list[Turn]) -> int:
    return sum(later[0] < earlier[1] for earlier, later in zip(found, found[1:], strict=False))


def most_in_a_second(found: list[Turn]) -> int:
    return max(sum(began <= other < began + 1 for other, _ in found) for began, _ in found)


@pytest.fixture(autouse=True)
def empty_broker(transactional_db: None) -> None:
    beat.broker().flushdb()


def test_a_processor_account_has_one_pace_for_all_machines() -> None:
    same = turns("processor", 40, "sk_test_one", "sk_test_one")

    assert len(same) == 80
    # One more where a second begins between two places; a process that is held up for a moment brings a few together.
    assert most_in_a_second(same) <= 25 + 5
    assert same[-1][0] - same[0][0] >= 79 / 25 - 0.2


def test_two_accounts_do_not_wait_for_each_other() -> None:
    different = turns("processor", 40, "sk_test_one", "sk_test_two")

    assert most_in_a_second(different) > 25 + 5


def test_an_office_has_one_request_at_a_time_and_its_pause_over_all_machines() -> None:
    same = turns("office", 4, "office-a", "office-a")

    assert (len(same), overlaps(same)) == (8, 0)
    assert min(later[0] - earlier[0] for earlier, later in zip(same, same[1:], strict=False)) >= 0.45
    # Without the shared lane they would.
    assert overlaps(turns("office", 4, "office-b", "office-c")) > 0


def test_a_job_of_an_office_is_done_by_one_machine_at_a_time() -> None:
    same = turns("job", 60, "1", "1")

    assert overlaps(same) == 0
    # Somebody was sent away, else nobody met.
    assert 30 <= len(same) < 120
    assert overlaps(turns("job", 60, "1", "2")) > 0


def queued() -> Counter[str]:
    """How often each task waits in the default queue."""
    found: Counter[str] = Counter()
    for key in beat.broker().scan_iter("default*"):
        if beat.broker().type(key) == b"list":
            found.update(json.loads(one)["headers"]["task"] for one in beat.broker().lrange(key, 0, -1))
    return found


def sending(*beats: Process) -> list[bool]:
    return [next((line["event"] == "beat_sends" for line in reversed(one.lines()) if "beat_" in line["event"]), False)
            for one in beats]  # fmt: skip


def _kill(process: Process) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def test_of_two_beats_one_sends_and_the_other_takes_over_when_it_is_gone(tmp_path: Path) -> None:
    with machines(tmp_path, "one", "two", BEAT_SCALE="0.1") as (one, two):
        began = time.monotonic()
        first, second = one.beat(), two.beat()
        until(lambda: queued()["payments.tasks.sweep_all"] >= 3, "the sweep is sent", first.log)
        seen, most = queued()["payments.tasks.sweep_all"], (time.monotonic() - began) / 2 + 2
        assert sending(first, second) == [True, False]
        # Every two seconds, by one of them.
        assert seen <= most

        first.terminate()
        assert first.wait() == 0
        until(lambda: sending(second) == [True], "the other one sends", second.log, seconds=15)
        third = one.beat()
        _kill(second)
        again = two.beat()
        # The lease is still the dead one's, which is itself.
        until(lambda: sending(again) == [True], "it goes on after a restart", again.log, seconds=15)
        assert sending(third) == [False]
        _kill(again)
        assert 0 < beat.broker().pttl(beat.HOLDER) <= beat.LEASE_MS
        # It never comes back, and the lease runs out: here at once.
        beat.broker().pexpire(beat.HOLDER, 1)
        until(lambda: sending(third) == [True], "the third one sends", third.log, seconds=15)
        assert (beat.heartbeat_age() or 0) < beat.LEASE_MS / 1000


def _is_ready(process: Process) -> bool:
    return any(str(line["event"]).endswith("ready.") for line in process.lines())


def test_a_rolling_restart_under_load_loses_nothing_and_charges_nobody_twice(town: Town, tmp_path: Path) -> None:
    count = 16
    town.plans_with_cards(count)
    town.time_to_charge()
    town.shop.fault("POST /v1/payment_intents/*/confirm", "slow", times=count, seconds=2)
    with machines(tmp_path, "one", "two", BEAT_SCALE="0.1") as (one, two):
        one.default()
        old, new = [one.charges(), two.charges()], []
        # Two timetables and a hand-made sweep beside them: no number of sweeps may charge anybody twice.
        one.beat()
        two.beat()
        sweep_one.delay(practice_id=town.practice.pk)
        for machine, process in zip((one, two), old, strict=True):
            # Where the first restart took its time, all may be charged before the second.
            before = min(Payment.objects.count(), count - 1)
            until(lambda seen=before: Payment.objects.count() > seen, "charges are under way", process.log)  # type: ignore[misc]
            assert before < count
            process.terminate()
            assert process.wait() == 0
            # What it had begun it has finished.
            mine = {line["attempt"] for line in process.lines() if line["event"] == "claimed"}
            assert mine
            assert set(Attempt.objects.filter(uuid__in=mine).values_list("state", flat=True)) == {"SUCCEEDED"}
            new.append(machine.charges())
        for process in new:
            until(lambda seen=process: _is_ready(seen), "the new one works", process.log)  # type: ignore[misc]
        until(lambda: Payment.objects.count() == count and town.is_quiet(), "everything is collected", new[0].log)

    assert town.shop.taken() == [100_00] * count
    assert Attempt.objects.count() == count
    assert sorted(LedgerPosting.objects.values_list("reference", flat=True)) == [one for one, _ in town.posted()]


def test_a_web_server_that_is_replaced_answers_the_requests_it_has(shop: Shop, tmp_path: Path) -> None:
    port = free_port()
    with machines(tmp_path, "one") as (machine,):
        web = machine.web(port)
        until(lambda: _answers(port), "it answers", web.log)
        database = os.environ["DATABASE_SUPERUSER_URL"].rpartition("/")[0]
        name = machine.environment["DATABASE_URL"].rpartition("/")[2]
        answers: list[int] = []
        request = threading.Thread(target=lambda: answers.append(_webhook(shop, port)))
        with psycopg.connect(f"{database}/{name}") as locked:
            locked.execute("LOCK TABLE payments_webhookevent IN ACCESS EXCLUSIVE MODE")
            request.start()
            until(lambda: _waits(locked), "the request waits in the database", web.log)
            web.terminate()
            time.sleep(1)
            assert answers == []
        request.join(20)
        assert web.wait() == 0

    assert answers == [200]
    with tenancy.scope(shop.account.practice_id):
        assert WebhookEvent.objects.get().event_id == "evt_restart"


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _waits(database: psycopg.Connection) -> bool:
    waiting = database.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    return waiting is not None and waiting[0] > 0


def _webhook(shop: Shop, port: int) -> int:
    body = json.dumps(
        {"id": "evt_restart", "type": "payment_intent.succeeded", "data": {"object": {"id": "pi_1"}},
         "api_version": API_VERSION, "livemode": False}
    )  # fmt: skip
    header = stripe.WebhookSignature.generate_signature_header(body, WEBHOOK_SECRET, int(time.time()))
    url = f"http://127.0.0.1:{port}/webhooks/stripe/{shop.account.practice.slug}/"
    with httpx.Client(trust_env=False, timeout=30) as client:
        return client.post(url, content=body, headers={"Stripe-Signature": header}).status_code
