"""Putting payments on exact rows, refunding them, and their splits at the Open Dental sandbox."""

from __future__ import annotations

from typing import Any

from tests.contracts.opendental_office import new_office, same_shape
from tests.contracts.test_opendental_payments import PAYMENT, plan_office, splits


def test_partial_puts_an_amount_on_exact_rows_interest_first() -> None:
    office, patient, plan, row = plan_office()
    office.go_to("2024-07-10")
    later = office.get("/payplancharges", PayPlanNum=plan)[1]["PayPlanChargeNum"]
    work = office.procedure(patient, 55)
    made = office.post("/payments", {"PatNum": patient, "PayAmt": "75", "payPlanNum": plan})
    body = {
        "procNumsAndAmounts": [{"ProcNum": work, "Amount": 55}],
        "payPlanChargeNumsAndAmounts": [{"PayPlanChargeNum": later, "Amount": 20}],
    }

    shown = office.put(f"/payments/{made['PayNum']}/Partial", body)

    same_shape(PAYMENT, shown)
    assert shown["PayAmt"] == "75"
    assert [split[:4] for split in splits(office, made)] == [
        (55.0, "Unknown", "", 0),
        (10.0, "Interest", "", later),
        (10.0, "Principal", "", later),
    ]
    again = {"payPlanChargeNumsAndAmounts": [{"PayPlanChargeNum": row, "Amount": 75}]}
    office.put(f"/payments/{made['PayNum']}/Partial", again)
    assert [split[:4] for split in splits(office, made)] == [
        (10.0, "Interest", "", row),
        (65.0, "Principal", "", row),
    ]


def test_partial_refuses_what_does_not_fit_and_leaves_the_splits() -> None:
    office, patient, plan, row = plan_office()
    stranger = office.patient(LName="Stranger")
    foreign = office.procedure(stranger, 75)
    made = office.post("/payments", {"PatNum": patient, "PayAmt": "300"})
    path, before = f"/payments/{made['PayNum']}/Partial", splits(office, made)

    def told(status: int, *rows: dict[str, Any], key: str = "payPlanChargeNumsAndAmounts") -> str:
        return office.refused(status, "PUT", path, {key: list(rows)})

    assert office.refused(400, "PUT", path, {}).startswith("procNumsAndAmounts or payPlanChargeNumsAndAmounts")
    sums = "The sum of the amounts must equal the PayAmt of the payment."
    assert told(400, {"PayPlanChargeNum": row, "Amount": 299.99}) == sums
    assert "outstanding charge" in told(400, {"PayPlanChargeNum": row, "Amount": 300})
    assert told(404, {"PayPlanChargeNum": 9999, "Amount": 300}) == "PayPlanCharge not found."
    assert told(404, {"ProcNum": foreign, "Amount": 300}, key="procNumsAndAmounts") == "Procedure not found."
    negative = ({"PayPlanChargeNum": row, "Amount": 310}, {"PayPlanChargeNum": row, "Amount": -10})
    assert told(400, *negative) == "Amount must be greater than 0."
    twice = ({"PayPlanChargeNum": row, "Amount": 150}, {"PayPlanChargeNum": row, "Amount": 150})
    assert "outstanding charge" in told(400, *twice)
    assert office.refused(404, "PUT", "/payments/99999/Partial", {}) == "Payment not found."
    assert splits(office, made) == before


def test_the_open_questions_of_partial_are_switches() -> None:
    office, patient, plan, row = plan_office()
    made = office.post("/payments", {"PatNum": patient, "PayAmt": "300"})
    path = f"/payments/{made['PayNum']}/Partial"
    body = {"payPlanChargeNumsAndAmounts": [{"PayPlanChargeNum": row, "Amount": 300}]}

    office.desk("switches", partial_over_amount=True, partial_interest_first=False)
    office.put(path, body)
    assert [split[:2] for split in splits(office, made)] == [(240.0, "Principal"), (60.0, "Interest")]
    office.desk("switches", partial_repeat=False)
    assert "already been replaced" in office.refused(400, "PUT", path, body)
    office.desk("switches", partial_negative=True)
    back = office.post("/payments", {"PatNum": patient, "PayAmt": "-50"})
    negative = {"payPlanChargeNumsAndAmounts": [{"PayPlanChargeNum": row, "Amount": -50}]}
    office.put(f"/payments/{back['PayNum']}/Partial", negative)

    assert [split[:2] for split in splits(office, back)] == [(-50.0, "Interest")]


