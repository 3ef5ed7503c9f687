"""Two workers on one office and two posters on one posting, also when the lock in Redis is lost. With controls."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from opendental import outbox, pacing, post
from opendental.client import Office
from opendental.pacing import Lane, queue
from opendental.turns import Turn, only_one
from payments.models import LedgerPosting
from practices.models import Practice
from tests.opendental.conftest import desk, due, open_desk, opendental_sandbox
from tests.opendental.desk import Desk, collect, installments, state
from tests.races.conftest import Together, failures

__all__ = ["desk", "due", "open_desk", "opendental_sandbox"]
State = LedgerPosting.State


def lose_the_lock(desk: Desk) -> None:
    queue().delete(f"od:job:post:{desk.practice.pk}")


@pytest.fixture
def no_office_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if Redis had forgotten the lock whenever somebody takes it."""
    always = contextlib.nullcontext(Turn("od:job:races", "token"))
    monkeypatch.setattr(post, "only_one", lambda *_: always)


@pytest.fixture
def side_by_side(no_office_lock: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two posters that both found the posting waiting claim it at the same moment, the office's lock being lost."""
    right, two = outbox.claim, threading.Barrier(2)

    def meet(*arguments: Any, **more: Any) -> bool:
        with contextlib.suppress(threading.BrokenBarrierError):
            two.wait(5)
        return right(*arguments, **more)

    monkeypatch.setattr(outbox, "claim", meet)


def test_control_two_posters_without_the_guarded_update_post_twice(
    desk: Desk, due: LedgerPosting, together: Together, side_by_side: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unguarded(posting: LedgerPosting, *, when: object, now: object, text: str = "", **changes: Any) -> bool:
        LedgerPosting.objects.filter(pk=posting.pk).update(**changes)
        posting.refresh_from_db()
        return True

    monkeypatch.setattr(outbox, "move", unguarded)

    together(*[desk.post] * 2)

    assert [row["amount_cents"] for row in desk.books("payments")] == [100_00, 100_00]


def test_two_posters_that_claim_one_posting_at_once_post_it_once(
    desk: Desk, due: LedgerPosting, together: Together, side_by_side: None
) -> None:
    assert failures(together(*[desk.post] * 2)) == []

    assert (state(due), due.sends) == (State.MATCHED, 1)
    assert [row["amount_cents"] for row in desk.books("payments")] == [100_00]


def test_a_lock_lost_while_the_request_is_on_the_wire_lets_nobody_send_it_again(
    desk: Desk, due: LedgerPosting, together: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, second_is_done, right = threading.Event(), threading.Event(), Office.post

    def slow(office: Office, path: str, body: dict[str, Any]) -> Any:
        answer = right(office, path, body)
        sent.set()
        assert second_is_done.wait(20)
        return answer

    def second() -> int:
        assert sent.wait(20)
        lose_the_lock(desk)
        try:
            return desk.post()
        finally:
            second_is_done.set()

    monkeypatch.setattr(Office, "post", slow)

    assert together(desk.post, second) == [1, 0]
    assert (state(due), due.sends, len(desk.books("payments"))) == (State.MATCHED, 1, 1)


def test_two_payments_of_one_plan_posted_by_two_workers_both_reach_their_own_charge(
    desk: Desk, together: Together, no_office_lock: None
) -> None:
    """Two in flight at a time would shut each other out: the second waits, lock or no lock."""
    number = desk.plan(desk.patient(), DatePayPlanStart="2022-07-01")
    desk.at("2022-08-01 10:00")
    desk.pull()
    both = [collect(installment, now=desk.now()) for installment in installments(number)[:2]]

    assert failures(together(*[desk.post] * 2)) == []
    for _ in range(4):
        desk.wait(seconds=61)
        desk.post()

    assert [state(posting) for posting in both] == [State.MATCHED] * 2
    hit = {split["PayPlanChargeNum"]: split["amount_cents"] for split in desk.books("paysplits")}
    assert hit == {row.charge_rows.get().pay_plan_charge_num: 100_00 for row in installments(number)[:2]}


def test_a_worker_that_lost_its_turn_does_not_end_the_turn_of_the_next(practice: Practice) -> None:
    with only_one("post", practice.pk) as first:
        assert first is not None
        queue().delete(first.key)
        with only_one("post", practice.pk) as second:
            assert second is not None
            first.extend()
            with only_one("post", practice.pk) as third:
                assert third is None
            assert queue().get(second.key) == second.token.encode()
        assert queue().get(second.key) is None


# The lane of one office: one request at a time


LANE = Lane("races", 0.1, urgent=True)


@pytest.fixture
def on_the_wire() -> list[int]:
    """How many requests were on the wire whenever one began."""
    queue().delete(*pacing._keys(LANE))
    return []


def ask(seen: list[int], now_there: list[int], guard: Callable[[], AbstractContextManager[None]]) -> None:
    for _ in range(3):
        with guard():
            now_there.append(1)
            seen.append(len(now_there))
            time.sleep(0.05)
            now_there.pop()


def test_control_two_workers_without_the_lane_ask_one_office_at_the_same_time(
    on_the_wire: list[int], together: Together
) -> None:
    there: list[int] = []

    together(*[lambda: ask(on_the_wire, there, contextlib.nullcontext)] * 2)

    assert max(on_the_wire) == 2


def test_two_workers_ask_one_office_one_after_the_other(on_the_wire: list[int], together: Together) -> None:
    there: list[int] = []

    assert failures(together(*[lambda: ask(on_the_wire, there, lambda: pacing.turn(LANE, "GET /x"))] * 4)) == []
    assert on_the_wire == [1] * 12
