"""Closing plans, balancing overpayments and the office's own balances at the Open Dental sandbox."""

from __future__ import annotations

from typing import Any

from tests.contracts.opendental_office import Office, new_office


def plan_office(fees: list[float], **terms: Any) -> tuple[Office, int, int, list[int]]:
    """Office, patient, plan, procedures; the first installment is due today."""
    office = new_office()
    patient = office.patient()
    work = [office.procedure(patient, fee) for fee in fees]
    start = terms.pop("DatePayPlanStart", "2024-06-10")
    return office, patient, office.plan(patient, work, **{"PayAmt": 100, **terms}, DatePayPlanStart=start), work


def hidden(office: Office) -> list[int]:
    return [split["amount_cents"] for split in office.books()["paysplits"] if split["kind"] == "hidden"]


def unearned(office: Office) -> list[int]:
    return [split["amount_cents"] for split in office.books()["paysplits"] if split["kind"] == "unearned"]


def test_closing_charges_the_rest_of_begun_work_today_and_detaches_the_others() -> None:
    office, _, plan, work = plan_office([150, 80], APR=12, IsLocked="true")

    closed = office.put(f"/payplans/{plan}/Close")

    assert (closed["IsClosed"], closed["PayPlanNum"]) == ("true", plan)
    assert office.charges(plan) == [
        ("2024-06-10", 97.7, 2.3, ""),
        ("2024-06-10", 52.3, 0.0, "Close Out Charge"),
    ]
    assert [link["FKey"] for link in office.get("/payplanlinks", PayPlanNum=plan)] == [work[0]]
    assert closed["principalAmount"] == 150


def test_a_closed_plan_issues_nothing_more_and_cannot_be_closed_again() -> None:
    office, _, plan, _ = plan_office([300])
    office.put(f"/payplans/{plan}/Close")
    before = office.charges(plan)

    office.go_to("2024-09-30")

    assert office.charges(plan) == before
    assert office.refused(400, "PUT", f"/payplans/{plan}/Close") == "PayPlan is already closed."
    assert office.refused(400, "PUT", f"/payplans/{plan}/Dynamic", {"PayAmt": 5}) == "PayPlan is closed."
    assert office.refused(404, "PUT", "/payplans/99999/Close") == "PayPlan not found."


def test_closing_uses_the_prepayment_and_frees_what_is_left() -> None:
    office, patient, plan, _ = plan_office([300])
    body = {"PatNum": patient, "payPlanNum": plan}
    office.post("/payments", {**body, "PayAmt": "100"})
    office.post("/payments", {**body, "PayAmt": "230", "isPrepayment": "true"})

    office.put(f"/payplans/{plan}/Close")

    assert hidden(office) == [23000, -20000, -3000]
    assert unearned(office) == [3000]
    assert office.get(f"/patients/{patient}")["EstBalance"] == -30


def test_closing_brings_future_rows_forward_without_their_interest_and_drops_the_card_authorization() -> None:
    office, _, plan, _ = plan_office([300])
    office.desk("insert_charge", PayPlanNum=plan, ChargeDate="2024-08-10", principal_cents=10000, interest_cents=150)
    office.desk("recurring_card", PayPlanNum=plan)
    assert office.sql("SELECT COUNT(*) AS n FROM creditcard WHERE IsRecurringActive=1") == [{"n": 1}]

    office.put(f"/payplans/{plan}/Close")

    assert office.charges(plan) == [
        ("2024-06-10", 100.0, 0.0, ""),
        ("2024-06-10", 100.0, 0.0, ""),
        ("2024-06-10", 100.0, 0.0, "Close Out Charge"),
    ]
    assert office.sql("SELECT COUNT(*) AS n FROM creditcard") == [{"n": 0}]


def test_closing_an_old_plan_turns_its_future_rows_into_one() -> None:
    office = new_office("2021-09-20", version="22.4.47.0")
    patient = office.patient()
    body = {"PatNum": patient, "principalAmount": 300, "PayAmt": 100, "APR": 12, "DatePayPlanStart": "2021-09-20"}
    office.post("/payplans", body)
    (plan,) = office.get("/payplans", PatNum=patient)

    office.put(f"/payplans/{plan['PayPlanNum']}/Close")

    office.desk("settings", version="24.4.30")
    rows = office.get("/payplancharges", PayPlanNum=plan["PayPlanNum"])
    assert [(row["ChargeDate"], row["Principal"], row["Interest"], row["Note"]) for row in rows] == [
        ("2021-09-20", 300.0, 0.0, ""),
        ("2021-09-20", 97.0, 3.0, ""),
        ("2021-09-20", 203.0, 0.0, "Close Out Charge"),
    ]


def test_surplus_goes_to_short_rows_before_it_is_parked() -> None:
    office, _, plan, _ = plan_office([400], APR=12, IsLocked="true")
    office.go_to("2024-07-10")
    first, second = office.get("/payplancharges", PayPlanNum=plan)
    parts = [{"amount_cents": 20000, "PayPlanDebitType": "Principal", "PayPlanChargeNum": first["PayPlanChargeNum"]}]

    office.desk("cash", PayPlanNum=plan, amount_cents=20000, parts=parts, balance="prepay")

    owed = [
        round(row[kind] * 100)
        - sum(
            split["amount_cents"]
            for split in office.books()["paysplits"]
            if (split["PayPlanChargeNum"], split["PayPlanDebitType"]) == (row["PayPlanChargeNum"], kind)
        )
        for row in (first, second)
        for kind in ("Interest", "Principal")
    ]
    assert owed == [0, 0, 0, 0]
    assert hidden(office) == []


