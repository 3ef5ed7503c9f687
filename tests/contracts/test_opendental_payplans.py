"""PayPlans of the Open Dental sandbox: reading, making dynamic and old plans, their rules, editing terms."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.opendental_office import Office, new_office, same_shape

SINGLE = {
    "PayPlanNum": 48,
    "PatNum": 64,
    "Guarantor": 64,
    "PayPlanDate": "2025-02-26",
    "APR": 0.0,
    "Note": "02/26/2025 - Date of Agreement: 02/26/2025, Total Amount: 40.00, APR: 0, Total Cost of Loan: 40.00",
    "PlanNum": 0,
    "CompletedAmt": 0.0,
    "InsSubNum": 0,
    "PaySchedule": "Monthly",
    "NumberOfPayments": 0,
    "PayAmt": 40.0,
    "DownPayment": 0,
    "IsClosed": "false",
    "PlanCategory": 0,
    "planCategory": "",
    "IsDynamic": "true",
    "ChargeFrequency": "Monthly",
    "DatePayPlanStart": "2025-03-26",
    "IsLocked": "false",
    "DateInterestStart": "0001-01-01",
    "DynamicPayPlanTPOption": "AwaitComplete",
    "principalAmount": 40.0,
    "SheetDefNum": 0,
}


def office_with_work(fees: list[float], day: str = "2024-06-10", **settings: Any) -> tuple[Office, int, list[int]]:
    office = new_office(day, **settings)
    patient = office.patient()
    return office, patient, [office.procedure(patient, fee) for fee in fees]


def test_the_documentations_single_plan() -> None:
    office, patient, _ = office_with_work([], "2025-02-26")
    work = office.procedure(patient, 40, "TP")
    body = {"PatNum": patient, "PayAmt": 40, "procNums": [work], "IsLocked": "false"}

    made = office.post("/payplans/Dynamic", body)

    same_shape(SINGLE, made)
    numbers = {name: made[name] for name in ("PayPlanNum", "PatNum", "Guarantor")}
    assert made == {**SINGLE, **numbers}
    assert office.get(f"/payplans/{made['PayPlanNum']}") == made


def test_the_documentations_three_plans_of_patient_72() -> None:
    office = new_office("2022-07-01")
    office.desk("examples")

    old, insurance, dynamic = office.get("/payplans", PatNum=72)

    assert office.get("/payplans", Guarantor=72) == [old, insurance, dynamic]
    for plan in (old, insurance, dynamic):
        same_shape(SINGLE, plan)
    assert (old["PayPlanNum"], old["IsClosed"], old["IsDynamic"], old["principalAmount"]) == (150, "true", "false", 64)
    assert old["Note"].endswith("Total Amount: 64.00, APR: 0, Total Cost of Loan: 64.00")
    assert (old["NumberOfPayments"], old["PayAmt"], old["ChargeFrequency"]) == (10, 0, "Weekly")
    assert (insurance["PayPlanNum"], insurance["PlanNum"], insurance["InsSubNum"]) == (167, 3, 13)
    assert (insurance["APR"], insurance["planCategory"], insurance["principalAmount"]) == (10, "Implant", 1000)
    assert (insurance["DynamicPayPlanTPOption"], insurance["DateInterestStart"]) == ("None", "2021-02-23")
    assert (dynamic["PayPlanNum"], dynamic["PayAmt"], dynamic["NumberOfPayments"]) == (169, 128.6, 0)
    assert (dynamic["CompletedAmt"], dynamic["principalAmount"], dynamic["planCategory"]) == (643, 643, "Ortho")
    assert office.charges(169) == []
    assert [(row["date"], row["principal_cents"]) for row in office.projection(169)] == [
        (f"2022-{month:02}-24", 12860) for month in range(7, 12)
    ]


def test_a_list_needs_a_patient_or_guarantor_who_exists() -> None:
    office = new_office()
    patient = office.patient()

    assert office.refused(400, "GET", "/payplans") == "PatNum or Guarantor is required."
    assert office.refused(404, "GET", "/payplans?PatNum=99999") == "Patient not found."
    assert office.refused(404, "GET", "/payplans?Guarantor=99999") == "Guarantor not found."
    assert office.refused(404, "GET", "/payplans/99999") == "PayPlan not found."
    assert office.get("/payplans", PatNum=patient) == []


def documented_plan(**changes: Any) -> tuple[Office, dict[str, Any], dict[str, Any]]:
    """POST Dynamic's example: 728.00 of which 76.00 is treatment planned, on June 30 2022."""
    office, patient, done = office_with_work([300, 200, 112], "2022-06-30")
    planned = office.procedure(patient, 76, "TP")
    adjustment = office.desk("adjustments", PatNum=patient, AdjAmt=40)["AdjNum"]
    body = {
        "PatNum": patient,
        "Guarantor": patient,
        "PayPlanDate": "2022-06-30",
        "NumberOfPayments": 8,
        "APR": 10,
        "DownPayment": 100,
        "Note": "DownPayment in Cash",
        "PlanCategory": 446,
        "ChargeFrequency": "Monthly",
        "DatePayPlanStart": "2022-07-01",
        "DateInterestStart": "2022-08-01",
        "IsLocked": "true",
        "DynamicPayPlanTPOption": "AwaitComplete",
        "procNums": [*done, planned],
        "adjNums": [adjustment],
        **changes,
    }
    return office, body, office.post("/payplans/Dynamic", body)


