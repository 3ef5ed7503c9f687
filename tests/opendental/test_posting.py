"""Posting to the ledger: the right place for every kind of office and plan, read back; refusals go to a person."""

from __future__ import annotations

from opendental import outbox
from opendental.models import Connection
from payments.models import LedgerPosting
from payplans.models import Installment
from tests.opendental.desk import Desk, alarms, collect, collected, installments, row_of, rows_hit, state

State = LedgerPosting.State


def test_the_oldest_charge_is_hit_without_a_second_write(desk: Desk, due: LedgerPosting) -> None:
    desk.outside.fault("PUT /api/v1/payments/*", "error_before", times=9)
    desk.post()
    assert state(due) == State.MATCHED
    assert rows_hit(desk) == [(row_of(due), 100_00)]


def test_a_later_charge_is_hit_by_replacing_the_splits(desk: Desk) -> None:
    posting = collected(desk, place=1)
    desk.post()
    assert state(posting) == State.MATCHED
    assert rows_hit(desk) == [(row_of(posting), 100_00)]
    assert len(desk.books("payments")) == 1
    assert alarms() == []


def test_a_charge_of_several_rows_is_hit_row_by_row(desk: Desk) -> None:
    patient = desk.patient()
    work = [desk.act("procedures", PatNum=patient, ProcFee=fee)["ProcNum"] for fee in (100, 60, 140)]
    terms = {"PatNum": patient, "PayAmt": 100, "DatePayPlanStart": "2022-07-01", "IsLocked": "false"}
    number = desk.act("plans", procNums=work, **terms)["PayPlanNum"]
    desk.at("2022-08-01 10:00")
    desk.pull()
    posting = collect(installments(number)[1], now=desk.now())
    desk.post()
    assert state(posting) == State.MATCHED
    assert [cents for _, cents in rows_hit(desk)] == [60_00, 40_00]


def test_interest_and_principal_of_a_charge_are_both_paid(desk: Desk) -> None:
    posting = collected(desk, place=1, dollars=1000, APR=12, IsLocked="true")
    desk.post()
    assert state(posting) == State.MATCHED
    assert {number for number, _ in rows_hit(desk)} == {row_of(posting)}
    assert sum(cents for _, cents in rows_hit(desk)) == 100_00


def test_money_for_a_charge_not_issued_waits_on_the_plan_as_a_prepayment(desk: Desk) -> None:
    number = desk.plan(desk.patient(), DatePayPlanStart="2022-07-24")
    desk.pull()
    first = installments(number)[0]
    posting = collect(first, now=desk.now())
    desk.post()
    assert (state(posting), posting.route) == (State.MATCHED, "PREPAYMENT")
    [split] = desk.books("paysplits")
    assert (split["kind"], split["PayPlanNum"], split["amount_cents"]) == ("hidden", number, 100_00)
    desk.at("2022-07-24 10:00")
    desk.pull()
    first.refresh_from_db()
    assert (first.is_issued, first.status, first.collected_cents, first.office_paid_cents) == (True, "PAID", 100_00, 0)
    assert {row.office_paid_cents for row in installments(number)} == {0}


def test_an_older_office_gets_it_on_the_plan_oldest_first(desk: Desk) -> None:
    desk.act("settings", version="24.4.40.0")
    desk.connect()
    posting = collected(desk, place=1)
    desk.post()
    assert (state(posting), posting.route) == (State.MATCHED, "PLAN_FIFO")
    assert sum(cents for number, cents in rows_hit(desk) if number) == 100_00


def test_an_office_without_enforced_splits_gets_it_on_the_account(desk: Desk) -> None:
    desk.act("settings", version="24.4.40.0")
    desk.act("preferences", RigorousAccounting="2")
    desk.connect()
    posting = collected(desk)
    desk.post()
    assert (state(posting), posting.route) == (State.MATCHED, "PATIENT")
    assert rows_hit(desk) == [(0, 100_00)]


def test_a_new_office_without_enforced_splits_is_put_right_row_by_row(desk: Desk) -> None:
    desk.act("preferences", RigorousAccounting="2")
    desk.connect()
    posting = collected(desk)
    desk.post()
    assert (state(posting), posting.route) == (State.MATCHED, "CHARGE_ROWS")
    assert rows_hit(desk) == [(row_of(posting), 100_00)]