def test_paying_on_principal_lowers_the_interest_and_prepaying_does_not() -> None:
    found = {}
    for how in ("principal", "prepay"):
        office, _, plan, _ = plan_office([1000], PayAmt=250, APR=12, IsLocked="true")
        row = office.get("/payplancharges", PayPlanNum=plan)[0]["PayPlanChargeNum"]
        parts = [
            {"amount_cents": 34000, "PayPlanDebitType": "Principal", "PayPlanChargeNum": row},
            {"amount_cents": 1000, "PayPlanDebitType": "Interest", "PayPlanChargeNum": row},
        ]
        office.desk("cash", PayPlanNum=plan, amount_cents=35000, parts=parts, balance=how)
        found[how] = [(entry["principal_cents"], entry["interest_cents"]) for entry in office.projection(plan)][0]
        notes = [charge[3] for charge in office.charges(plan)]
        assert notes == (["", "(Charge created for pay on principal)"] if how == "principal" else [""])

    assert found == {"principal": (24340, 660), "prepay": (24240, 760)}


def test_a_desk_payment_can_name_one_row() -> None:
    office, _, plan, _ = plan_office([300])
    office.go_to("2024-07-10")
    second = office.get("/payplancharges", PayPlanNum=plan)[1]["PayPlanChargeNum"]

    made = office.desk("cash", PayPlanChargeNum=second, amount_cents=4000, check="1042")

    (split,) = office.get("/paysplits", PayNum=made["PayNum"])
    assert (split["PayPlanChargeNum"], split["SplitAmt"], split["PayPlanDebitType"]) == (second, 40, "Principal")
    (payment,) = office.get("/payments")
    assert (payment["payType"], payment["CheckNum"], payment["PaymentSource"]) == ("Check", "1042", "None")


def test_balances_follow_the_preference_about_plans() -> None:
    found = {}
    for version in ("1", "2", "3", "4"):
        office, patient, plan, _ = plan_office([300])
        office.desk("preferences", PayPlansVersion=version)
        office.post("/payments", {"PatNum": patient, "PayAmt": "40", "payPlanNum": plan})
        found[version] = office.get(f"/patients/{patient}")["EstBalance"]

    assert found == {"1": 0, "2": 60, "3": -40, "4": 260}


def test_only_the_guarantor_carries_the_familys_total() -> None:
    office = new_office()
    head = office.patient()
    child = office.patient(FName="Kid", Guarantor=head)
    office.procedure(head, 40.11)
    office.procedure(child, 100)

    rows = {row["PatNum"]: (row["EstBalance"], row["BalTotal"]) for row in office.get("/patients/Simple")}

    assert rows == {head: (40.11, 140.11), child: (100, 0)}
    assert office.get(f"/accountmodules/{child}/PatientBalances") == [
        {"PatNum": head, "Name": "Testcase, Ann", "Balance": 40.11},
        {"PatNum": child, "Name": "Testcase, Kid", "Balance": 100},
        {"PatNum": head, "Name": "Entire Family", "Balance": 140.11},
    ]


def test_aging_sorts_charges_by_age_and_leaves_prepayment_apart() -> None:
    office = new_office()
    patient = office.patient()
    for fee, day in ((276.28, "2024-06-01"), (49, "2024-05-01"), (64, "2024-04-01"), (278.03, "2024-01-01")):
        office.procedure(patient, fee, ProcDate=day)
    office.desk("insurance", ProcNum=office.procedure(patient, 0), estimate_cents=0)
    office.post("/payments", {"PatNum": patient, "PayAmt": "2.46", "isPrepayment": "true"})

    aged = office.get(f"/accountmodules/{patient}/Aging")

    assert aged == {
        "Bal_0_30": 276.28,
        "Bal_31_60": 49.0,
        "Bal_61_90": 64.0,
        "BalOver90": 275.57,
        "Total": 664.85,
        "InsEst": 0.0,
        "EstBal": 664.85,
        "PatEstBal": 664.85,
        "Unearned": 2.46,
    }
    assert office.refused(404, "GET", "/accountmodules/99999/Aging") == "Patient not found."


def test_the_account_by_service_date_is_all_text() -> None:
    office = new_office()
    patient = office.patient()
    work = office.procedure(patient, 235, ProcDate="2024-06-01", ProvNum=2, CodeNum=3)
    office.post("/payments", {"PatNum": patient, "PayAmt": "18.80"})

    rows = office.get(f"/accountmodules/{patient}/ServiceDateView", isFamily="true")

    assert [len(row) for row in rows] == [13] * 5
    assert {type(value) for row in rows for value in row.values()} == {str}
    assert rows[0] == {
        "ObjectType": "Procedure",
        "PrimaryKey": str(work),
        "Type": "Proc",
        "ServiceDate": "2024-06-01",
        "TransDate": "",
        "Patient": "Ann",
        "PatNum": str(patient),
        "Reference": "D2393",
        "Charge": "235.00",
        "Credit": "0.00",
        "Provider": "DOC2",
        "InsBal": "0.00",
        "AcctBal": "235.00",
    }
    assert [(row["Type"], row["AcctBal"]) for row in rows[1:]] == [
        ("Day Total", "235.00"),
        ("PatPay Att.", "216.20"),
        ("Day Total", "216.20"),
        ("Overall Total", "216.20"),
    ]
    told = office.refused(400, "GET", f"/accountmodules/{patient}/ServiceDateView?isFamily=1")
    assert told == 'isFamily must be "true" or "false".'