def test_charge_rows_in_partial_came_in_25_2_45() -> None:
    office, patient, plan, row = plan_office(version="25.2.44")
    made = office.post("/payments", {"PatNum": patient, "PayAmt": "100"})
    body = {"payPlanChargeNumsAndAmounts": [{"PayPlanChargeNum": row, "Amount": 100}]}

    told = office.refused(400, "PUT", f"/payments/{made['PayNum']}/Partial", body)
    office.desk("settings", version="25.2.45")
    office.put(f"/payments/{made['PayNum']}/Partial", body)

    assert told == "payPlanChargeNumsAndAmounts requires Open Dental version 25.2.45 or later."


def test_a_refund_is_a_second_negative_payment_with_the_same_reference() -> None:
    office = new_office()
    patient = office.patient()
    work = office.procedure(patient, 100)
    body = {"PatNum": patient, "PayAmt": "129.99", "CheckNum": "KP-REF", "PayNote": "note", "PayDate": "2024-06-01"}
    paid = office.post("/payments", body)

    back = office.post("/payments/Refund", {"PayNum": paid["PayNum"]})

    same_shape(PAYMENT, back)
    names = ("PayAmt", "CheckNum", "PayNote", "PayDate", "PaymentSource", "PayType")
    assert [back[name] for name in names] == ["-129.99", "KP-REF", "note", "2024-06-10", "None", 383]
    assert splits(office, back) == [(-100.0, "Unknown", "", 0, work), (-29.99, "Unknown", "Prepayment", 0, 0)]
    assert office.get(f"/patients/{patient}")["EstBalance"] == 100


def test_plan_payments_and_negative_ones_cannot_be_refunded() -> None:
    office, patient, plan, _ = plan_office()
    on_plan = office.post("/payments", {"PatNum": patient, "PayAmt": "50", "payPlanNum": plan})
    ahead = office.post("/payments", {"PatNum": patient, "PayAmt": "5", "payPlanNum": plan, "isPrepayment": "true"})
    negative = office.post("/payments", {"PatNum": patient, "PayAmt": "-5"})

    for payment, told in (
        (on_plan, "Payments attached to payment plans cannot be refunded."),
        (ahead, "Payments attached to payment plans cannot be refunded."),
        (negative, "Payments with negative splits cannot be refunded."),
    ):
        assert office.refused(400, "POST", "/payments/Refund", {"PayNum": payment["PayNum"]}) == told
    assert office.refused(400, "POST", "/payments/Refund", {}) == "PayNum is required."
    assert office.refused(404, "POST", "/payments/Refund", {"PayNum": 9999}) == "Payment not found."
    assert len(office.get("/payments")) == 3


def test_the_open_questions_of_refund_are_switches() -> None:
    office, patient, plan, _ = plan_office()
    office.desk("switches", refund_check="PayPlanChargeNum", refund_twice=False)
    ahead = office.post("/payments", {"PatNum": patient, "PayAmt": "5", "payPlanNum": plan, "isPrepayment": "true"})

    office.post("/payments/Refund", {"PayNum": ahead["PayNum"]})

    told = office.refused(400, "POST", "/payments/Refund", {"PayNum": ahead["PayNum"]})
    assert told == "Payment has already been refunded."
    office.desk("switches", refund_twice=True)
    office.post("/payments/Refund", {"PayNum": ahead["PayNum"]})
    assert [row["PayAmt"] for row in office.get("/payments")] == ["5", "-5", "-5"]


def test_texts_of_a_payment_can_be_changed_and_amounts_cannot() -> None:
    office = new_office()
    patient = office.patient()
    made = office.post("/payments", {"PatNum": patient, "PayAmt": "10", "CheckNum": "1"})
    body = {
        "CheckNum": "2",
        "PayNote": "n",
        "BankBranch": "",
        "PayType": 70,
        "ProcessStatus": "OnlinePending",
        "PayAmt": "9",
    }

    shown = office.put(f"/payments/{made['PayNum']}", body)

    names = ("CheckNum", "PayNote", "payType", "ProcessStatus", "PayAmt")
    assert [shown[name] for name in names] == ["2", "n", "Cash", "OnlinePending", "10"]
    assert office.refused(404, "PUT", "/payments/9999", {}) == "Payment not found."
    office.desk("settings", version="24.3.25")
    told = office.refused(400, "PUT", f"/payments/{made['PayNum']}", {"ProcessStatus": "OnlineProcessed"})
    assert told == "ProcessStatus requires Open Dental version 24.3.26 or later."


