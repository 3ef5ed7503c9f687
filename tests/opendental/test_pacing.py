"""One queue per office key over all processes: the pace Open Dental asks for, urgent work first."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from opendental import pacing
from opendental.errors import Busy, Throttled
from opendental.models import Connection
from opendental.pacing import Lane, turn
from opendental.turns import only_one
from tests.opendental.desk import Desk


def lane(interval: float, *, urgent: bool = False, office: str = "") -> Lane:
    return Lane(office or uuid.uuid4().hex, interval, urgent)


@pytest.mark.parametrize(
    ("mode", "permissions", "seconds"),
    [
        ("REMOTE", ["ApiReadAll"], 5.0),
        ("REMOTE", [], 5.0),
        ("REMOTE", ["ApiReadAll", "ApiPayments"], 1.0),
        ("REMOTE", ["ApiReadAll", "ApiPayments", "ApiEnterprise"], 0.5),
        ("SERVICE", ["ApiReadAll"], 0.0),
    ],
)
def test_the_pace_follows_mode_and_permissions(mode: str, permissions: list[str], seconds: float) -> None:
    assert pacing.interval_of(mode, permissions) == seconds


def test_turns_of_an_office_start_no_faster_than_its_pace() -> None:
    office = lane(0.2)
    started = time.monotonic()
    for _ in range(4):
        with turn(office, "GET /x"):
            pass
    assert 0.6 <= time.monotonic() - started < 1.5


def test_two_workers_never_hold_the_turn_of_an_office_together() -> None:
    office = lane(0.01)
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(5):
            with turn(office, "GET /x"):
                inside += 1
                most = max(most, inside)
                time.sleep(0.01)
                inside -= 1

    run([work] * 4)
    assert most == 1


def run(jobs: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)


def test_two_offices_do_not_wait_for_each_other() -> None:
    started = time.monotonic()
    with turn(lane(5.0), "GET /x"), turn(lane(5.0), "GET /x"):
        assert time.monotonic() - started < 1


def test_urgent_work_goes_before_polling_that_waited_longer() -> None:
    office = uuid.uuid4().hex
    order: list[str] = []

    def work(name: str, *, urgent: bool) -> None:
        with turn(lane(0.3, urgent=urgent, office=office), "GET /x"):
            order.append(name)

    def poll() -> None:
        work("poll", urgent=False)

    def post() -> None:
        time.sleep(0.1)
        work("post", urgent=True)

    with turn(lane(0.3, office=office), "GET /x"):
        threads = [threading.Thread(target=job) for job in (poll, post)]
        for thread in threads:
            thread.start()
        time.sleep(0.4)
    for thread in threads:
        thread.join(20)
    assert order == ["post", "poll"]


def test_a_worker_that_died_in_its_turn_blocks_nobody_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    office = lane(0.05)
    monkeypatch.setattr(pacing, "_HELD_MS", 300)
    pacing._wait(office, pacing._keys(office), "dead", "GET /x")
    started = time.monotonic()
    with turn(office, "GET /x"):
        assert 0.2 <= time.monotonic() - started < 2


def test_a_queue_that_lost_its_data_goes_on() -> None:
    office = lane(0.1)
    with turn(office, "GET /x"):
        pacing.queue().flushdb()
    with turn(office, "GET /x"):
        pass


def test_without_redis_each_process_keeps_the_pace_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    down = redis.Redis(host="127.0.0.1", port=9, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))
    monkeypatch.setattr(pacing, "queue", lambda: down)
    started = time.monotonic()
    for _ in range(2):
        with turn(lane(0.2), "GET /x"):
            pass
    assert time.monotonic() - started >= 0.4


def test_waiting_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "_POLL_WAITS", 0.2)
    office = lane(5.0)
    with turn(office, "GET /x"):
        pass
    with pytest.raises(Busy) as caught, turn(office, "GET /x"):
        raise AssertionError
    assert caught.value.certainly_not_done


@pytest.mark.parametrize("interval", [0.0, 1.0])
def test_nobody_waits_behind_a_request_that_is_not_answered(monkeypatch: pytest.MonkeyPatch, interval: float) -> None:
    monkeypatch.setattr(pacing, "_URGENT_SILENT_MS", 200)
    office = lane(interval, urgent=True)
    with turn(office, "GET /silent"):
        time.sleep(0.3)
        started = time.monotonic()
        with pytest.raises(Busy), turn(office, "POST /payments"):
            raise AssertionError
        assert time.monotonic() - started < 0.2
    time.sleep(interval)
    with turn(office, "POST /payments"):
        pass


def test_an_office_without_a_pace_gets_four_requests_at_once_and_no_fifth() -> None:
    office = lane(0.0)
    with turn(office, "1"), turn(office, "2"), turn(office, "3"), turn(office, "4"):
        assert pacing._try(office, pacing._keys(office), "5") == 0.05
    assert pacing._try(office, pacing._keys(office), "5") == 0.0


def test_a_429_holds_back_an_office_without_a_pace_too() -> None:
    office = lane(0.0)
    pacing.heed(office, Throttled("GET /x", retry_after=60))
    started = time.monotonic()
    with pytest.raises(Busy), turn(office, "GET /x"):
        raise AssertionError
    assert time.monotonic() - started < 0.5


def test_a_request_to_slow_down_holds_every_process_back() -> None:
    office = lane(0.05)
    pacing.heed(office, Throttled("GET /x", retry_after=1))
    started = time.monotonic()
    with turn(office, "GET /x"):
        assert 0.8 <= time.monotonic() - started < 3


def test_what_was_kept_before_the_clock_of_redis_was_set_back_holds_nobody_up() -> None:
    office, ahead = lane(0.05), (time.time() + 3600) * 1000
    wire, free, urgent = pacing._keys(office)
    pacing.queue().zadd(wire, {"killed": ahead})
    pacing.queue().set(free, int(ahead), ex=60)
    pacing.queue().zadd(urgent, {"posting": ahead})
    assert pacing._try(office, pacing._keys(office), "mine") == 0.0


def test_a_worker_whose_clock_is_ahead_holds_an_office_back_no_longer_than_it_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    office, real = lane(0.05), time.time
    monkeypatch.setattr(time, "time", lambda: real() + 300)
    pacing.heed(office, Throttled("GET /x", retry_after=60))
    assert 58 < pacing._try(office, pacing._keys(office), "mine") <= 60


def test_a_remote_office_that_throttles_never_has_to_say_so(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(switches={"throttle_queue": 1})
    found = desk.connect()
    permissions = [*found.permissions, "ApiEnterprise"]
    Connection.objects.filter(pk=found.pk).update(permissions=permissions, mode="REMOTE")
    desk.act("settings", permissions=permissions, throttle=True)
    number = desk.plan(desk.patient())
    result = desk.pull()
    assert (result.plans, result.problem) == ([number], "")


def test_a_job_of_a_practice_has_one_worker_at_a_time() -> None:
    practice = 987_654
    with only_one("pull", practice) as first, only_one("pull", practice) as second:
        assert first is not None
        assert second is None
        with only_one("pull", practice + 1) as other:
            assert other is not None
    with only_one("pull", practice) as again:
        assert again is not None


def test_a_worker_that_lost_its_turn_does_not_prolong_that_of_another() -> None:
    practice, key = 987_655, "od:job:pull:987655"
    with only_one("pull", practice) as lost:
        assert lost is not None
        pacing.queue().expire(key, 10)
        lost.extend()
        assert pacing.queue().ttl(key) > 200
        pacing.queue().set(key, "another worker", ex=10)
        lost.extend()
        assert 0 < pacing.queue().ttl(key) <= 10
    assert pacing.queue().get(key) == b"another worker"
    pacing.queue().delete(key)