def test_a_foreign_guarantors_account_is_posted_to(desk: Desk) -> None:
    payer = desk.patient(FName="Quinn", LName="Payerson")
    posting = collected(desk, Guarantor=payer)
    desk.post()
    assert state(posting) == State.MATCHED
    assert [payment["PatNum"] for payment in desk.books("payments")] == [payer]


def test_a_charge_paid_at_the_desk_meanwhile_is_a_mismatch_for_a_person(desk: Desk) -> None:
    posting = collected(desk, place=1)
    desk.act("cash", PayPlanChargeNum=row_of(posting), amount_cents=100_00)
    desk.post()
    assert state(posting) == State.MISMATCH
    assert posting.state_reason == (
        "$100.00 of $100.00 is not where it should be in Open Dental. $100.00 is not open on this installment any more."
    )
    assert sorted(alarms()) == ["PAID_TWICE", "POSTING_MISMATCH"]
    assert len(desk.books("payments")) == 2


def test_a_mismatch_put_right_by_hand_closes_when_looked_at_again(desk: Desk) -> None:
    posting = collected(desk, place=1)
    desk.act("switches", partial_repeat=False)
    cash = desk.act("cash", PayPlanChargeNum=row_of(posting), amount_cents=100_00)
    assert cash
    desk.post()
    assert state(posting) == State.MISMATCH
    desk.act("cash", PayPlanChargeNum=row_of(posting), amount_cents=-100_00)
    outbox.look_again(posting, now=desk.now())
    desk.post()
    assert state(posting) == State.MATCHED
    assert alarms() == []


def test_a_wrong_payment_type_is_a_matter_for_a_person(desk: Desk, due: LedgerPosting) -> None:
    Connection.objects.update(pay_type_num=290)
    desk.post()
    assert (state(due), due.state_reason) == (State.REFUSED, "Open Dental refused it: PayType is invalid.")
    assert alarms() == ["POSTING_REFUSED"]
    desk.wait(days=1)
    assert desk.post() == 0
    Connection.objects.update(pay_type_num=383)
    outbox.look_again(due, now=desk.now())
    for _ in range(3):
        desk.post()
        desk.wait(seconds=61)
    assert (state(due), alarms()) == (State.MATCHED, [])


def test_a_key_without_the_permission_posts_nothing_and_says_so(desk: Desk, due: LedgerPosting) -> None:
    desk.act("settings", permissions=["ApiReadAll", "ApiQueries"])
    desk.post()
    assert (state(due), due.sends) == (State.QUEUED, 0)
    assert "permission ApiPayments" in due.state_reason
    assert alarms() == ["POSTING_BLOCKED"]
    desk.connect()
    desk.wait(minutes=1)
    desk.post()
    assert due.sends == 0
    assert desk.books("payments") == []


def test_a_closed_plans_money_still_goes_to_its_charge(desk: Desk, due: LedgerPosting) -> None:
    assert due.plan is not None
    desk.act("close_plan", PayPlanNum=due.plan.pay_plan_num)
    desk.pull(cycles=2)
    desk.post()
    assert state(due) == State.MATCHED
    assert rows_hit(desk) == [(row_of(due), 100_00)]


def test_a_payment_of_ours_taken_back_in_open_dental_raises_an_alarm_until_it_is_put_right(
    desk: Desk, due: LedgerPosting
) -> None:
    desk.post()
    desk.pull()
    assert alarms() == []
    desk.wait(minutes=1)
    desk.act("cash", PayPlanChargeNum=row_of(due), amount_cents=-100_00)
    desk.pull()
    assert alarms() == ["LEDGER_TAKEN_BACK"]
    installment = Installment.objects.get(allocations__payment=due.payment)
    assert (installment.status, installment.owed_cents, installment.office_paid_cents) == ("PAID", 0, 0)
    desk.wait(minutes=1)
    desk.act("cash", PayPlanChargeNum=row_of(due), amount_cents=100_00)
    desk.pull()
    assert alarms() == []


def test_an_old_plans_money_is_posted_to_the_account(desk: Desk) -> None:
    patient = desk.patient()
    body = {"PatNum": patient, "PayAmt": 100, "DatePayPlanStart": "2022-07-01", "principalAmount": 300}
    number = desk.act("plans", kind="old", **body)["PayPlanNum"]
    desk.at("2022-07-01 10:00")
    desk.pull()
    rows = installments(number)
    assert [(row.amount_cents, row.is_issued) for row in rows] == [(100_00, True)] * 3
    posting = collect(rows[0], now=desk.now())
    desk.post()
    assert (state(posting), posting.route) == (State.MATCHED, "PATIENT")