def test_the_documentations_dynamic_plan_to_the_cent() -> None:
    office, body, made = documented_plan()

    note = "06/30/2022 - Date of Agreement: 06/30/2022, Total Amount: 728.00, APR: 10, Total Cost of Loan: 741.71"
    assert made == {
        **SINGLE,
        "PayPlanNum": made["PayPlanNum"],
        "PatNum": body["PatNum"],
        "Guarantor": body["PatNum"],
        "PayPlanDate": "2022-06-30",
        "APR": 10.0,
        "Note": f"{note}, DownPayment in Cash",
        "CompletedAmt": 652.0,
        "PayAmt": 81.48,
        "DownPayment": 100.0,
        "PlanCategory": 446,
        "planCategory": "Ortho",
        "DatePayPlanStart": "2022-07-01",
        "IsLocked": "true",
        "DateInterestStart": "2022-08-01",
        "principalAmount": 728.0,
    }
    assert office.charges(made["PayPlanNum"]) == [("2022-06-30", 100.0, 0.0, "Down Payment")]


def test_defaults_of_a_dynamic_plan() -> None:
    office, patient, work = office_with_work([300], "2024-01-31")

    made = office.post("/payplans/Dynamic", {"PatNum": patient, "PayAmt": "100.00", "procNums": work})

    assert made["PayPlanDate"] == "2024-01-31"
    assert made["DatePayPlanStart"] == "2024-02-29"
    assert (made["APR"], made["DownPayment"], made["PlanCategory"]) == (0.0, 0, 0)
    assert (made["ChargeFrequency"], made["DateInterestStart"]) == ("Monthly", "0001-01-01")
    assert (made["IsLocked"], made["DynamicPayPlanTPOption"]) == ("true", "AwaitComplete")
    assert made["Guarantor"] == patient


def test_whether_plans_are_locked_by_default_is_an_open_question() -> None:
    office, patient, work = office_with_work([300, 300])
    office.desk("switches", locked_default=False)

    free = office.post("/payplans/Dynamic", {"PatNum": patient, "PayAmt": 100, "procNums": work[:1]})
    charged = office.post("/payplans/Dynamic", {"PatNum": patient, "PayAmt": 100, "procNums": work[1:], "APR": 5})

    assert (free["IsLocked"], charged["IsLocked"]) == ("false", "true")


