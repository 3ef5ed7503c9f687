"""Charge rows and the daily service of the Open Dental sandbox: what is issued when, and what a missed day costs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.opendental_office import Office, new_office, same_shape

CHARGE = {
    "PayPlanChargeNum": 42,
    "PayPlanNum": 23,
    "Guarantor": 30,
    "PatNum": 30,
    "ChargeDate": "2023-09-20",
    "Principal": 25.0,
    "Interest": 0.0,
    "Note": "Down Payment",
    "ProvNum": 2,
    "ClinicNum": 0,
    "ChargeType": "Debit",
    "ProcNum": 0,
    "SecDateTEntry": "2023-09-20 09:24:16",
    "SecDateTEdit": "2023-09-20 09:24:16",
    "StatementNum": 0,
    "FKey": 134,
    "LinkType": "Procedure",
    "IsOffset": "false",
}


def planned_office(start: str, day: str = "2024-06-10", hour: str = "10:00", **terms: Any) -> tuple[Office, int, int]:
    """An office with one unlocked plan of $300 in installments of $100."""
    office = new_office(day, hour, **terms.pop("settings", {}))
    patient = office.patient()
    plan = office.plan(patient, [office.procedure(patient, 300)], PayAmt=100, DatePayPlanStart=start, **terms)
    return office, patient, plan


def dates(office: Office, plan: int) -> list[str]:
    return [row[0] for row in office.charges(plan)]


def test_a_charge_looks_as_documented() -> None:
    office, patient, plan = planned_office("2023-10-20", "2023-09-20", "09:24:16", DownPayment=25)

    (row,) = office.get("/payplancharges", PayPlanNum=plan)

    same_shape(CHARGE, row)
    assert (row["ChargeDate"], row["Principal"], row["Interest"]) == ("2023-09-20", 25, 0)
    assert (row["Note"], row["LinkType"], row["PatNum"], row["Guarantor"]) == (
        "Down Payment",
        "Procedure",
        patient,
        patient,
    )
    assert row["SecDateTEntry"].startswith("2023-09-20 09:24:")
    assert office.refused(400, "GET", "/payplancharges") == "PayPlanNum is required."
    assert office.refused(404, "GET", "/payplancharges?PayPlanNum=99999") == "PayPlan not found."


def test_one_installment_is_a_row_per_procedure_with_the_interest_on_the_first() -> None:
    office = new_office()
    patient = office.patient()
    work = [office.procedure(patient, fee) for fee in (30, 50, 220)]
    plan = office.plan(patient, work, PayAmt=100, APR=12, IsLocked="true", DatePayPlanStart="2024-06-10")

    rows = office.get("/payplancharges", PayPlanNum=plan)

    assert [(row["FKey"], row["Principal"], row["Interest"]) for row in rows] == [
        (work[0], 30.0, 3.0),
        (work[1], 50.0, 0.0),
        (work[2], 17.0, 0.0),
    ]


def test_work_is_charged_completed_first_then_oldest_then_procedures_before_adjustments() -> None:
    office = new_office()
    patient = office.patient()
    planned = office.procedure(patient, 10, "TP", ProcDate="2024-01-01")
    late = office.procedure(patient, 10, ProcDate="2024-05-02")
    early = office.procedure(patient, 10, ProcDate="2024-05-01")
    adjustment = office.desk("adjustments", PatNum=patient, AdjAmt=10, AdjDate="2024-05-01")["AdjNum"]
    plan = office.plan(
        patient,
        [planned, late, early],
        adjNums=[adjustment],
        PayAmt=40,
        DynamicPayPlanTPOption="TreatAsComplete",
        DatePayPlanStart="2024-06-10",
    )

    rows = office.get("/payplancharges", PayPlanNum=plan)

    assert [(row["LinkType"], row["FKey"]) for row in rows] == [
        ("Procedure", early),
        ("Adjustment", adjustment),
        ("Procedure", late),
        ("Procedure", planned),
    ]


def test_a_down_payment_is_dated_today_or_at_a_past_start_and_takes_planned_work_too() -> None:
    office = new_office()
    patient = office.patient()
    work = [office.procedure(patient, 60), office.procedure(patient, 100, "TP")]
    plan = office.plan(patient, work, PayAmt=50, DownPayment=90, DatePayPlanStart="2024-05-20")

    assert office.charges(plan) == [
        ("2024-05-20", 60.0, 0.0, "Down Payment"),
        ("2024-05-20", 30.0, 0.0, "Down Payment"),
    ]


def test_past_installments_are_not_issued_at_creation() -> None:
    office, _, plan = planned_office("2024-03-12")

    assert dates(office, plan) == []
    assert [row["date"] for row in office.projection(plan)] == ["2024-06-12", "2024-07-12", "2024-08-12"]


@pytest.mark.parametrize(
    ("frequency", "start", "due"),
    [
        ("Weekly", "2024-06-12", ["2024-06-12", "2024-06-19", "2024-06-26"]),
        ("EveryOtherWeek", "2024-06-12", ["2024-06-12", "2024-06-26", "2024-07-10"]),
        ("Monthly", "2024-08-31", ["2024-08-31", "2024-09-30", "2024-10-31"]),
        ("Quarterly", "2024-11-30", ["2024-11-30", "2025-02-28", "2025-05-30"]),
        ("OrdinalWeekday", "2024-06-12", ["2024-06-12", "2024-07-10", "2024-08-14"]),
        ("OrdinalWeekday", "2024-07-30", ["2024-07-23", "2024-08-27", "2024-09-24"]),
    ],
)
def test_the_service_issues_on_every_due_date(frequency: str, start: str, due: list[str]) -> None:
    office, _, plan = planned_office(start, ChargeFrequency=frequency)

    office.go_to("2025-12-01")

    assert dates(office, plan) == due


def test_the_run_hour_is_the_offices_own_in_its_own_time_zone() -> None:
    settings = {"timezone": "Pacific/Honolulu", "preferences": {"DynamicPayPlanRunTime": "2021-01-01 14:30:00"}}
    office, _, plan = planned_office("2024-06-12", settings=settings)

    office.go_to("2024-06-12", "14:29")
    assert dates(office, plan) == []
    office.go_to("2024-06-12", "14:30")

    assert dates(office, plan) == ["2024-06-12"]
    (row,) = office.get("/payplancharges", PayPlanNum=plan)
    assert row["SecDateTEntry"] == "2024-06-12 14:30:00"
    ran = office.get("/preferences", PrefName="DynamicPayPlanLastDateTime")
    assert ran[0]["ValueString"] == "2024-06-12 14:30:00"


def test_days_are_lived_through_one_by_one_with_their_own_interest() -> None:
    office = new_office()
    patient = office.patient()
    plan = office.plan(
        patient, [office.procedure(patient, 1000)], PayAmt=250, APR=12, IsLocked="true", DatePayPlanStart="2024-06-10"
    )

    office.go_to("2024-08-10")

    assert office.charges(plan) == [
        ("2024-06-10", 240.0, 10.0, ""),
        ("2024-07-10", 240.0, 10.0, ""),
        ("2024-08-10", 240.0, 10.0, ""),
    ]
    entered = [row["SecDateTEntry"] for row in office.get("/payplancharges", PayPlanNum=plan)]
    assert entered[1:] == ["2024-07-10 09:00:00", "2024-08-10 09:00:00"]


def test_a_day_with_the_service_off_is_never_made_up_for() -> None:
    office, _, plan = planned_office("2024-10-01", "2024-09-20")

    office.desk("service", on=False)
    office.go_to("2024-10-01", "23:59")
    assert dates(office, plan) == []
    office.desk("service", on=True)
    office.go_to("2025-03-01")

    assert dates(office, plan) == ["2024-11-01", "2024-12-01", "2025-01-01"]


def test_a_run_by_hand_on_the_due_date_does_issue() -> None:
    office, _, plan = planned_office("2024-10-01", "2024-09-20")
    office.desk("service", on=False)
    office.go_to("2024-10-01", "15:00")

    assert office.desk("run_service") == {"plans_issued": 1}
    assert office.desk("run_service") == {"plans_issued": 0}
    assert dates(office, plan) == ["2024-10-01"]


def test_the_clock_going_back_and_forth_issues_nothing_twice() -> None:
    office, _, plan = planned_office("2024-06-10")
    for day in ("2024-07-10", "2024-06-20", "2024-08-11", "2024-07-09", "2024-08-12"):
        office.go_to(day)
        office.get("/clinics")

    assert dates(office, plan) == ["2024-06-10", "2024-07-10", "2024-08-10"]


def test_interest_starts_on_its_own_date() -> None:
    office = new_office()
    patient = office.patient()
    terms = {"PayAmt": 100, "APR": 12, "IsLocked": "true", "DatePayPlanStart": "2024-06-10"}
    plan = office.plan(patient, [office.procedure(patient, 1000)], **terms, DateInterestStart="2024-08-01")

    office.go_to("2024-08-10")

    assert [row[1:3] for row in office.charges(plan)] == [(100.0, 0.0), (100.0, 0.0), (90.0, 10.0)]


def test_planned_work_waits_or_not() -> None:
    office = new_office()
    patient = office.patient()
    waiting_work, counted_work = office.procedure(patient, 300, "TP"), office.procedure(patient, 300, "TP")
    terms = {"PayAmt": 100, "DatePayPlanStart": "2024-06-10"}
    waiting = office.plan(patient, [waiting_work], **terms)
    counted = office.plan(patient, [counted_work], **terms, DynamicPayPlanTPOption="TreatAsComplete")
    assert (dates(office, waiting), dates(office, counted)) == ([], ["2024-06-10"])

    office.put(f"/procedurelogs/{waiting_work}", {"ProcStatus": "C"})
    assert office.get(f"/payplans/{waiting}")["CompletedAmt"] == 300
    office.go_to("2024-12-01")

    assert dates(office, waiting) == ["2024-07-10", "2024-08-10", "2024-09-10"]
    assert dates(office, counted) == ["2024-06-10", "2024-07-10", "2024-08-10"]


def test_a_date_that_has_a_row_is_not_issued_again_and_the_rest_moves_to_the_end() -> None:
    office, _, plan = planned_office("2024-07-10")
    office.desk("insert_charge", PayPlanNum=plan, ChargeDate="2024-08-10", principal_cents=2500)

    office.go_to("2025-01-01")

    assert sorted(row[:2] for row in office.charges(plan)) == [
        ("2024-07-10", 100.0),
        ("2024-08-10", 25.0),
        ("2024-09-10", 100.0),
        ("2024-10-10", 75.0),
    ]


def test_an_unpaid_charge_keeps_bearing_interest() -> None:
    office = new_office()
    patient = office.patient()
    plan = office.plan(
        patient, [office.procedure(patient, 1000)], PayAmt=250, APR=12, IsLocked="true", DatePayPlanStart="2024-06-10"
    )
    office.post("/payments", {"PatNum": patient, "PayAmt": "100", "payPlanNum": plan})

    office.go_to("2024-07-10")

    assert office.charges(plan)[1] == ("2024-07-10", 240.9, 9.1, "")


def test_the_ordinal_weekday_defect_is_a_switch() -> None:
    found = {}
    for start in ("2024-07-02", "2024-07-09", "2024-07-30"):
        office = new_office("2024-06-30")
        office.desk("switches", ordinal_defect=True)
        patient = office.patient()
        terms = {"PayAmt": 100, "ChargeFrequency": "OrdinalWeekday", "DatePayPlanStart": start}
        plan = office.plan(patient, [office.procedure(patient, 300)], **terms)
        office.go_to("2025-01-01")
        found[start] = dates(office, plan)

    assert found == {
        "2024-07-02": ["2024-07-02", "2024-08-06", "2024-09-03"],
        "2024-07-09": ["2024-07-09"],
        "2024-07-30": [],
    }


def test_projected_rows_are_an_open_question() -> None:
    office, _, plan = planned_office("2024-06-10")
    assert len(office.get("/payplancharges", PayPlanNum=plan, includeProjected="true")) == 1

    office.desk("switches", projected_charges=True)
    rows = office.get("/payplancharges", PayPlanNum=plan, includeProjected="true")

    assert [(row["PayPlanChargeNum"] > 0, row["ChargeDate"]) for row in rows] == [
        (True, "2024-06-10"),
        (False, "2024-07-10"),
        (False, "2024-08-10"),
    ]
    assert len(office.get("/payplancharges", PayPlanNum=plan)) == 1


def test_links_list_the_production_of_every_plan() -> None:
    office, patient, plan = planned_office("2024-07-10")
    example = {
        "PayPlanLinkNum": 1,
        "PayPlanNum": 1,
        "LinkType": "Procedure",
        "FKey": 1,
        "AmountOverride": 0.0,
        "SecDateTEntry": "2024-06-10 10:00:00",
    }
    other = office.plan(patient, [office.procedure(patient, 50)], PayAmt=25)

    rows = office.get("/payplanlinks")

    same_shape([example], rows)
    assert [row["PayPlanNum"] for row in rows] == [plan, other]
    assert office.get("/payplanlinks", PayPlanNum=other) == rows[1:]
    assert office.get(f"/payplanlinks/{rows[0]['PayPlanLinkNum']}") == rows[0]
    assert office.refused(404, "GET", "/payplanlinks/9999") == "PayPlanLink not found."


def test_production_can_be_added_changed_and_taken_off_an_open_plan() -> None:
    office, patient, plan = planned_office("2024-07-10")
    work = office.procedure(patient, 80)

    link = office.post("/payplanlinks", {"PayPlanNum": plan, "LinkType": "Procedure", "FKey": work})
    assert office.get(f"/payplans/{plan}")["principalAmount"] == 380
    office.put(f"/payplanlinks/{link['PayPlanLinkNum']}", {"AmountOverride": 60})
    assert office.get(f"/payplans/{plan}")["principalAmount"] == 360
    assert office.call("DELETE", f"/payplanlinks/{link['PayPlanLinkNum']}").status_code == 200

    assert office.get(f"/payplans/{plan}")["principalAmount"] == 300
    assert len(office.get("/payplanlinks", PayPlanNum=plan)) == 1


def test_production_of_locked_closed_and_charged_plans_stays() -> None:
    office, patient, plan = planned_office("2024-06-10")
    work = office.procedure(patient, 80)
    (link,) = office.get("/payplanlinks", PayPlanNum=plan)
    body = {"PayPlanNum": plan, "LinkType": "Procedure", "FKey": work}

    assert office.refused(400, "DELETE", f"/payplanlinks/{link['PayPlanLinkNum']}").startswith(
        "PayPlanLink has charges"
    )
    assert office.refused(400, "POST", "/payplanlinks", {**body, "LinkType": "Sweets"}) == "LinkType is invalid."
    office.put(f"/payplans/{plan}/Dynamic", {"IsLocked": "true"})
    assert office.refused(400, "POST", "/payplanlinks", body) == "PayPlan is locked or closed."
    office.put(f"/payplans/{plan}/Close")
    assert office.refused(400, "POST", "/payplanlinks", body) == "PayPlan is locked or closed."
    assert len(office.get("/payplanlinks")) == 1
