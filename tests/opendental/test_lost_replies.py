"""Posting when replies get lost, workers die and offices go away: found again, and never sent twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from opendental import outbox, post, read
from opendental.client import Office
from opendental.models import Connection
from opendental.plans import pull_plan
from opendental.turns import only_one
from payments.models import LedgerPosting
from payplans.models import Installment
from practices.models import Event
from tests.opendental.desk import Desk, alarms, collect, collected, installments, row_of, rows_hit, state

State = LedgerPosting.State


def test_a_reply_lost_before_the_commit_is_searched_twice_and_sent_once_more(desk: Desk, due: LedgerPosting) -> None:
    desk.outside.fault("POST /api/v1/payments", "drop_before")
    desk.post()
    assert (state(due), desk.books("payments")) == (State.UNCLEAR, [])
    desk.wait(seconds=30)
    assert desk.post() == 0
    desk.wait(seconds=31)
    assert (desk.post(), state(due), due.searches) == (1, State.UNCLEAR, 1)
    desk.wait(seconds=61)
    desk.post()
    assert (state(due), due.sends) == (State.MATCHED, 2)
    assert [payment["CheckNum"] for payment in desk.books("payments")] == [due.reference]


@pytest.mark.parametrize("fault", ["drop_after", "error_after"])
def test_a_reply_lost_after_the_commit_is_found_and_never_sent_again(
    desk: Desk, due: LedgerPosting, fault: str
) -> None:
    desk.outside.fault("POST /api/v1/payments", fault)
    desk.post()
    assert state(due) == State.UNCLEAR
    desk.wait(seconds=61)
    desk.post()
    assert (state(due), due.sends) == (State.MATCHED, 1)
    assert len(desk.books("payments")) == 1


def test_while_a_posting_is_unclear_its_money_is_not_taken_for_the_offices(desk: Desk, due: LedgerPosting) -> None:
    desk.outside.fault("POST /api/v1/payments", "drop_after")
    desk.post()
    desk.wait(seconds=30)
    assert desk.pull().changed == 1
    assert {row.office_paid_cents for row in Installment.objects.all()} == {0}
    desk.wait(seconds=40)
    desk.post()
    desk.pull(cycles=2)
    assert {row.office_paid_cents for row in Installment.objects.all()} == {0}


def test_without_queries_the_search_goes_by_patient_and_day(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(version="25.4.48.0", permissions=["ApiReadAll", "ApiPayments", "ApiPayPlans", "ApiAllOthers"])
    desk.connect()
    posting = collected(desk)
    desk.outside.fault("POST /api/v1/payments", "drop_after")
    desk.post()
    desk.wait(seconds=61)
    desk.post()
    assert (state(posting), posting.sends, len(desk.books("payments"))) == (State.MATCHED, 1, 1)


def test_around_midnight_in_hawaii_the_payment_is_still_found(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(timezone="Pacific/Honolulu", permissions=["ApiReadAll", "ApiPayments", "ApiPayPlans"])
    desk.practice.timezone = "Pacific/Honolulu"
    desk.practice.save()
    desk.connect()
    number = desk.plan(desk.patient(), DatePayPlanStart="2022-07-01")
    desk.at("2022-07-01 23:59:40")
    desk.pull()
    posting = collect(installments(number)[0], now=desk.now())
    desk.outside.fault("POST /api/v1/payments", "drop_after")
    desk.post()
    desk.at("2022-07-02 00:01:30")
    desk.post()
    assert (state(posting), posting.sends) == (State.MATCHED, 1)
    [payment] = desk.books("payments")
    assert (payment["PayDate"], payment["DateEntry"], str(posting.office_date)) == (
        "2022-07-01",
        "2022-07-01",
        "2022-07-01",
    )


def test_a_refund_that_copied_the_reference_is_not_taken_for_the_payment(desk: Desk, due: LedgerPosting) -> None:
    someone = desk.patient(FName="Quinn")
    other = desk.act("cash", PatNum=someone, amount_cents=-100_00, check=due.reference)["PayNum"]
    smaller = desk.act("cash", PatNum=someone, amount_cents=99_00, check=due.reference)["PayNum"]
    desk.outside.fault("POST /api/v1/payments", "drop_before")
    desk.post()
    for _ in range(2):
        desk.wait(seconds=61)
        desk.post()
    assert state(due) == State.MATCHED
    assert due.pay_num not in (None, other, smaller)
    assert due.sends == 2


def test_a_payment_found_twice_raises_an_alarm_and_takes_the_first(desk: Desk, due: LedgerPosting) -> None:
    number = due.plan.pay_plan_num if due.plan else 0
    first = desk.act("cash", PayPlanNum=number, amount_cents=100_00, check=due.reference)["PayNum"]
    desk.act("cash", PayPlanNum=number, amount_cents=100_00, check=due.reference)
    desk.outside.fault("POST /api/v1/payments", "drop_before")
    desk.post()
    desk.wait(seconds=61)
    desk.post()
    assert (state(due), due.pay_num) == (State.MATCHED, first)
    assert alarms() == ["POSTING_DUPLICATE"]
    desk.act("delete_payment", PayNum=desk.books("payments")[1]["PayNum"])
    a_night_passes(desk)
    assert "POSTING_DUPLICATE" not in alarms()


def a_night_passes(desk: Desk) -> None:
    """To 5:30 in the morning at the practice, when every office has been compared, and one look at it."""
    tomorrow = desk.now().astimezone(desk.zone).date() + timedelta(days=1)
    desk.at(f"{tomorrow} 05:30")
    desk.pull()


def test_never_confirmed_and_never_found_ends_with_a_person(desk: Desk, due: LedgerPosting) -> None:
    desk.outside.fault("POST /api/v1/payments", "drop_before", times=2)
    desk.post()
    for _ in range(4):
        desk.wait(seconds=61)
        desk.post()
    assert (state(due), due.sends) == (State.REFUSED, 2)
    assert alarms() == ["POSTING_REFUSED"]
    assert desk.books("payments") == []
    outbox.look_again(due, now=desk.now())
    desk.post()
    desk.wait(seconds=61)
    desk.post()
    assert state(due) == State.MATCHED
    assert len(desk.books("payments")) == 1
    assert alarms() == []


def test_a_worker_killed_before_the_answer_was_stored_is_picked_up(
    desk: Desk, due: LedgerPosting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "posted", killed)
    with pytest.raises(KeyboardInterrupt):
        desk.post()
    monkeypatch.undo()
    assert (state(due), len(desk.books("payments"))) == (State.SENDING, 1)
    # So long the worker may wait for the office's turn and its answer.
    desk.wait(seconds=235)
    assert (desk.post(), state(due)) == (0, State.SENDING)
    desk.wait(seconds=6)
    desk.post()
    assert (state(due), due.sends, len(desk.books("payments"))) == (State.MATCHED, 1, 1)


def killed(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_a_worker_killed_between_post_and_partial_is_picked_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    posting = collected(desk, place=1)
    monkeypatch.setattr(post.Poster, "_repair", killed)
    with pytest.raises(KeyboardInterrupt):
        desk.post()
    monkeypatch.undo()
    assert state(posting) == State.POSTED
    assert desk.post() == 1
    assert state(posting) == State.MATCHED
    assert rows_hit(desk) == [(row_of(posting), 100_00)]


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "error_after"])
def test_a_reply_to_partial_that_was_lost_is_settled_by_reading_back(desk: Desk, fault: str) -> None:
    posting = collected(desk, place=1)
    desk.outside.fault("PUT /api/v1/payments/*", fault)
    desk.post()
    assert state(posting) == State.POSTED
    assert desk.post() == 0
    desk.wait(seconds=61)
    desk.post()
    assert state(posting) == State.MATCHED
    assert rows_hit(desk) == [(row_of(posting), 100_00)]


def test_where_partial_works_only_once_a_lost_reply_still_ends_well(desk: Desk) -> None:
    desk.act("switches", partial_repeat=False)
    posting = collected(desk, place=1)
    desk.outside.fault("PUT /api/v1/payments/*", "drop_after")
    desk.post()
    desk.wait(seconds=61)
    desk.post()
    assert state(posting) == State.MATCHED


def test_two_posters_send_once(desk: Desk, due: LedgerPosting) -> None:
    stale = LedgerPosting.objects.get(pk=due.pk)
    desk.post()
    assert state(due) == State.MATCHED
    # A second worker that had read the row before loses the claim and sends nothing.
    connection = Connection.objects.get()
    post.Poster(connection, Office(connection), desk.now())._send(stale)
    assert len(desk.books("payments")) == 1


def test_only_one_poster_works_in_an_office(desk: Desk, due: LedgerPosting) -> None:
    with only_one("post", desk.practice.pk) as turn:
        assert turn is not None
        assert desk.post() == 0
    assert desk.post() == 1


def test_an_office_that_is_away_is_tried_again_later_and_later(desk: Desk, due: LedgerPosting) -> None:
    Connection.objects.update(base_url="http://127.0.0.1:9/api/v1")
    desk.post()
    assert (state(due), due.tries, due.sends) == (State.QUEUED, 1, 0)
    assert due.state_reason == "The office's Open Dental can't be reached: No connection to the address."
    assert desk.post() == 0
    Connection.objects.update(base_url=f"{desk.outside.url}/api/v1")
    desk.wait(seconds=16)
    desk.post()
    assert state(due) == State.MATCHED
    assert alarms() == []


def test_the_offices_connector_being_down_is_unclear_and_ends_well(desk: Desk, due: LedgerPosting) -> None:
    desk.act("offline", offline=True)
    desk.post()
    assert state(due) == State.UNCLEAR
    desk.wait(seconds=61)
    desk.post()
    assert (state(due), due.searches) == (State.UNCLEAR, 0)
    desk.act("offline", offline=False)
    for _ in range(3):
        desk.wait(seconds=61)
        desk.post()
    assert (state(due), len(desk.books("payments"))) == (State.MATCHED, 1)


def test_being_slowed_down_waits_as_long_as_asked(desk: Desk, due: LedgerPosting) -> None:
    desk.outside.fault("POST /api/v1/payments", "throttle")
    desk.post()
    assert (state(due), due.sends) == (State.QUEUED, 0)
    desk.wait(seconds=2)
    desk.post()
    assert state(due) == State.MATCHED


def test_every_step_leaves_an_event(desk: Desk, due: LedgerPosting) -> None:
    desk.outside.fault("POST /api/v1/payments", "drop_after")
    desk.post()
    desk.wait(seconds=61)
    desk.post()
    kinds = Event.objects.filter(about__posting=due.pk).order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["posting_sending", "posting_unclear", "posting_posted", "posting_matched"]


def test_a_payment_entered_again_by_hand_is_found_within_a_day(desk: Desk, due: LedgerPosting) -> None:
    desk.post()
    desk.act("cash", PatNum=due.patient.pat_num, amount_cents=100_00, check=due.reference)
    a_night_passes(desk)
    assert alarms() == ["POSTING_DUPLICATE"]
    desk.act("delete_payment", PayNum=desk.books("payments")[1]["PayNum"])
    a_night_passes(desk)
    assert "POSTING_DUPLICATE" not in alarms()


def test_the_next_payment_of_a_plan_waits_until_the_one_before_is_settled(desk: Desk) -> None:
    """Sent at once, each would take the other's charge, and neither could be put right."""
    first = collected(desk, place=1)
    assert first.plan is not None
    second = collect(installments(first.plan.pay_plan_num)[0], now=desk.now())
    desk.outside.fault("GET /api/v1/paysplits", "drop_before")
    desk.post()
    assert (state(first), state(second), second.sends) == (State.POSTED, State.QUEUED, 0)
    assert len(desk.books("payments")) == 1
    desk.wait(seconds=61)
    desk.post()
    desk.wait(seconds=16)
    desk.post()
    assert (state(first), state(second)) == (State.MATCHED, State.MATCHED)
    assert sorted(rows_hit(desk)) == sorted([(row_of(first), 100_00), (row_of(second), 100_00)])
    assert alarms() == []