@pytest.mark.parametrize(
    ("changes", "status", "told"),
    [
        ({"PatNum": None}, 400, "PatNum is required."),
        ({"PatNum": 99999}, 404, "Patient not found."),
        ({"Guarantor": 99999}, 404, "Guarantor not found."),
        ({"PayAmt": None}, 400, "Either PayAmt or NumberOfPayments is required, but not both."),
        ({"NumberOfPayments": 5}, 400, "Either PayAmt or NumberOfPayments is required, but not both."),
        ({"PayAmt": -1}, 400, "PayAmt must be greater than 0."),
        ({"PayAmt": "lots"}, 400, "PayAmt is invalid."),
        ({"procNums": []}, 400, "procNums and/or adjNums is required."),
        ({"procNums": "7"}, 404, "Procedure not found."),
        ({"procNums": [99999]}, 404, "Procedure not found."),
        ({"adjNums": [99999]}, 404, "Adjustment not found."),
        ({"PayPlanDate": "2024-06-11"}, 400, "PayPlanDate cannot be in the future."),
        ({"PayPlanDate": "06/10/2024"}, 400, "PayPlanDate format must be yyyy-MM-dd"),
        ({"APR": 5, "IsLocked": "false"}, 400, "IsLocked must be true if APR is greater than 0."),
        ({"APR": -5}, 400, "APR is invalid."),
        ({"DownPayment": 300.01}, 400, "DownPayment cannot be greater than the total amount."),
        ({"ChargeFrequency": "Daily"}, 400, "ChargeFrequency is invalid."),
        ({"DynamicPayPlanTPOption": "Sometimes"}, 400, "DynamicPayPlanTPOption is invalid."),
        ({"IsLocked": "maybe"}, 400, 'IsLocked must be "true" or "false".'),
        ({"PlanCategory": 69}, 404, "PlanCategory not found."),
        ({"APR": 60, "PayAmt": 10, "IsLocked": "true"}, 400, "The terms are invalid: the payment amount does not"),
    ],
)
def test_a_bad_plan_is_refused_and_not_made(changes: dict[str, Any], status: int, told: str) -> None:
    office, patient, work = office_with_work([300])
    body = {"PatNum": patient, "PayAmt": 100, "procNums": work, **changes}

    assert office.refused(status, "POST", "/payplans/Dynamic", body).startswith(told)
    assert office.get("/payplans", PatNum=patient) == []
    assert office.get("/payplanlinks") == []


def test_future_agreements_and_unlocked_interest_follow_the_preferences() -> None:
    preferences = {"FutureTransDatesAllowed": "1", "PayPlanRequireLockForAPR": "0"}
    office, patient, work = office_with_work([300], preferences=preferences)
    terms = {"PayPlanDate": "2024-06-20", "APR": 12, "IsLocked": "false"}

    made = office.post("/payplans/Dynamic", {"PatNum": patient, "PayAmt": 100, "procNums": work, **terms})

    assert (made["PayPlanDate"], made["IsLocked"], made["DatePayPlanStart"]) == ("2024-06-20", "false", "2024-07-20")


def test_production_can_be_on_one_plan_only_and_attached_adjustments_on_none() -> None:
    office, patient, work = office_with_work([300])
    office.plan(patient, work, PayAmt=100)
    attached = office.desk("adjustments", PatNum=patient, AdjAmt=10, ProcNum=work[0])["AdjNum"]
    negative = office.desk("adjustments", PatNum=patient, AdjAmt=-10)["AdjNum"]

    body = {"PatNum": patient, "PayAmt": 100, "procNums": work}
    assert "already attached to a payment plan" in office.refused(400, "POST", "/payplans/Dynamic", body)
    for number in (attached, negative):
        told = office.refused(400, "POST", "/payplans/Dynamic", {"PatNum": patient, "PayAmt": 1, "adjNums": [number]})
        assert told.startswith("Only positive adjustments that are not attached to a procedure")
    assert len(office.get("/payplans", PatNum=patient)) == 1


def test_the_charges_of_a_foreign_guarantor_live_on_the_guarantors_account() -> None:
    office, patient, work = office_with_work([300])
    relative = office.patient(LName="Relative")

    plan = office.plan(patient, work, PayAmt=100, Guarantor=relative, DatePayPlanStart="2024-06-10")
    (row,) = office.get("/payplancharges", PayPlanNum=plan)

    assert (row["PatNum"], row["Guarantor"]) == (patient, relative)
    assert [plan["PayPlanNum"] for plan in office.get("/payplans", Guarantor=relative)] == [plan]
    payment = office.post("/payments", {"PatNum": relative, "PayAmt": "100", "payPlanNum": plan})
    (split,) = office.get("/paysplits", PayNum=payment["PayNum"])
    assert (split["PatNum"], split["PayPlanChargeNum"]) == (relative, row["PayPlanChargeNum"])


