"""Payments of the Open Dental sandbox: entering, spreading, exact rows, prepayment, refunds and what is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.contracts.opendental_office import Office, new_office, same_shape

PAYMENT = {
    "PayNum": 56734,
    "PayType": 383,
    "payType": "Check",
    "PayDate": "2021-07-05",
    "PayAmt": "129.99",
    "CheckNum": "2058",
    "BankBranch": "19-7076",
    "PayNote": "Check payment through website",
    "PatNum": 1568,
    "ClinicNum": "3",
    "DateEntry": "2021-07-05",
    "DepositNum": 0,
    "Receipt": "",
    "IsRecurringCC": "true",
    "SecUserNumEntry": 0,
    "SecDateTEdit": "2021-07-05 07:34:31",
    "PaymentSource": "API",
    "ProcessStatus": "OfficeProcessed",
    "RecurringChargeDate": "0001-01-01",
    "IsCcCompleted": "false",
    "serverDateTime": "",
}
SPLIT = {
    "SplitNum": 116,
    "SplitAmt": 140,
    "PatNum": 407,
    "PayNum": 8567,
    "ProvNum": 1,
    "PayPlanNum": 0,
    "DatePay": "2023-01-27",
    "ProcNum": 9,
    "DateEntry": "2023-01-27",
    "UnearnedType": 0,
    "unearnedType": "",
    "ClinicNum": 1,
    "SecDateTEdit": "2023-01-27",
    "AdjNum": 0,
    "PayPlanChargeNum": 0,
    "PayPlanDebitType": "Unknown",
}
Split = tuple[float, str, str, int, int]


def splits(office: Office, payment: dict[str, Any] | int) -> list[Split]:
    """(amount, debit type, unearned type's name, charge row, procedure) of a payment."""
    number = payment if isinstance(payment, int) else payment["PayNum"]
    names = ("SplitAmt", "PayPlanDebitType", "unearnedType", "PayPlanChargeNum", "ProcNum")
    return [tuple(row[name] for name in names) for row in office.get("/paysplits", PayNum=number)]


def plan_office(**settings: Any) -> tuple[Office, int, int, int]:
    """An office with a plan of $1000 at 12 %, whose first row (240 + 10) is due today: office, patient, plan, row."""
    office = new_office(**settings)
    patient = office.patient()
    terms = {"PayAmt": 250, "APR": 12, "IsLocked": "true", "DatePayPlanStart": "2024-06-10"}
    plan = office.plan(patient, [office.procedure(patient, 1000)], **terms)
    (row,) = office.get("/payplancharges", PayPlanNum=plan) if office_reads_charges(settings) else [{}]
    return office, patient, plan, row.get("PayPlanChargeNum", 1)


def office_reads_charges(settings: dict[str, Any]) -> bool:
    return str(settings.get("version", "25.4")) >= "23.2.28"


def test_a_payment_looks_as_documented() -> None:
    office = new_office("2021-07-05", "07:34:31")
    patient = office.patient()
    body = {
        "PayAmt": "129.99",
        "PatNum": patient,
        "PayDate": "2021-07-05",
        "CheckNum": "2058",
        "PayNote": "Check payment through website",
        "BankBranch": "19-7076",
        "ClinicNum": "3",
        "isPatientPreferred": "true",
        "isPrepayment": "true",
        "procNums": [13, 14, 18],
    }

    made = office.post("/payments", body)

    same_shape(PAYMENT, made)
    changed = {name: made[name] for name in ("PayNum", "PatNum", "SecDateTEdit")}
    assert made == {**PAYMENT, **changed, "payType": "API Payment", "IsRecurringCC": "false"}
    (listed,) = office.get("/payments", PatNum=patient)
    assert listed == {**made, "serverDateTime": listed["serverDateTime"]}
    assert listed["serverDateTime"].startswith("2021-07-05 07:34:")
    assert splits(office, made) == [(129.99, "Unknown", "Prepayment", 0, 0)]
    (split,) = office.get("/paysplits", PayNum=made["PayNum"])
    same_shape(SPLIT, split)
    assert split["SecDateTEdit"] == "2021-07-05"


def test_a_payment_needs_two_fields_only() -> None:
    office = new_office(preferences={"ApiPaymentType": "71"})
    patient = office.patient()

    made = office.post("/payments", {"PayAmt": 129.99, "PatNum": patient})

    names = ("PayAmt", "PayType", "payType", "PayDate", "DateEntry", "CheckNum", "ClinicNum", "PaymentSource")
    wanted = ["129.99", 71, "Credit Card", "2024-06-10", "2024-06-10", "", "0", "API"]
    assert [made[name] for name in names] == wanted


@pytest.mark.parametrize(
    ("changes", "status", "told"),
    [
        ({"PayAmt": None}, 400, "PayAmt is required."),
        ({"PatNum": None}, 400, "PatNum is required."),
        ({"PatNum": 99999}, 404, "Patient not found."),
        ({"PayAmt": "ten"}, 400, "PayAmt is invalid."),
        ({"PayType": 290}, 400, "PayType is invalid."),
        ({"PayType": 9999}, 400, "PayType is invalid."),
        ({"CheckNum": "X" * 26}, 400, "CheckNum must be 25 characters or less."),
        ({"BankBranch": "X" * 26}, 400, "BankBranch must be 25 characters or less."),
        ({"PayNote": "X" * 4001}, 400, "PayNote must be 4000 characters or less."),
        ({"PayDate": "2024-06-11"}, 400, "PayDate cannot be in the future."),
        ({"PayDate": "yesterday"}, 400, "PayDate format must be yyyy-MM-dd"),
        ({"isPrepayment": "perhaps"}, 400, 'isPrepayment must be "true" or "false".'),
        ({"procNums": ["x"]}, 400, "procNums is invalid."),
        ({"payPlanNum": 99999}, 404, "PayPlan not found."),
    ],
)
def test_a_bad_payment_is_refused_and_not_entered(changes: dict[str, Any], status: int, told: str) -> None:
    office = new_office()
    patient = office.patient()

    assert office.refused(status, "POST", "/payments", {"PatNum": patient, "PayAmt": "10", **changes}) == told
    assert office.get("/payments") == []
    assert office.get("/paysplits") == []


def test_25_characters_of_a_check_number_fit() -> None:
    office = new_office()
    patient = office.patient()

    made = office.post("/payments", {"PatNum": patient, "PayAmt": "10", "CheckNum": "K" * 25})

    assert made["CheckNum"] == "K" * 25


@pytest.mark.parametrize(
    ("version", "field"),
    [("23.1.26", "PayType"), ("22.4.7", "isPrepayment"), ("22.4.15", "procNums"), ("23.1.30", "payPlanNum")],
)
def test_later_fields_are_refused_by_older_offices(version: str, field: str) -> None:
    office = new_office(version=version)
    patient = office.patient()

    told = office.refused(400, "POST", "/payments", {"PatNum": patient, "PayAmt": "10", field: 1})

    assert told.startswith(f"{field} requires Open Dental version")


def test_before_23_3_4_a_plan_can_only_be_named_for_a_prepayment() -> None:
    office, patient, plan, _ = plan_office(version="23.3.3")
    body = {"PatNum": patient, "PayAmt": "10", "payPlanNum": plan}

    assert office.refused(400, "POST", "/payments", body) == "payPlanNum can only be used when isPrepayment is true."
    office.post("/payments", {**body, "isPrepayment": "true"})

    assert [row["PayAmt"] for row in office.get("/payments", PatNum=patient)] == ["10"]


def test_old_and_foreign_plans_cannot_be_named() -> None:
    office, _, plan, _ = plan_office()
    stranger = office.patient(LName="Stranger")
    old = office.desk("plans", PatNum=stranger, kind="old", principalAmount=100, PayAmt=50)["PayPlanNum"]
    body = {"PatNum": stranger, "PayAmt": "10"}

    told = office.refused(400, "POST", "/payments", {**body, "payPlanNum": old})
    foreign = office.refused(400, "POST", "/payments", {**body, "payPlanNum": plan})

    assert told == "payPlanNum must be a dynamic payment plan."
    assert foreign == "payPlanNum does not belong to the patient's family."


def test_money_falls_on_the_oldest_charge_interest_first_and_the_rest_on_unearned() -> None:
    office, patient, plan, row = plan_office()

    made = office.post("/payments", {"PatNum": patient, "PayAmt": "750", "payPlanNum": plan})

    work = office.get("/payplancharges", PayPlanNum=plan)[0]["FKey"]
    assert splits(office, made) == [
        (10.0, "Interest", "", row, work),
        (240.0, "Principal", "", row, work),
        (500.0, "Unknown", "Prepayment", 0, 0),
    ]
    assert [split["PayPlanNum"] for split in office.get("/paysplits", PayNum=made["PayNum"])] == [plan, plan, 0]


def test_a_second_payment_goes_on_where_the_first_stopped() -> None:
    office, patient, plan, row = plan_office()
    body = {"PatNum": patient, "payPlanNum": plan}
    office.post("/payments", {**body, "PayAmt": "100"})
    office.go_to("2024-07-10")
    later = office.get("/payplancharges", PayPlanNum=plan)[1]["PayPlanChargeNum"]

    made = office.post("/payments", {**body, "PayAmt": "200"})

    assert [split[:4] for split in splits(office, made)] == [
        (150.0, "Principal", "", row),
        (9.1, "Interest", "", later),
        (40.9, "Principal", "", later),
    ]


def test_without_a_plan_the_familys_oldest_charges_are_paid_first() -> None:
    office = new_office()
    head = office.patient()
    child = office.patient(FName="Kid", Guarantor=head)
    old = office.procedure(child, 40, ProcDate="2024-01-05")
    new = office.procedure(head, 30, ProcDate="2024-06-01")
    fee = office.desk("adjustments", PatNum=head, AdjAmt=5, AdjDate="2024-03-01")["AdjNum"]
    office.procedure(head, 500, "TP", ProcDate="2023-01-01")

    made = office.post("/payments", {"PatNum": head, "PayAmt": "60"})

    rows = office.get("/paysplits", PayNum=made["PayNum"])
    assert [(row["PatNum"], row["ProcNum"], row["AdjNum"], row["SplitAmt"]) for row in rows] == [
        (child, old, 0, 40.0),
        (head, 0, fee, 5.0),
        (head, new, 0, 15.0),
    ]


def test_the_patient_or_chosen_procedures_can_come_first() -> None:
    office = new_office()
    head = office.patient()
    child = office.patient(FName="Kid", Guarantor=head)
    old = office.procedure(child, 40, ProcDate="2024-01-05")
    mine = office.procedure(head, 30, ProcDate="2024-06-01")
    late = office.procedure(child, 20, ProcDate="2024-06-02")

    preferred = office.post("/payments", {"PatNum": head, "PayAmt": "10", "isPatientPreferred": "true"})
    chosen = office.post("/payments", {"PatNum": head, "PayAmt": "25", "procNums": [late, 99999]})

    assert [split[4] for split in splits(office, preferred)] == [mine]
    assert [(split[0], split[4]) for split in splits(office, chosen)] == [(20.0, late), (5.0, old)]


def test_a_dont_enforce_office_spreads_nothing() -> None:
    office, patient, plan, _ = plan_office(preferences={"RigorousAccounting": "2"})
    body = {"PatNum": patient, "PayAmt": "250", "payPlanNum": plan}

    made = office.post("/payments", body)
    assert splits(office, made) == [(250.0, "Unknown", "", 0, 0)]
    assert office.get("/paysplits", PayNum=made["PayNum"])[0]["PayPlanNum"] == 0
    office.desk("switches", dont_enforce_plan=True)
    honored = office.post("/payments", body)

    assert [split[:2] for split in splits(office, honored)] == [(10.0, "Interest"), (240.0, "Principal")]


def test_a_prepayment_is_parked_on_the_plan_and_taken_interest_first_when_a_charge_falls_due() -> None:
    office, patient, plan, row = plan_office()
    office.post("/payments", {"PatNum": patient, "PayAmt": "250", "payPlanNum": plan})

    parked = office.post("/payments", {"PatNum": patient, "PayAmt": "300", "isPrepayment": "true", "payPlanNum": plan})
    (split,) = office.get("/paysplits", PayNum=parked["PayNum"])
    assert (split["PayPlanNum"], split["unearnedType"], split["PayPlanChargeNum"]) == (plan, "Plan Prepayment", 0)
    office.go_to("2024-07-10")

    later = office.get("/payplancharges", PayPlanNum=plan)[1]
    assert (later["Principal"], later["Interest"]) == (242.4, 7.6)
    transfer = office.get("/payments", PayType=0)
    assert [(row["PayAmt"], row["PayDate"], row["payType"]) for row in transfer] == [("0", "2024-07-10", "")]
    number = later["PayPlanChargeNum"]
    assert [split[:4] for split in splits(office, transfer[0])] == [
        (-7.6, "Unknown", "Plan Prepayment", 0),
        (7.6, "Interest", "", number),
        (-242.4, "Unknown", "Plan Prepayment", 0),
        (242.4, "Principal", "", number),
    ]
    (plan_row,) = office.books()["payplans"]
    assert plan_row["hidden_cents"] == 5000


def test_an_unallocated_prepayment_never_goes_to_the_plan() -> None:
    office, patient, plan, _ = plan_office()

    made = office.post("/payments", {"PatNum": patient, "PayAmt": "20", "isUnallocatedPrepayment": "true"})

    assert splits(office, made) == [(20.0, "Unknown", "Prepayment", 0, 0)]


def test_a_negative_payment_is_one_negative_unearned_split_off_the_plan() -> None:
    office, patient, plan, _ = plan_office()

    made = office.post("/payments", {"PatNum": patient, "PayAmt": "-40", "payPlanNum": plan})

    assert made["PayAmt"] == "-40"
    assert splits(office, made) == [(-40.0, "Unknown", "Prepayment", 0, 0)]
    assert office.get("/paysplits", PayNum=made["PayNum"])[0]["PayPlanNum"] == 0


def test_eight_at_once_never_pay_a_charge_twice() -> None:
    office, patient, plan, row = plan_office()
    body = {"PatNum": patient, "PayAmt": "100", "payPlanNum": plan}

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: office.post("/payments", body)["PayNum"], range(8)))

    assert len(set(numbers)) == 8
    found = [split for number in numbers for split in splits(office, number)]
    assert sum(split[0] for split in found if split[3] == row) == 250
    assert sum(split[0] for split in found if split[2] == "Prepayment") == 550


def test_two_equal_posts_are_two_payments() -> None:
    office = new_office()
    patient = office.patient()
    body = {"PatNum": patient, "PayAmt": "10", "CheckNum": "KP-SAME"}

    first, second = office.post("/payments", body), office.post("/payments", body)

    assert first["PayNum"] != second["PayNum"]
    assert office.sql("SELECT COUNT(*) AS n FROM payment WHERE CheckNum='KP-SAME'") == [{"n": 2}]
