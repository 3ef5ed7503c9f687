"""What an office can do, by version, permissions and preferences; and rows however they are typed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from opendental import wire
from opendental.features import autopay_refusal, route_of, run_time
from opendental.fields import Unreadable
from opendental.models import Connection
from payplans.models import PayPlan
from practices.models import PaymentSettings

NOW = datetime(2022, 7, 1, tzinfo=UTC)
EVERYTHING = ["ApiReadAll", "ApiQueries", "ApiPayments", "ApiPayPlans"]


def office(version: str, *, rigorous: str = "0", permissions: list[str] = EVERYTHING) -> Connection:
    preferences = {"RigorousAccounting": rigorous}
    return Connection(version=version, permissions=permissions, preferences=preferences, pay_type_num=383)


def plan(kind: str = "DYNAMIC", **more: Any) -> PayPlan:
    return PayPlan(kind=kind, **more)


@pytest.mark.parametrize(
    ("version", "rigorous", "kind", "is_issued", "route"),
    [
        ("25.2.45.0", "0", "DYNAMIC", True, "CHARGE_ROWS"),
        ("25.2.45.0", "2", "DYNAMIC", True, "CHARGE_ROWS"),
        ("25.2.44.9", "0", "DYNAMIC", True, "PLAN_FIFO"),
        ("25.2.44.9", "1", "DYNAMIC", True, "PLAN_FIFO"),
        ("25.2.44.9", "2", "DYNAMIC", True, "PATIENT"),
        ("23.3.4.0", "0", "DYNAMIC", True, "PLAN_FIFO"),
        ("23.3.3.0", "0", "DYNAMIC", True, "PATIENT"),
        ("25.4.1.0", "0", "DYNAMIC", False, "PREPAYMENT"),
        ("23.1.31.0", "2", "DYNAMIC", False, "PREPAYMENT"),
        ("23.1.30.0", "0", "DYNAMIC", False, "PATIENT"),
        ("25.4.1.0", "0", "OLD", True, "PATIENT"),
    ],
)
def test_the_route_follows_version_rules_and_kind_of_plan(
    version: str, rigorous: str, kind: str, is_issued: bool, route: str
) -> None:
    assert route_of(office(version, rigorous=rigorous), plan(kind), is_issued=is_issued) == route


def test_money_for_a_charge_that_a_closed_plan_never_issued_goes_to_the_account() -> None:
    assert route_of(office("25.4.1.0"), plan(is_closed=True), is_issued=False) == "PATIENT"


def test_money_for_a_plan_that_is_gone_goes_to_the_account() -> None:
    assert route_of(office("25.4.1.0"), plan(gone_at=NOW), is_issued=True) == "PATIENT"


@pytest.mark.parametrize(
    ("found", "asked", "words"),
    [
        (office("25.4.1.0"), plan(), ""),
        (office("23.3.4.0"), plan(), ""),
        (office("25.4.1.0"), plan("INSURANCE"), "paid by the carrier"),
        (office("25.4.1.0"), plan(is_closed=True), "closed in Open Dental"),
        (office("25.4.1.0"), plan(gone_at=NOW), "no longer has this plan"),
        (office("25.4.1.0"), plan(office_card_active=True), "own recurring card charge"),
        (office("25.4.1.0"), plan(schedule_problem="It never ends."), "It never ends."),
        (office("25.4.1.0"), plan("OLD"), "old payment plans"),
        (office("24.4.1.0", rigorous="2"), plan(), "does not enforce payment splits"),
        (office("23.3.3.0"), plan(), "version 23.3.4 or later"),
        (office("25.4.1.0", permissions=["ApiReadAll", "ApiQueries"]), plan(), "permission Payments"),
        (office("25.4.1.0", permissions=["ApiReadAll", "ApiPayments"]), plan(), "An admin must confirm"),
    ],
)
def test_autopay_is_refused_with_a_plain_reason(found: Connection, asked: PayPlan, words: str) -> None:
    refusal = autopay_refusal(found, asked, PaymentSettings())
    assert (words in refusal) if words else refusal == ""


def test_an_admins_word_lifts_the_refusals_that_a_person_can_answer_for() -> None:
    settings = PaymentSettings(allocation_by_hand_accepted_by_id=1, card_tool_off_attested_by_id=1)
    assert autopay_refusal(office("22.4.1.0", permissions=["ApiPayments"]), plan("OLD"), settings) == ""


@pytest.mark.parametrize(
    ("preference", "expected"), [("2021-01-01 09:00:00", "09:00"), ("2021-01-01 06:30:00", "06:30"), ("", "09:00")]
)
def test_the_offices_run_time_is_its_preference_or_nine(preference: str, expected: str) -> None:
    assert f"{run_time(Connection(preferences={'DynamicPayPlanRunTime': preference})):%H:%M}" == expected


PLAN = {
    "PayPlanNum": 48,
    "PatNum": 64,
    "Guarantor": "64",
    "PayPlanDate": "2025-02-26",
    "APR": 0.0,
    "PlanNum": 0,
    "CompletedAmt": "40.00",
    "InsSubNum": 0,
    "PayAmt": 40.0,
    "DownPayment": 0,
    "IsClosed": "false",
    "planCategory": "",
    "IsDynamic": "true",
    "ChargeFrequency": "Monthly",
    "DatePayPlanStart": "2025-03-26",
    "IsLocked": False,
    "DateInterestStart": "0001-01-01",
    "DynamicPayPlanTPOption": "AwaitComplete",
    "principalAmount": 40.0,
}


def test_a_plan_is_read_however_its_values_are_typed() -> None:
    facts = wire.plan(PLAN)
    assert (facts.guarantor_num, facts.completed_cents, facts.is_locked) == (64, 40_00, False)
    assert facts.interest_start_date is None
    as_sql = {**PLAN, "IsDynamic": 1, "IsClosed": 0, "ChargeFrequency": 3, "DatePayPlanStart": "2025-03-26T00:00:00"}
    assert wire.plan({**as_sql, "DynamicPayPlanTPOption": 1, "IsLocked": 0}) == facts


CHARGE = {"PayPlanChargeNum": 42, "ChargeDate": "2023-09-20", "Principal": 25.0, "Interest": 0.0, "Note": ""}


def test_a_down_payment_is_known_by_its_note_where_no_column_tells() -> None:
    row = {**CHARGE, "Note": "Down Payment", "ChargeType": "Debit", "IsOffset": "false"}
    charge = wire.charge(row)
    assert charge is not None
    assert (charge.is_down_payment, charge.principal_cents) == (True, 25_00)


def test_a_credit_row_is_production_and_no_charge() -> None:
    assert wire.charge({**CHARGE, "ChargeType": "Credit"}) is None
    assert wire.charge({**CHARGE, "ChargeType": 1}) is None


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("ChargeDate", "0001-01-01", "ChargeDate is missing"),
        ("Principal", "Infinity", "Principal is not a number"),
        ("PayPlanChargeNum", 0, "PayPlanChargeNum is not a row number"),
        ("PayPlanChargeNum", "4.5", "PayPlanChargeNum is not a whole number"),
        ("ChargeType", "Sideways", "ChargeType has a value that is not known"),
        ("IsOffset", "maybe", "IsOffset is neither true nor false"),
    ],
)
def test_a_charge_that_makes_no_sense_is_refused_by_field(field: str, value: Any, reason: str) -> None:
    with pytest.raises(Unreadable, match=f"^{reason}$"):
        wire.charge({**CHARGE, "ChargeType": "Debit", field: value})


def test_half_a_cent_goes_up_as_open_dental_shows_it() -> None:
    split = {"SplitNum": 1, "PayNum": 2, "SplitAmt": 128.605, "PayPlanDebitType": "Interest"}
    assert wire.split(split).amount_cents == 128_61