def test_put_dynamic_works_out_the_documentations_amount() -> None:
    office, patient, work = office_with_work([67], "2025-10-29", preferences={"PayPlansUseSheets": "1"})
    plan = office.plan(patient, work, PayAmt=67, DatePayPlanStart="2025-11-29")
    body = {
        "Guarantor": patient,
        "PayPlanDate": "2025-10-29",
        "NumberOfPayments": 6,
        "APR": 10,
        "Note": "Interest start after one month",
        "PlanCategory": 446,
        "ChargeFrequency": "Weekly",
        "DatePayPlanStart": "2024-10-30",
        "DateInterestStart": "2024-11-30",
        "IsLocked": "true",
        "SheetDefNum": 236,
    }

    edited = office.put(f"/payplans/{plan}/Dynamic", body)

    same_shape(SINGLE, edited)
    wanted = {**body, "PayAmt": 11.25, "NumberOfPayments": 0, "PaySchedule": "Monthly", "planCategory": "Ortho"}
    assert {name: edited[name] for name in wanted} == wanted


def test_put_dynamic_refuses_what_is_settled() -> None:
    office, patient, work = office_with_work([300])
    other = office.patient()
    plan = office.plan(patient, work, PayAmt=100, DatePayPlanStart="2024-06-10")
    path = f"/payplans/{plan}/Dynamic"
    before = office.get(f"/payplans/{plan}")

    refusals = {
        "PayAmt and NumberOfPayments cannot both be set.": {"PayAmt": 50, "NumberOfPayments": 3},
        "Guarantor cannot be changed because charges or payments exist.": {"Guarantor": other},
        "DatePayPlanStart cannot be changed because charges exist.": {"DatePayPlanStart": "2024-07-01"},
        "DateInterestStart can only be set if APR is greater than 0.": {"DateInterestStart": "2024-07-01"},
        "IsLocked must be true if APR is greater than 0.": {"APR": 5},
        "SheetDefNum requires the preference PayPlansUseSheets.": {"SheetDefNum": 236},
        "PayPlanDate cannot be in the future.": {"PayPlanDate": "2025-01-01"},
    }
    for told, body in refusals.items():
        assert office.refused(400, "PUT", path, body) == told
    assert office.refused(404, "PUT", "/payplans/99999/Dynamic", {}) == "PayPlan not found."
    assert office.get(f"/payplans/{plan}") == before
    assert office.put(path, {"PayAmt": 75.5})["PayAmt"] == 75.5


def test_locking_freezes_the_value_of_the_production() -> None:
    office, patient, work = office_with_work([300])
    plan = office.plan(patient, work, PayAmt=100)

    office.put(f"/payplans/{plan}/Dynamic", {"IsLocked": "true"})
    office.desk("insurance", ProcNum=work[0], paid_cents=10000)

    assert office.get(f"/payplans/{plan}")["principalAmount"] == 300
    assert office.get("/payplanlinks", PayPlanNum=plan)[0]["AmountOverride"] == 300


def test_an_unlocked_plan_follows_insurance_and_adjustments() -> None:
    office, patient, work = office_with_work([300])
    plan = office.plan(patient, work, PayAmt=100)

    office.desk("insurance", ProcNum=work[0], paid_cents=10000, write_off_cents=2500)
    office.desk("adjustments", PatNum=patient, AdjAmt=5, ProcNum=work[0])

    shown = office.get(f"/payplans/{plan}")
    assert (shown["principalAmount"], shown["CompletedAmt"]) == (180, 180)
    assert [row["principal_cents"] for row in office.projection(plan)] == [10000, 8000]


def test_a_plan_that_is_deleted_is_gone_without_a_trace() -> None:
    office, patient, work = office_with_work([300])
    plan = office.plan(patient, work, PayAmt=100, DatePayPlanStart="2024-06-10")
    office.desk("cash", PayPlanNum=plan, amount_cents=10000)

    office.desk("delete_plan", PayPlanNum=plan)

    assert office.refused(404, "GET", f"/payplans/{plan}") == "PayPlan not found."
    assert office.refused(404, "GET", f"/payplancharges?PayPlanNum={plan}") == "PayPlan not found."
    assert [split["PayPlanNum"] for split in office.get("/paysplits", PatNum=patient)] == [0]