def test_payments_are_listed_by_patient_type_and_day_of_entry() -> None:
    office = new_office()
    ann, bob = office.patient(), office.patient(FName="Bob")
    first = office.post("/payments", {"PatNum": ann, "PayAmt": "1", "PayType": 69})["PayNum"]
    office.go_to("2024-06-12")
    second = office.post("/payments", {"PatNum": ann, "PayAmt": "2", "PayDate": "2024-06-01"})["PayNum"]
    third = office.post("/payments", {"PatNum": bob, "PayAmt": "3"})["PayNum"]

    def found(**params: object) -> list[int]:
        return [row["PayNum"] for row in office.get("/payments", **params)]

    assert found() == [first, second, third]
    assert found(PatNum=ann) == [first, second]
    assert found(PayType=69) == [first]
    assert found(DateEntry="2024-06-12") == [second, third]
    assert found(DateEntry="2024-06-10", PatNum=bob) == [third]
    assert found(DateEntry="2024-06-13") == []
    assert office.refused(400, "GET", "/payments?DateEntry=today") == "DateEntry format must be yyyy-MM-dd"
    assert office.refused(404, "GET", "/payments?PatNum=9999") == "Patient not found."
    office.desk("settings", version="23.3.10")
    assert office.refused(400, "GET", "/payments") == "PatNum is required."


def test_splits_are_listed_by_patient_payment_and_procedure() -> None:
    office = new_office()
    ann, bob = office.patient(), office.patient(FName="Bob")
    work = office.procedure(ann, 10)
    one = office.post("/payments", {"PatNum": ann, "PayAmt": "10"})["PayNum"]
    two = office.post("/payments", {"PatNum": bob, "PayAmt": "5"})["PayNum"]

    def found(**params: object) -> list[int]:
        return [row["PayNum"] for row in office.get("/paysplits", **params)]

    assert found() == [one, two]
    assert found(PatNum=bob) == [two]
    assert found(PayNum=one) == [one]
    assert found(ProcNum=work) == [one]
    assert found(PayPlanNum=99) == [one, two], "no such filter: ignored"
    office.desk("settings", version="24.4.23")
    assert found(PatNum=ann, ProcNum=1) == [one]
    assert office.refused(400, "GET", "/paysplits") == "PatNum or PayNum is required."


def test_only_provider_and_clinic_of_a_split_can_be_changed() -> None:
    office = new_office()
    patient = office.patient()
    office.procedure(patient, 10)
    made = office.post("/payments", {"PatNum": patient, "PayAmt": "15"})["PayNum"]
    paid, unearned = (row["SplitNum"] for row in office.get("/paysplits", PayNum=made))

    shown = office.put(f"/paysplits/{paid}", {"ProvNum": 2, "ClinicNum": 4, "SplitAmt": 999})

    assert (shown["ProvNum"], shown["ClinicNum"], shown["SplitAmt"]) == (2, 4, 10)
    assert "AllowPrepayProvider" in office.refused(400, "PUT", f"/paysplits/{unearned}", {"ProvNum": 2})
    assert office.refused(404, "PUT", f"/paysplits/{paid}", {"ProvNum": 99}) == "Provider not found."
    assert office.refused(404, "PUT", "/paysplits/9999", {}) == "PaySplit not found."
    office.desk("preferences", AllowPrepayProvider="1")
    assert office.put(f"/paysplits/{unearned}", {"ProvNum": 2})["ProvNum"] == 2


def test_every_payment_leaves_a_line_in_the_audit_trail() -> None:
    office = new_office("2023-07-06", "11:48:55")
    patient = office.patient()
    office.post("/payments", {"PatNum": patient, "PayAmt": "15"})

    (line,) = office.get("/securitylogs", PermType="PaymentCreate", PatNum=1)

    names = ["SecurityLogNum", "PermType", "UserNum", "LogDateTime", "LogText", "PatNum", "CompName", "LogSource"]
    assert list(line) == names
    assert line["LogDateTime"].startswith("7/6/2023 11:48:5")
    assert line["LogDateTime"].endswith(" AM")
    assert (line["PatNum"], line["LogSource"]) == (patient, "API")