def test_a_worker_that_woke_up_late_does_not_send_a_third_time(desk: Desk, due: LedgerPosting) -> None:
    """It searched before another worker's resend, whose answer was lost: what it found out proves nothing any more."""
    desk.outside.fault("POST /api/v1/payments", "drop_before", times=2)
    for seconds in (0, 61):
        desk.wait(seconds=seconds)
        desk.post()
    sleeper = LedgerPosting.objects.select_related("plan", "payment").get()
    assert (sleeper.state, sleeper.searches, sleeper.sends) == (State.UNCLEAR, 1, 1)
    desk.wait(seconds=61)
    desk.post()
    assert (state(due), due.searches, due.sends) == (State.UNCLEAR, 0, 2)

    connection = Connection.objects.get()
    post.Poster(connection, Office(connection), desk.now())._not_found(sleeper)
    assert (state(due), due.searches, due.sends, desk.books("payments")) == (State.UNCLEAR, 0, 2, [])


def test_cash_taken_while_a_posting_was_looked_for_is_seen_right_after_it_is_found(
    desk: Desk, due: LedgerPosting
) -> None:
    assert due.plan is not None
    second = installments(due.plan.pay_plan_num)[1]
    desk.outside.fault("POST /api/v1/payments", "drop_after")
    desk.post()
    desk.act("cash", PayPlanChargeNum=second.charge_rows.get().pay_plan_charge_num, amount_cents=100_00)
    desk.wait(seconds=30)
    desk.pull()
    second.refresh_from_db()
    assert (second.status, second.office_paid_cents) == ("PENDING", 0)
    desk.wait(seconds=40)
    desk.post()
    assert state(due) == State.MATCHED
    desk.pull()
    second.refresh_from_db()
    assert (second.status, second.office_paid_cents, alarms()) == ("PAID", 100_00, [])


def test_a_reading_made_before_the_posting_was_sent_raises_no_alarm(
    desk: Desk, due: LedgerPosting, monkeypatch: pytest.MonkeyPatch
) -> None:
    details = read.details

    def overtaken(*given: Any) -> read.Reading:
        found = details(*given)
        desk.post()
        return found

    assert due.plan is not None
    monkeypatch.setattr("opendental.plans.read.details", overtaken)
    desk.wait(seconds=5)
    pull_plan(Connection.objects.get(), due.plan.pay_plan_num, desk.now())
    assert (state(due), alarms()) == (State.MATCHED, [])
