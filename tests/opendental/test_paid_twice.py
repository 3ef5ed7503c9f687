"""The desk took what we took too: the next installment stays due, and somebody is told until it is put right."""

from __future__ import annotations

from pytest_django import DjangoAssertNumQueries

from opendental import contradictions
from opendental.models import Connection
from opendental.plans import pull_plan
from payments.models import Alarm, LedgerPosting
from payplans.models import Installment
from tests.opendental.desk import Desk, alarms, collect, installments, row_of, state


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


def _read_again(desk: Desk, posting: LedgerPosting) -> None:
    assert posting.plan is not None
    pull_plan(Connection.objects.get(), posting.plan.pay_plan_num, desk.wait(minutes=1))


def _closed_by_hand(desk: Desk) -> None:
    Alarm.objects.get(closed_at=None).close_by_hand(actor="Robin Deskson", now=desk.now())


def test_an_alarm_closed_by_hand_comes_back_only_when_something_changes(desk: Desk, due: LedgerPosting) -> None:
    desk.post()
    twice = {"PayPlanChargeNum": row_of(due), "amount_cents": 100_00}
    number = desk.act("cash", **twice)["PayNum"]
    _read_again(desk, due)
    _closed_by_hand(desk)
    _read_again(desk, due)
    assert alarms() == []

    desk.act("cash", PayPlanChargeNum=row_of(due), amount_cents=20_00)
    _read_again(desk, due)
    assert Alarm.objects.get(closed_at=None).text.endswith(" $120.00 too much.")
    _closed_by_hand(desk)
    _read_again(desk, due)
    assert alarms() == []

    # The same amount, but other money.
    desk.act("delete_payment", PayNum=number)
    desk.act("cash", **twice)
    _read_again(desk, due)
    assert (alarms(), Alarm.objects.count()) == (["PAID_TWICE"], 3)


def test_an_alarm_about_money_taken_back_stays_closed_too(desk: Desk, due: LedgerPosting) -> None:
    desk.post()
    desk.act("cash", PayPlanChargeNum=row_of(due), amount_cents=-100_00)
    _read_again(desk, due)
    assert alarms() == ["LEDGER_TAKEN_BACK"]
    _closed_by_hand(desk)
    _read_again(desk, due)
    assert (alarms(), Alarm.objects.count()) == ([], 1)


def test_a_plan_deleted_in_open_dental_leaves_no_alarm_open(desk: Desk) -> None:
    number = desk.plan(desk.patient(), DatePayPlanStart="2022-07-01")
    desk.at("2022-08-01 10:00")
    desk.pull()
    row = installments(number)[0].charge_rows.get().pay_plan_charge_num
    payment = desk.act("cash", PayPlanChargeNum=row, amount_cents=130_00)["PayNum"]
    desk.pull()
    assert alarms() == ["PAID_TWICE"]
    desk.act("delete_payment", PayNum=payment)
    desk.act("delete_plan", PayPlanNum=number)
    assert pull_plan(Connection.objects.get(), number, desk.wait(minutes=1)) is None
    assert alarms() == []


def test_looking_for_contradictions_takes_as_many_queries_for_two_installments_as_for_one(
    desk: Desk, due: LedgerPosting, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    desk.post()
    _read_again(desk, due)
    assert due.plan is not None
    for place in (0, 1):
        if place:
            collect(_of(due)[place], now=desk.now())
            desk.post()
            _read_again(desk, due)
        splits = list(due.plan.splits.all())
        with django_assert_num_queries(4):
            contradictions.taken_back(due.plan, splits, now=desk.now())
