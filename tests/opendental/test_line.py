"""The thin line through sync and posting: a plan of a running office appears, a charge is posted and read back."""

from __future__ import annotations

from opendental.models import Connection, QuarantinedRow
from payments.models import Alarm
from payplans.models import PayPlan
from tests.opendental.desk import Desk, collect, installments, plan_of, schedule


def test_the_three_example_plans_sync_as_closed_as_insurance_and_as_five_installments(desk: Desk) -> None:
    desk.act("examples")
    result = desk.pull()
    assert (result.problem, result.problems, sorted(result.plans)) == ("", 0, [150, 167, 169])
    old, insurance, dynamic = plan_of(150), plan_of(167), plan_of(169)
    assert (old.kind, old.is_closed, old.is_collectable) == (PayPlan.Kind.OLD, True, False)
    assert (insurance.kind, insurance.is_collectable) == (PayPlan.Kind.INSURANCE, False)
    assert (dynamic.kind, dynamic.is_collectable, dynamic.schedule_problem) == (PayPlan.Kind.DYNAMIC, True, "")
    assert (schedule(150), schedule(167)) == ([], [])
    assert schedule(169) == [(f"2022-{month:02}-24", 128_60, "PENDING") for month in (7, 8, 9, 10, 11)]
    assert not any(row.is_issued for row in installments(169))
    assert QuarantinedRow.objects.count() == 0
    assert Connection.objects.get().problem == ""


def test_a_charge_is_posted_to_its_row_and_read_back(desk: Desk) -> None:
    desk.act("examples")
    desk.pull()
    now = desk.at("2022-07-24 10:00")
    desk.pull(cycles=2)
    first = installments(169)[0]
    assert (first.is_issued, first.due_date.isoformat(), first.owed_cents) == (True, "2022-07-24", 128_60)
    posting = collect(first, now=now)
    assert desk.post() == 1
    posting.refresh_from_db()
    assert (posting.state, posting.route, posting.sends) == ("MATCHED", "CHARGE_ROWS", 1)
    [payment] = desk.books("payments")
    assert (payment["amount_cents"], payment["CheckNum"], payment["PayDate"]) == (
        128_60,
        posting.reference,
        "2022-07-24",
    )
    row = first.charge_rows.get()
    assert [(split["PayPlanChargeNum"], split["amount_cents"]) for split in desk.books("paysplits")] == [
        (row.pay_plan_charge_num, 128_60)
    ]
    assert Alarm.objects.count() == 0
    desk.pull(cycles=4)
    first.refresh_from_db()
    assert (first.status, first.collected_cents, first.office_paid_cents) == ("PAID", 128_60, 0)
    assert desk.post() == 0
