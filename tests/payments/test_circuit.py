"""An account that takes no charges: autopay waits as a whole, one payment is tried first, all go on by themselves."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from cards.models import Card
from core import clock
from payments import circuit, shares, tasks
from payments.models import Alarm, Attempt, AttemptState, DuePart
from payments.shares import SLOW_SECONDS, Seats
from practices.models import Practice
from processors import breaker
from processors.models import ProcessorAccount
from tests.plugins.stripe import Shop, chargeable

REASON = "The card processor has taken no charges since 11:00 AM"
HALF_MINUTE = timedelta(seconds=30)


@pytest.fixture(autouse=True)
def stand_ins(nudged: list[int], now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, now)
    # What is handed over is worked on here and now, as a worker would.
    monkeypatch.setattr(tasks.autopay_one, "apply_async", lambda *, kwargs, countdown: tasks.autopay_one(**kwargs))


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr(clock, "now", lambda: moment)


def revoke(shop: Shop, *, back: bool = False) -> None:
    state = "active" if back else "revoked"
    shop.control("accounts", account_key=shop.account.secret_key, state=state)


def sweep(practice: Practice) -> int:
    return int(tasks.sweep_one(practice_id=practice.pk))


def five(shop: Shop, practice: Practice) -> list[DuePart]:
    return [chargeable(shop, practice) for _ in range(5)]


def test_after_three_charges_that_were_not_taken_the_others_wait_with_the_reason_and_an_alarm(
    shop: Shop, practice: Practice, now: datetime
) -> None:
    parts = five(shop, practice)
    revoke(shop)
    assert sweep(practice) == 5
    assert list(Attempt.objects.values_list("state", flat=True)) == ["NOT_TAKEN"] * 3
    waits = DuePart.objects.filter(pk__in=[part.pk for part in parts[3:]])
    assert set(waits.values_list("wait_reason", "leased_until")) == {(REASON, now + timedelta(minutes=5))}
    account = ProcessorAccount.objects.get()
    assert (account.failures, account.away_since, account.next_try_at) == (3, now, now + HALF_MINUTE)
    assert Alarm.objects.get(key="processor").text == "Charges are not taken: The processor refuses the secret key"


def test_while_it_waits_a_sweep_asks_nobody_and_hands_over_nothing(
    shop: Shop, practice: Practice, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    five(shop, practice)
    revoke(shop)
    sweep(practice)
    DuePart.objects.update(leased_until=None)
    asked = len(shop.asked())
    at(monkeypatch, now + HALF_MINUTE - timedelta(seconds=1))
    assert sweep(practice) == 0
    assert (Attempt.objects.count(), len(shop.asked())) == (3, asked)


def test_the_account_is_asked_something_light_first_with_growing_pauses(
    shop: Shop, practice: Practice, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    five(shop, practice)
    revoke(shop)
    sweep(practice)
    pauses, moment = [], now
    for _ in range(6):
        moment = ProcessorAccount.objects.get().next_try_at or moment
        at(monkeypatch, moment)
        assert sweep(practice) == 0
        pauses.append(((ProcessorAccount.objects.get().next_try_at or moment) - moment).total_seconds())
    assert pauses == [60, 120, 240, 480, 600, 600]
    assert Attempt.objects.count() == 3


def test_one_payment_is_tried_and_only_if_it_is_taken_the_others_follow(
    shop: Shop, practice: Practice, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    five(shop, practice)
    revoke(shop)
    sweep(practice)
    revoke(shop, back=True)
    DuePart.objects.update(leased_until=None)
    at(monkeypatch, now + HALF_MINUTE)
    assert sweep(practice) == 1
    assert shop.taken() == [12860]
    account = ProcessorAccount.objects.get()
    assert (account.failures, account.away_since, account.next_try_at, account.problem) == (0, None, None, "")
    assert Alarm.objects.filter(closed_at=None).count() == 0
    at(monkeypatch, now + timedelta(minutes=10))
    assert sweep(practice) == 4
    assert shop.taken() == [12860] * 5


def test_what_waited_for_the_account_is_let_go_and_nothing_else(
    shop: Shop, practice: Practice, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third, *_ = five(shop, practice)
    later = now + timedelta(hours=1)
    ProcessorAccount.objects.update(failures=3, away_since=now, next_try_at=now)
    DuePart.objects.filter(pk=second.pk).update(wait_reason=REASON, leased_until=later)
    DuePart.objects.filter(pk=third.pk).update(wait_reason="Autopay is off", leased_until=later)
    assert sweep(practice) == 1
    assert Attempt.objects.get().due_part_id == first.pk
    left = dict(DuePart.objects.filter(pk__in=[second.pk, third.pk]).values_list("pk", "leased_until"))
    assert left == {second.pk: None, third.pk: later}


def test_parts_that_can_t_be_charged_for_reasons_of_their_own_do_not_keep_it_open(
    shop: Shop, practice: Practice, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    obstructed = [chargeable(shop, practice).payer_id for _ in range(7)]
    Card.objects.filter(patient__in=obstructed).update(state=Card.State.BLOCKED)
    chargeable(shop, practice)
    ProcessorAccount.objects.update(failures=8, away_since=now, next_try_at=now)
    handed = []
    for beat in range(8):
        at(monkeypatch, now + beat * timedelta(seconds=20))
        handed.append(sweep(practice))
    assert handed == [1] * 8
    assert (shop.taken(), ProcessorAccount.objects.get().failures) == ([12860], 0)


def test_the_alarm_is_raised_when_it_opened_unseen_and_again_when_it_was_closed_too_early(
    shop: Shop, part: DuePart, now: datetime
) -> None:
    attempt = Attempt(practice=part.practice, due_part=part, state=AttemptState.UNKNOWN, actor="autopay", reason="Lost")
    ProcessorAccount.objects.update(failures=7, away_since=now)
    circuit.learn(attempt, now=now)
    Alarm.close(part.practice_id, key="processor", now=now, actor="webhook")
    circuit.learn(attempt, now=now)
    circuit.learn(attempt, now=now)
    alarms = Alarm.objects.filter(kind="PROCESSOR_REFUSES").values_list("text", "closed_at").order_by("pk")
    assert list(alarms) == [("Charges are not taken: Lost", now), ("Charges are not taken: Lost", None)]


def test_a_charge_that_is_taken_costs_the_circuit_one_question(
    shop: Shop, practice: Practice, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        assert not breaker.works(practice.pk)


def test_nothing_due_and_a_good_answer_close_it_too(shop: Shop, practice: Practice, now: datetime) -> None:
    ProcessorAccount.objects.update(failures=3, away_since=now, next_try_at=now)
    assert sweep(practice) == 0
    assert ProcessorAccount.objects.get().failures == 0


@pytest.mark.parametrize("state", [AttemptState.DECLINED, AttemptState.SUCCEEDED, AttemptState.PENDING])
def test_a_card_that_is_refused_shows_that_the_account_works(
    shop: Shop, part: DuePart, now: datetime, state: str
) -> None:
    attempt = Attempt(practice=part.practice, due_part=part, state=state, actor="autopay")
    ProcessorAccount.objects.update(failures=2, away_since=now)
    circuit.learn(attempt, now=now)
    assert ProcessorAccount.objects.get().failures == 0


def test_an_answer_that_never_came_counts_and_a_person_is_never_kept_from_trying(
    shop: Shop, part: DuePart, now: datetime
) -> None:
    attempt = Attempt(practice=part.practice, due_part=part, state=AttemptState.UNKNOWN, actor="autopay", reason="Lost")
    for _ in range(3):
        circuit.learn(attempt, now=now)
    assert circuit.refusal(part.practice_id, now) == REASON
    ended = tasks.collect_one(
        practice_id=part.practice_id, due_part_id=part.pk, channel="PAY_NOW", actor="user:1", request="r", newest=0
    )
    assert ended == "SUCCEEDED"
    assert circuit.refusal(part.practice_id, now) == ""


def test_a_practice_never_takes_all_seats_and_a_slow_one_only_few() -> None:
    seats = Seats(threads=16)
    with seats.seat(8) as other:
        assert other
    taken = [seats.seat(7) for _ in range(15)]
    assert [seat.__enter__() for seat in taken] == [True] * 14 + [False]
    with seats.seat(8) as other:
        assert other
    for seat in taken:
        seat.__exit__(None, None, None)
    seats._seconds[7] = SLOW_SECONDS + 1
    with seats.seat(7) as first, seats.seat(7) as second, seats.seat(7) as third:
        assert (first, second, third) == (True, True, False)


@pytest.mark.parametrize("seconds", [0.0, SLOW_SECONDS + 1])
def test_all_seats_are_for_a_practice_that_is_alone_even_a_slow_one(seconds: float) -> None:
    seats = Seats(threads=16)
    seats._seconds[7] = seconds
    taken = [seats.seat(7) for _ in range(17)]
    assert [seat.__enter__() for seat in taken] == [True] * 16 + [False]


def test_without_a_seat_nothing_is_asked_and_the_next_sweep_hands_it_over_again(
    practice: Practice, part: DuePart, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "seats", Seats(threads=1))
    DuePart.objects.update(leased_until=now + timedelta(minutes=10))
    with shares.seats.seat(practice.pk):
        assert tasks.autopay_one(practice_id=practice.pk, due_part_id=part.pk) == "no seat"
    part.refresh_from_db()
    assert (part.leased_until, part.wait_reason, Attempt.objects.count()) == (None, "", 0)
