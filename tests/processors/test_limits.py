"""Each processor account keeps its pace over all processes, and Redis may go away."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest
import redis

from cards.models import Card
from processors import limits
from processors.limits import Lane, Pace
from processors.models import ProcessorAccount
from processors.port import NotTaken, Succeeded
from tests.outside import ROOT
from tests.plugins.stripe import Shop
from tests.processors.making import CONFIRM, CREATE, charge

# Forty turns of one account in a process of its own, by the wall clock.
_TURNS = """
import django; django.setup()
import time
from processors.limits import Lane
from processors.models import ProcessorAccount
lane = Lane(ProcessorAccount(base_url="http://127.0.0.1", secret_key="{key}", account=""), "create")
for _ in range(40):
    lane.wait()
    print(time.time(), flush=True)
"""


def account(key: str, **more: str) -> ProcessorAccount:
    # The tests share a Redis: a key of its own for each.
    fresh = f"sk_test_{key}_{time.time_ns()}"
    return ProcessorAccount(base_url="http://127.0.0.1", secret_key=fresh, connected_at=datetime.now(UTC), **more)


def turns(lane: Lane, count: int) -> float:
    began = time.monotonic()
    for _ in range(count):
        lane.wait()
    return time.monotonic() - began


def test_two_processes_share_the_25_calls_a_second_of_an_account() -> None:
    code = _TURNS.format(key=f"sk_test_shared_{time.time_ns()}")
    both = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE) for _ in range(2)]
    times = sorted(float(line) for one in both for line in one.communicate(timeout=60)[0].split())

    assert len(times) == 80
    # Turns are 40.8 ms apart; what sleeping late adds brings some of them closer together.
    windows = [sum(at <= other < at + 1.0 for other in times) for at in times]
    assert max(windows) <= 27


def test_another_account_and_another_endpoint_have_turns_of_their_own() -> None:
    mine = account("mine")
    assert turns(Lane(mine, "create"), 11) >= 0.4

    assert turns(Lane(mine, "confirm"), 1) < 0.3
    assert turns(Lane(account("other"), "create"), 1) < 0.3
    assert len({Lane(mine, "create").key, Lane(mine, "confirm").key, Lane(account("mine"), "create").key}) == 3


def test_without_redis_nobody_waits_and_redis_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        asked = 0

        def eval(self, *_: object) -> object:
            Gone.asked += 1
            raise redis.ConnectionError("gone")

    monkeypatch.setattr(limits, "_redis", Gone)
    monkeypatch.setattr(limits, "_silent_until", 0.0)
    one = account("gone")

    assert turns(Lane(one, "create"), 100) < 1.0
    assert Pace(one).book(500) == 500
    assert Pace(one).next_wait() == 0.0
    assert Gone.asked == 1


def test_slow_down_is_obeyed_by_everybody_and_the_same_request_goes_out_again(
    shop: Shop, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processors.stripe.in_turn.SLOW_DOWN_SECONDS", (0.3, 0.3))
    shop.fault(CREATE, "throttle", times=2)
    shop.fault(CONFIRM, "throttle")
    began = time.monotonic()

    assert isinstance(charge(shop, card), Succeeded)

    assert time.monotonic() - began >= 0.9
    assert (shop.intents(), shop.taken()) == (["succeeded"], [128_60])


def test_an_account_that_stays_throttled_is_asked_four_times_and_then_not_taken(
    shop: Shop, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[str]()
    monkeypatch.setattr("processors.stripe.in_turn.SLOW_DOWN_SECONDS", (0.0, 0.0, 0.0))
    monkeypatch.setattr(Lane, "wait", lambda lane: asked.append(lane.key))
    shop.fault(CREATE, "throttle", times=9)

    assert charge(shop, card) == NotTaken("The processor asks us to slow down")
    assert (len(asked), shop.intents()) == (4, [])


def test_a_push_moves_every_later_turn_of_that_lane() -> None:
    lane = Lane(account("pushed"), "create")
    lane.push(0.5)
    assert turns(lane, 1) >= 0.4


def test_a_sweep_books_what_fits_before_the_horizon_and_no_more() -> None:
    pace = Pace(account("pace"))
    assert pace.book(200) == 200
    waits = [pace.next_wait() for _ in range(200)]
    assert waits[0] < 0.5
    assert waits[199] - waits[0] == pytest.approx(199 * 0.0416)

    # 45 s at 24 a second, and the time that has passed since.
    assert 1082 - 200 <= pace.book(10_000) <= 1082 - 200 + 5
    assert pace.book(1) == 0


@pytest.mark.parametrize("push", [False, True])
def test_places_given_before_the_clock_of_redis_was_set_back_hold_nobody_up(push: bool) -> None:
    lane = Lane(account("set_back"), "charge")
    limits._redis().set(lane.key, int((time.time() + 3600) * 1e6), ex=60)
    if push:
        lane.push(0.0)
    taken = lane.take(3, 45.0)
    assert taken is not None
    assert (taken[0], taken[1] < 1.0) == (3, True)


def test_a_practice_without_a_processor_is_not_held_back() -> None:
    pace = Pace(None)
    assert pace.book(7) == 7
    assert pace.next_wait() == 0.0
