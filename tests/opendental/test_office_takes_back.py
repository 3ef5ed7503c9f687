"""The desk deletes a payment to enter it anew: nothing is charged at night because of it."""

from __future__ import annotations

from cards.models import Autopay
from payments.models import Alarm, DuePart
from payplans.models import Installment
from tests import factories
from tests.opendental.desk import Desk, alarms, installments, plan_of


def _autopay(number: int) -> None:
    factories.AutopayFactory(plan=plan_of(number))
    Autopay.objects.update(since=plan_of(number).synced_at)


def _paid_on_the_due_day(desk: Desk, cents: int) -> tuple[Installment, int]:
    number = desk.plan(desk.patient(), DatePayPlanStart="2022-07-24")
    desk.pull()
    _autopay(number)
    desk.at("2022-07-24 09:01")
    desk.pull()
    first = installments(number)[0]
    return first, _cash(desk, first, cents)


def _cash(desk: Desk, installment: Installment, cents: int) -> int:
    desk.wait(minutes=1)
    charge = installment.charge_rows.get().pay_plan_charge_num
    number = int(desk.act("cash", PayPlanChargeNum=charge, amount_cents=cents)["PayNum"])
    desk.wait(minutes=1)
    desk.pull(cycles=4)
    installment.refresh_from_db()
    return number


def _taken_back(desk: Desk, installment: Installment, payment: int) -> DuePart:
    desk.at("2022-07-27 02:55")
    desk.act("delete_payment", PayNum=payment)
    desk.at("2022-07-27 03:00")
    desk.pull(cycles=4)
    installment.refresh_from_db()
    return DuePart.objects.get(installment=installment, state="OPEN")


def test_what_was_taken_back_waits_for_staff_until_it_is_recorded_again(desk: Desk) -> None:
    first, payment = _paid_on_the_due_day(desk, 100_00)
    assert (first.status, alarms()) == ("PAID", [])

    part = _taken_back(desk, first, payment)
    assert (first.status, first.owed_cents, part.amount_cents) == ("PENDING", 100_00, 100_00)
    assert (part.hold, part.hold_reason) == ("STAFF", "A payment was taken back in Open Dental")
    assert not DuePart.objects.due(desk.now()).exists()
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.about["installment"]) == ("OFFICE_PAYMENT_TAKEN_BACK", first.pk)
    assert alarm.text == "A payment was taken back in Open Dental: $100.00 is owed again."
    # Only the hold keeps autopay from it.
    part.set_hold("")
    assert list(DuePart.objects.due(desk.now())) == [part]
    part.set_hold("STAFF", part.hold_reason or "A payment was taken back in Open Dental")

    _cash(desk, first, 100_00)
    part.refresh_from_db()
    assert (first.status, part.state, part.hold, alarms()) == ("PAID", "CLOSED", "", [])


def test_a_part_that_was_taken_back_and_recorded_again_leaves_the_rest_to_autopay(desk: Desk) -> None:
    first, payment = _paid_on_the_due_day(desk, 40_00)
    assert first.owed_cents == 60_00
    part = _taken_back(desk, first, payment)
    assert (part.amount_cents, part.hold, alarms()) == (100_00, "STAFF", ["OFFICE_PAYMENT_TAKEN_BACK"])

    _cash(desk, first, 40_00)
    rest = DuePart.objects.get(installment=first, state="OPEN")
    assert (rest.amount_cents, rest.hold, rest.hold_reason, alarms()) == (60_00, "", "", [])


def test_what_is_taken_back_before_its_due_date_is_simply_due_then(desk: Desk) -> None:
    first, payment = _paid_on_the_due_day(desk, 100_00)
    desk.wait(minutes=1)
    charge = first.charge_rows.get().pay_plan_charge_num
    desk.act("edit_charge", PayPlanChargeNum=charge, ChargeDate="2022-07-28")
    part = _taken_back(desk, first, payment)
    assert (first.status, first.due_date.isoformat(), part.hold, alarms()) == ("PENDING", "2022-07-28", "", [])
    assert not DuePart.objects.due(desk.now()).exists()
