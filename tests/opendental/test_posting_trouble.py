"""Postings in trouble: numbers given twice, two that wait for each other, offices that never answer, poisoned rows."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest

from opendental import outbox, verify
from opendental.models import Connection
from opendental.recheck import recheck
from payments.models import Alarm, DueCheck, LedgerPosting
from practices.models import Event
from tests.opendental.desk import Desk, alarms, collect, collected, installments, row_of, rows_hit, state

State = LedgerPosting.State


def two_plans(desk: Desk) -> tuple[LedgerPosting, LedgerPosting]:
    """$100 collected on a plan of each of two patients; neither is posted yet."""
    numbers = [desk.plan(desk.patient(FName=name), DatePayPlanStart="2022-07-01") for name in ("Pat", "Quinn")]
    desk.at("2022-08-01 10:00")
    desk.pull()
    first, second = (collect(installments(number)[0], now=desk.now()) for number in numbers)
    return first, second


def number_given_again(desk: Desk) -> tuple[LedgerPosting, LedgerPosting]:
    """The first posting holds the number that the office, set back to a backup, gives to its next payment."""
    first, second = two_plans(desk)
    LedgerPosting.objects.filter(pk=second.pk).update(next_at=desk.now() + timedelta(seconds=30))
    desk.post()
    assert state(first) == State.MATCHED
    LedgerPosting.objects.filter(pk=first.pk).update(pay_num=(first.pay_num or 0) + 1)
    desk.wait(seconds=31)
    return first, second


def checks(desk: Desk, posting: LedgerPosting) -> int:
    """How many payments of the books carry its reference."""
    return [payment["CheckNum"] for payment in desk.books("payments")].count(posting.reference)


def rounds(desk: Desk, count: int, **wait: float) -> None:
    for _ in range(count):
        desk.wait(**wait)
        desk.post()


def test_a_number_given_twice_ends_with_a_person_and_is_never_sent_again(desk: Desk) -> None:
    first, second = number_given_again(desk)
    desk.post()
    first.refresh_from_db()
    assert (state(second), second.pay_num, second.sends) == (State.MISMATCH, None, 1)
    assert second.state_reason == (
        f"Open Dental has it as PayNum {first.pay_num}, a number that {first.reference} got before: a backup was "
        "restored, or another database is connected. It is not sent again; compare both payments in the ledger by hand."
    )
    assert alarms() == ["POSTING_MISMATCH"]
    kinds = Event.objects.filter(about__posting=second.pk).order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["posting_sending", "posting_mismatch"]
    rounds(desk, 4, minutes=3)
    assert (state(second), second.sends, checks(desk, second)) == (State.MISMATCH, 1, 1)
    assert state(first) == State.MATCHED


def test_looking_again_at_a_number_given_twice_searches_only_and_ends_well_once_it_is_free(desk: Desk) -> None:
    first, second = number_given_again(desk)
    desk.post()
    state(second)
    outbox.look_again(second, now=desk.now())
    rounds(desk, 3, minutes=3)
    assert (state(second), second.sends, checks(desk, second)) == (State.MISMATCH, 1, 1)
    first.refresh_from_db()
    number = first.pay_num
    LedgerPosting.objects.filter(pk=first.pk).update(pay_num=999_999)
    outbox.look_again(second, now=desk.now())
    desk.post()
    assert (state(second), second.pay_num, checks(desk, second)) == (State.MATCHED, number, 1)
    assert alarms() == []


def test_a_lost_answer_with_a_number_given_twice_is_found_by_its_reference(desk: Desk) -> None:
    _, second = number_given_again(desk)
    desk.outside.fault("POST /api/v1/payments", "drop_after")
    desk.post()
    assert state(second) == State.UNCLEAR
    rounds(desk, 5, seconds=121)
    assert (state(second), second.sends, checks(desk, second)) == (State.MISMATCH, 1, 1)
    assert alarms() == ["POSTING_MISMATCH"]


def test_an_answer_with_a_number_counts_whatever_else_is_wrong_with_it(desk: Desk, due: LedgerPosting) -> None:
    desk.act("malform", resource="payments", pk=1, field="PayAmt", value="much")
    desk.post()
    assert (state(due), due.pay_num, due.sends) == (State.MATCHED, 1, 1)


def test_two_payments_of_a_plan_that_are_both_looked_for_do_not_wait_for_each_other(desk: Desk) -> None:
    first = collected(desk, place=1)
    assert first.plan is not None
    second = collect(installments(first.plan.pay_plan_num)[0], now=desk.now())
    desk.outside.fault("POST /api/v1/payments", "drop_before", times=4)
    rounds(desk, 14, seconds=61)
    assert (state(first), state(second)) == (State.REFUSED, State.REFUSED)
    assert desk.books("payments") == []
    for posting in (second, first):
        outbox.look_again(posting, now=desk.now())
    rounds(desk, 6, seconds=61)
    assert (state(first), state(second)) == (State.MATCHED, State.MATCHED)
    assert sorted(rows_hit(desk)) == sorted([(row_of(first), 100_00), (row_of(second), 100_00)])
    assert (checks(desk, first), checks(desk, second), alarms()) == (1, 1, [])


def test_an_older_payment_waits_for_a_newer_one_that_may_have_arrived(desk: Desk) -> None:
    """Sent meanwhile, it could find its own charge taken: only what was searched for twice is let past."""
    older = collected(desk, place=1)
    assert older.plan is not None
    newer = collect(installments(older.plan.pay_plan_num)[0], now=desk.now())
    LedgerPosting.objects.filter(pk=older.pk).update(next_at=desk.now() + timedelta(seconds=5))
    desk.outside.fault("POST /api/v1/payments", "drop_after")
    desk.post()
    desk.wait(seconds=6)
    desk.post()
    assert (state(newer), state(older), older.sends) == (State.UNCLEAR, State.QUEUED, 0)
    rounds(desk, 3, seconds=61)
    assert (state(newer), state(older), alarms()) == (State.MATCHED, State.MATCHED, [])


@pytest.mark.parametrize("fault", ["POST /api/v1/payments", "GET /api/v1/paysplits"])
def test_a_posting_that_can_not_be_confirmed_for_an_hour_raises_one_alarm_until_it_matches(
    desk: Desk, due: LedgerPosting, fault: str
) -> None:
    desk.outside.fault(fault, "drop_after")
    desk.post()
    waits_in = state(due)
    assert waits_in in (State.UNCLEAR, State.POSTED)
    desk.act("settings", enabled=False)
    rounds(desk, 1, minutes=50)
    assert (state(due), alarms()) == (waits_in, [])
    rounds(desk, 2, minutes=16)
    assert (state(due), alarms()) == (waits_in, ["POSTING_STUCK"])
    assert Alarm.objects.get().text.startswith("Open Dental has not confirmed $100.00 yet; it is tried again. ")
    desk.act("settings", enabled=True)
    rounds(desk, 1, minutes=16)
    assert (state(due), due.sends, checks(desk, due), alarms()) == (State.MATCHED, 1, 1, [])


def test_eight_tries_are_enough_for_an_alarm(desk: Desk, due: LedgerPosting) -> None:
    desk.outside.fault("POST /api/v1/payments", "drop_after")
    desk.post()
    LedgerPosting.objects.update(tries=6)
    desk.act("settings", enabled=False)
    rounds(desk, 1, seconds=61)
    assert (state(due), due.tries, alarms()) == (State.UNCLEAR, 7, [])
    rounds(desk, 1, minutes=15)
    assert (state(due), due.tries, alarms()) == (State.UNCLEAR, 8, ["POSTING_STUCK"])


def test_a_posting_nobody_can_work_on_does_not_keep_the_others_from_the_ledger(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    poisoned, sound = two_plans(desk)
    judge = verify.judge

    def stumble(posting: LedgerPosting, *rest: Any) -> verify.Verdict:
        if posting.pk == poisoned.pk:
            raise ZeroDivisionError
        return judge(posting, *rest)

    monkeypatch.setattr(verify, "judge", stumble)
    with caplog.at_level(logging.ERROR, logger="opendental.post"):
        assert desk.post() == 2
    assert caplog.messages == [f"Unable to work on posting {poisoned.pk} of practice {desk.practice.pk}"]
    assert (state(poisoned), state(sound)) == (State.POSTED, State.MATCHED)
    assert timedelta(minutes=14) < poisoned.next_at - desk.now() <= timedelta(minutes=15, seconds=30)
    desk.wait(minutes=14)
    assert desk.post() == 0
    rounds(desk, 4, minutes=16)
    assert (state(poisoned), alarms()) == (State.POSTED, ["POSTING_STUCK"])
    monkeypatch.undo()
    rounds(desk, 1, minutes=16)
    assert (state(poisoned), poisoned.sends, len(desk.books("payments"))) == (State.MATCHED, 1, 2)
    assert alarms() == []


def test_a_payment_under_a_number_we_could_not_keep_is_not_taken_for_the_offices(desk: Desk) -> None:
    first, second = number_given_again(desk)
    # The backup that was restored is older than it.
    desk.act("delete_payment", PayNum=first.pay_num)
    desk.post()
    assert state(second) == State.MISMATCH
    assert second.plan is not None
    for _ in range(2):
        desk.wait(minutes=1)
        desk.pull(cycles=2)
    assert [alarm for alarm in alarms() if alarm != "LEDGER_TAKEN_BACK"] == ["POSTING_MISMATCH"]
    rows = installments(second.plan.pay_plan_num)[:2]
    assert [(row.status, row.office_paid_cents) for row in rows] == [("PAID", 0), ("PENDING", 0)]
    part = rows[1].due_parts.get(state="OPEN")
    recheck(part.pk, now=desk.wait(minutes=1))
    assert DueCheck.objects.get().obstacle == "An earlier payment of this plan is still being looked for in Open Dental"


def test_what_a_posting_is_stuck_in_now_is_what_staff_read(desk: Desk, due: LedgerPosting) -> None:
    Connection.objects.update(pay_type_num=290)
    desk.post()
    assert (state(due), alarms()) == (State.REFUSED, ["POSTING_REFUSED"])
    desk.wait(minutes=1)
    outbox.stuck(due, State.MISMATCH, "It lies elsewhere.", now=desk.now())
    assert (alarms(), Alarm.objects.get(closed_at=None).text) == (["POSTING_MISMATCH"], "It lies elsewhere.")


def test_money_for_a_charge_issued_before_it_was_sent_goes_to_that_charge(desk: Desk) -> None:
    """As a prepayment it would be spent on the next charge."""
    number = desk.plan(desk.patient(), DatePayPlanStart="2022-07-24")
    desk.pull()
    posting = collect(installments(number)[0], now=desk.now())
    desk.at("2022-07-24 10:00")
    desk.post()
    assert (state(posting), posting.route) == (State.MATCHED, "CHARGE_ROWS")
    assert rows_hit(desk) == [(row_of(posting), 100_00)]


def test_a_prepayment_waits_while_its_plan_can_not_be_read(desk: Desk) -> None:
    number = desk.plan(desk.patient(), DatePayPlanStart="2022-07-24")
    desk.pull()
    posting = collect(installments(number)[0], now=desk.now())
    desk.act("malform", resource="payplans", pk=number, field="PayAmt", value="much")
    desk.post()
    assert (state(posting), posting.sends, posting.tries) == (State.QUEUED, 0, 1)
    assert posting.state_reason == "Open Dental's answer about this plan can't be understood: PayAmt is not a number."
    desk.act("malform")
    desk.wait(minutes=1)
    desk.post()
    assert (state(posting), posting.route, len(desk.books("payments"))) == (State.MATCHED, "PREPAYMENT", 1)


def test_a_prepayment_of_ours_deleted_in_open_dental_raises_an_alarm(desk: Desk) -> None:
    number = desk.plan(desk.patient(), DatePayPlanStart="2022-07-24")
    desk.pull()
    posting = collect(installments(number)[0], now=desk.now())
    desk.post()
    desk.wait(minutes=1)
    desk.pull(cycles=4)
    assert (state(posting), posting.route, alarms()) == (State.MATCHED, "PREPAYMENT", [])
    desk.wait(minutes=1)
    desk.act("delete_payment", PayNum=posting.pay_num)
    desk.pull(cycles=4)
    assert alarms() == ["LEDGER_TAKEN_BACK"]
    assert Alarm.objects.get().text == "$100.00 was posted to this plan; Open Dental shows $0.00 of it."


def test_what_waits_for_staff_is_no_longer_called_late(desk: Desk, due: LedgerPosting) -> None:
    later = desk.now() + timedelta(hours=2)
    outbox.tell_if_late(due, "The payment itself is not in Open Dental yet.", now=later)
    assert alarms() == ["POSTING_STUCK"]

    assert outbox.move(due, when=[State.QUEUED], now=later, state=State.BY_HAND) is True

    assert alarms() == []
    assert Alarm.objects.get().closed_by == "poster"
