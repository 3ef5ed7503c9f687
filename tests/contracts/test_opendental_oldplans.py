"""Old and insurance plans of the Open Dental sandbox: made the old way, every row there from the start."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.opendental_office import new_office


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            {"principalAmount": 612.98, "PayAmt": 100},
            "9/20/2021 - Date of Agreement: 9/20/2021, Total Amount: 612.98, APR: 0, Total Cost of Loan: 612.98 ",
        ),
        (
            {"principalAmount": 500, "PayAmt": 100},
            "9/20/2021 - Date of Agreement: 9/20/2021, Total Amount: 500.00, APR: 0, Total Cost of Loan: 500.00 ",
        ),
        (
            {"principalAmount": 256.12, "NumberOfPayments": 12, "APR": 5},
            "9/20/2021 - Date of Agreement: 9/20/2021, Total Amount: 256.12, APR: 5, Total Cost of Loan: 263.11 ",
        ),
        (
            {
                "PayPlanDate": "2021-09-06",
                "principalAmount": 500,
                "PayAmt": 75.50,
                "APR": 18,
                "DownPayment": 125,
                "ChargeFrequency": "OrdinalWeekday",
                "Note": "Payments due first Monday of each month.",
                "DatePayPlanStart": "2021-12-06",
                "DateInterestStart": "2022-01-03",
            },
            "9/20/2021 - Date of Agreement: 9/6/2021, Total Amount: 500.00, APR: 18, Total Cost of Loan: 511.66 "
            "Payments due first Monday of each month.",
        ),
    ],
)
def test_the_documentations_old_plans(body: dict[str, Any], told: str) -> None:
    office = new_office("2021-09-20", version="22.4.47.0")
    patient = office.patient()

    assert office.post("/payplans", {"PatNum": patient, **body}) == told

    (plan,) = office.get("/payplans", PatNum=patient)
    assert (plan["IsDynamic"], plan["principalAmount"], plan["PlanNum"]) == ("false", body["principalAmount"], 0)


def test_an_old_plan_can_take_the_estimated_balance() -> None:
    office = new_office("2021-09-20", version="22.4.47.0")
    patient = office.patient()
    office.procedure(patient, 612.98)

    told = office.post("/payplans", {"PatNum": patient, "useEstBalance": "true", "PayAmt": 100})

    assert "Total Amount: 612.98" in told
    refused = office.refused(400, "POST", "/payplans", {"PatNum": patient, "PayAmt": 100})
    assert refused == "principalAmount is required."


def test_an_old_plans_rows_are_all_there_from_the_start() -> None:
    office = new_office("2021-09-20", version="23.2.99")
    patient = office.patient()
    body = {
        "PatNum": patient,
        "principalAmount": 300,
        "PayAmt": 100,
        "DownPayment": 50,
        "DatePayPlanStart": "2021-12-06",
    }
    office.post("/payplans", {**body, "ChargeFrequency": "OrdinalWeekday"})
    (plan,) = office.get("/payplans", PatNum=patient)

    rows = office.get("/payplancharges", PayPlanNum=plan["PayPlanNum"])

    assert [(row["ChargeDate"], row["Principal"], row["ChargeType"]) for row in rows] == [
        ("2021-09-20", 300.0, "Credit"),
        ("2021-09-20", 50.0, "Debit"),
        ("2021-12-06", 100.0, "Debit"),
        ("2022-01-03", 100.0, "Debit"),
        ("2022-02-07", 50.0, "Debit"),
    ]
    assert rows[1]["Note"] == "Down Payment"


def test_insurance_plans_are_told_by_their_plan_numbers() -> None:
    office = new_office()
    patient = office.patient()
    plan = office.desk("plans", PatNum=patient, kind="insurance", principalAmount=500, PayAmt=100)["PayPlanNum"]

    shown = office.get(f"/payplans/{plan}")

    assert (shown["PlanNum"], shown["InsSubNum"], shown["IsDynamic"]) == (3, 13, "false")
    assert "Insurance payment plans cannot be closed" in office.refused(400, "PUT", f"/payplans/{plan}/Close")
