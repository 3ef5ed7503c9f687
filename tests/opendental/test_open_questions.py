"""What the API's documentation leaves open: the product ends in the same place whichever way an office answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from payments.models import LedgerPosting
from practices.models import Event
from tests.opendental.desk import Desk, alarms, collected, installments, plan_of, row_of, rows_hit, schedule, state

State = LedgerPosting.State


@pytest.mark.parametrize(
    "switches",
    [
        {"partial_interest_first": False},
        {"partial_over_amount": True},
        {"partial_negative": True},
        {"partial_repeat": False},
        {"dont_enforce_plan": True},
        {"projected_charges": True},
        {"locked_default": False},
    ],
    ids=lambda switches: next(iter(switches)),
)
@pytest.mark.parametrize("rigorous", ["0", "2"])
def test_a_charge_with_interest_is_paid_exactly(desk: Desk, switches: dict[str, Any], rigorous: str) -> None:
    desk.act("switches", **switches)
    desk.act("preferences", RigorousAccounting=rigorous)
    desk.connect()
    posting = collected(desk, place=1, dollars=1000, APR=12, IsLocked="true")
    desk.post()
    assert state(posting) == State.MATCHED
    assert {number for number, _ in rows_hit(desk)} == {row_of(posting)}
    assert sum(cents for _, cents in rows_hit(desk)) == 100_00
    assert alarms() == []


def test_projected_rows_of_a_newer_api_are_not_taken_for_issued_ones(desk: Desk) -> None:
    desk.act("switches", projected_charges=True)
    number = desk.plan(desk.patient(), DatePayPlanStart="2022-07-24")
    desk.pull()
    assert len(schedule(number)) == 5
    assert not any(row.is_issued for row in installments(number))


@pytest.mark.parametrize("defect", [False, True])
def test_a_weekday_plan_the_office_never_issues_moves_on_and_is_never_due(desk: Desk, defect: bool) -> None:
    """July 12 2022 is a second Tuesday."""
    desk.act("switches", ordinal_defect=defect)
    number = desk.plan(desk.patient(), ChargeFrequency="OrdinalWeekday", DatePayPlanStart="2022-07-12")
    desk.at("2022-07-02 09:00")
    desk.pull()
    assert [row[0] for row in schedule(number)][:2] == ["2022-07-12", "2022-08-09"]
    desk.at("2022-08-10 10:00")
    desk.pull()
    issued = [str(row.due_date) for row in installments(number) if row.is_issued]
    assert len(schedule(number)) == 5
    if defect:
        # The start date itself is issued; after it the office's service finds no due day.
        assert issued == ["2022-07-12"]
        assert [row[0] for row in schedule(number)][1] == "2022-09-13"
        assert Event.objects.filter(kind="installment_changed", before__due_date="2022-08-09").count() == 1
    else:
        assert issued == ["2022-07-12", "2022-08-09"]


def test_without_queries_money_on_a_foreign_guarantors_account_is_seen(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(version="24.2.30.0", permissions=["ApiReadAll", "ApiPayments"])
    desk.connect()
    payer = desk.patient(FName="Quinn", LName="Payerson")
    number = desk.plan(desk.patient(), Guarantor=payer, DatePayPlanStart="2022-07-01")
    desk.act("cash", PayPlanNum=number, amount_cents=100_00)
    desk.pull()
    assert [row[2] for row in schedule(number)][:2] == ["PAID", "PENDING"]
    assert plan_of(number).guarantor.pat_num == payer
