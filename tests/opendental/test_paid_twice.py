"""The desk took what we took too: the next installment stays due, and somebody is told until it is put right."""

from __future__ import annotations

from opendental.models import Connection
from payments.models import Alarm, LedgerPosting
from payplans.models import Installment
from tests.opendental.desk import Desk, alarms, installments, row_of, state


def _of(posting: LedgerPosting) -> list[Installment]:
    assert posting.plan is not None
    return installments(posting.plan.pay_plan_num)


def _next_is_due(posting: LedgerPosting) -> bool:
    second = _of(posting)[1]
    part = second.due_parts.get(state="OPEN")
    return (second.status, second.office_paid_cents, part.amount_cents) == ("PENDING", 0, 100_00)


def test_cash_on_a_charge_we_collected_raises_an_alarm_until_it_is_removed(desk: Desk, due: LedgerPosting) -> None:
    desk.post()
    assert state(due) == "MATCHED"
    number = desk.act("cash", PayPlanChargeNum=row_of(due), amount_cents=100_00)["PayNum"]
    for _ in range(2):
        desk.wait(minutes=1)
        desk.pull()

    assert _next_is_due(due)
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.about["installment"]) == ("PAID_TWICE", _of(due)[0].pk)
    assert alarm.text == "This installment was paid here and in Open Dental: $100.00 too much."

    desk.wait(minutes=1)
    desk.act("delete_payment", PayNum=number)
    desk.pull(cycles=4)
    assert (alarms(), Alarm.objects.get().closed_by) == ([], "sync")
    assert _next_is_due(due)
    assert (_of(due)[0].status, _of(due)[0].collected_cents) == ("PAID", 100_00)


def test_a_refused_posting_entered_by_hand_does_not_pay_the_next_installment(desk: Desk, due: LedgerPosting) -> None:
    Connection.objects.update(pay_type_num=290)
    desk.post()
    assert state(due) == "REFUSED"
    desk.act("cash", PayPlanChargeNum=row_of(due), amount_cents=100_00)
    desk.pull()

    assert _next_is_due(due)
    assert alarms() == ["POSTING_REFUSED", "PAID_TWICE"]
    assert Alarm.objects.get(kind="PAID_TWICE").text == (
        "This installment was paid here and in Open Dental: $100.00 too much. "
        "Our payment of that amount is not posted yet: it may have been entered by hand."
    )


def test_what_open_dental_moves_to_the_next_charge_pays_it(desk: Desk, due: LedgerPosting) -> None:
    desk.post()
    desk.act("cash", PayPlanChargeNum=row_of(due), amount_cents=100_00)
    desk.pull()
    assert alarms() == ["PAID_TWICE"]
    desk.wait(minutes=1)
    assert due.plan is not None
    desk.act("balance", PayPlanNum=due.plan.pay_plan_num, how="prepay")
    desk.pull()
    assert alarms() == []
    assert [row.status for row in _of(due)][:2] == ["PAID", "PAID"]
    assert _of(due)[1].office_paid_cents == 100_00


def test_the_alarm_tells_the_amount_of_now(desk: Desk, due: LedgerPosting) -> None:
    desk.post()
    for cents in (30_00, 20_00):
        desk.wait(minutes=1)
        desk.act("cash", PayPlanChargeNum=row_of(due), amount_cents=cents)
        desk.pull()
    assert Alarm.objects.get().text == "This installment was paid here and in Open Dental: $50.00 too much."


def test_more_cash_than_the_charge_asks_for_is_shown_and_pays_nothing_else(desk: Desk) -> None:
    number = desk.plan(desk.patient(), DatePayPlanStart="2022-07-01")
    desk.at("2022-08-01 10:00")
    desk.pull()
    first = installments(number)[0]
    desk.act("cash", PayPlanChargeNum=first.charge_rows.get().pay_plan_charge_num, amount_cents=130_00)
    desk.pull()
    assert [row.office_paid_cents for row in installments(number)][:2] == [100_00, 0]
    assert Alarm.objects.get().text == (
        "Open Dental shows $30.00 too much on this charge. Move it there or give it back."
    )


def test_a_part_paid_at_the_desk_and_the_rest_here_is_no_contradiction(desk: Desk, due: LedgerPosting) -> None:
    desk.post()
    second = _of(due)[1]
    desk.act("cash", PayPlanChargeNum=second.charge_rows.get().pay_plan_charge_num, amount_cents=40_00)
    desk.pull()
    assert [row.office_paid_cents for row in _of(due)][:2] == [0, 40_00]
    assert alarms() == []
