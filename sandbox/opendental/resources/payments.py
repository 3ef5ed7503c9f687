"""Payments: list, create, refund, change, replace the splits. No idempotency: the same POST twice is two payments."""

from __future__ import annotations

from typing import Any

from sandbox.common.store import Row
from sandbox.opendental import enums, owed, posting, prepay, production, wire
from sandbox.opendental.api import Call, Listing, endpoint
from sandbox.opendental.errors import bad, not_found
from sandbox.opendental.money import cents, short
from sandbox.opendental.posting import Payment
from sandbox.opendental.records import change, find, stamp, where
from sandbox.opendental.resources.payplans import patient_of

API_SOURCE = enums.PAYMENT_SOURCE.index("API")
SINCE = {
    "PayType": "23.1.27",
    "isPrepayment": "22.4.8",
    "procNums": "22.4.16",
    "payPlanNum": "23.1.31",
    "isUnallocatedPrepayment": "25.4.42",
}


def payment_json(call: Call, row: Row, server_time: str) -> dict[str, Any]:
    kind = find(call.office.books, "definition", row["PayType"])
    return {
        "PayNum": row["PayNum"],
        "PayType": row["PayType"],
        "payType": kind["ItemName"] if kind else "",
        "PayDate": row["PayDate"],
        "PayAmt": short(cents(row["PayAmt"])),
        "CheckNum": row["CheckNum"],
        "BankBranch": row["BankBranch"],
        "PayNote": row["PayNote"],
        "PatNum": row["PatNum"],
        "ClinicNum": str(row["ClinicNum"]),
        "DateEntry": row["DateEntry"],
        "DepositNum": row["DepositNum"],
        "Receipt": row["Receipt"],
        "IsRecurringCC": wire.flag(row["IsRecurringCC"]),
        "SecUserNumEntry": row["SecUserNumEntry"],
        "SecDateTEdit": row["SecDateTEdit"],
        "PaymentSource": enums.name(enums.PAYMENT_SOURCE, row["PaymentSource"]),
        "ProcessStatus": enums.name(enums.PROCESS_STATUS, row["ProcessStatus"]),
        "RecurringChargeDate": row["RecurringChargeDate"],
        "IsCcCompleted": wire.flag(row["IsCcCompleted"]),
        "serverDateTime": server_time,
    }


def _payment(call: Call, number: int) -> Row:
    row = find(call.office.books, "payment", number)
    if row is None:
        raise not_found("Payment not found.")
    return row


@endpoint("GET", "/payments", since="22.2.32")
def payments(call: Call) -> Listing:
    wanted: dict[str, Any] = {}
    patient, kind = call.number("PatNum"), call.number("PayType")
    if patient is not None:
        wanted["PatNum"] = patient_of(call, patient)["PatNum"]
    elif not call.office.at_least("23.3.11"):
        raise bad("PatNum is required.")
    if kind is not None:
        wanted["PayType"] = kind
    entered = wire.date_of(dict(call.query), "DateEntry")
    rows = where(call.office.books, "payment", **wanted)
    if entered:
        rows = [row for row in rows if row["DateEntry"] >= entered.isoformat()]
    return Listing(rows, lambda row: payment_json(call, row, stamp(call.now)))


@endpoint("POST", "/payments", since="21.2", permission="ApiPayments")
def create(call: Call) -> dict[str, Any]:
    body = call.body
    wire.required(body, "PayAmt", "PatNum")
    for name, since in SINCE.items():
        if name in body and not call.office.at_least(since):
            raise bad(f"{name} requires Open Dental version {since} or later.")
    patient = patient_of(call, wire.integer(body, "PatNum"))
    amount = wire.amount(body, "PayAmt")
    payment = Payment(
        patient=patient["PatNum"],
        amount=amount,
        date=_pay_date(call),
        kind=_pay_type(call),
        clinic=wire.integer(body, "ClinicNum", patient["ClinicNum"]),
        check=wire.text(body, "CheckNum", longest=25),
        bank=wire.text(body, "BankBranch", longest=25),
        note=wire.text(body, "PayNote", longest=4000),
        source=API_SOURCE,
        prefer_patient=wire.boolean(body, "isPatientPreferred"),
        prepayment=wire.boolean(body, "isPrepayment"),
        unallocated=wire.boolean(body, "isUnallocatedPrepayment"),
        procedures=tuple(wire.integers(body, "procNums")),
        plan=_plan(call),
    )
    number = posting.enter(call.office, payment, call.now)
    call.office.log("PaymentCreate", "Created by Sandbox Developer through API. ", payment.patient, call.now, number)
    return payment_json(call, _payment(call, number), "")


def _pay_date(call: Call) -> Any:
    today = call.now.date()
    day = wire.date_of(call.body, "PayDate", today) or today
    if day > today and call.office.pref("FutureTransDatesAllowed") != "1":
        raise bad("PayDate cannot be in the future.")
    return day


def _pay_type(call: Call) -> int:
    number = wire.integer(call.body, "PayType", int(call.office.pref("ApiPaymentType") or 0))
    row = find(call.office.books, "definition", number)
    if row is None or row["Category"] != 10:
        raise bad("PayType is invalid.")
    return number


def _plan(call: Call) -> Row | None:
    number = wire.integer(call.body, "payPlanNum")
    if not number:
        return None
    plan = find(call.office.books, "payplan", number)
    if plan is None:
        raise not_found("PayPlan not found.")
    if not plan["IsDynamic"]:
        raise bad("payPlanNum must be a dynamic payment plan.")
    if not call.office.at_least("23.3.4") and not wire.boolean(call.body, "isPrepayment"):
        raise bad("payPlanNum can only be used when isPrepayment is true.")
    family = owed.family_of(call.office.books, wire.integer(call.body, "PatNum"))
    if not {plan["PatNum"], plan["Guarantor"]} & set(family):
        raise bad("payPlanNum does not belong to the patient's family.")
    return plan


@endpoint("POST", "/payments/Refund", since="24.4.28", permission="ApiPayments")
def refund(call: Call) -> dict[str, Any]:
    wire.required(call.body, "PayNum")
    original = _payment(call, wire.integer(call.body, "PayNum"))
    splits = where(call.office.books, "paysplit", PayNum=original["PayNum"])
    if any(split[call.office.switch("refund_check")] for split in splits):
        raise bad("Payments attached to payment plans cannot be refunded.")
    if original["PayAmt"] <= 0 or any(split["SplitAmt"] < 0 for split in splits):
        raise bad("Payments with negative splits cannot be refunded.")
    if not call.office.switch("refund_twice") and _refunded(call, original):
        raise bad("Payment has already been refunded.")
    number = posting.refund(call.office, original, call.now)
    return payment_json(call, _payment(call, number), "")


def _refunded(call: Call, original: Row) -> bool:
    same = where(call.office.books, "payment", PatNum=original["PatNum"], PayAmt=-original["PayAmt"])
    return any(row["CheckNum"] == original["CheckNum"] and row["PayNum"] > original["PayNum"] for row in same)


@endpoint("PUT", "/payments/<int:number>", since="23.3.11", permission="ApiPayments")
def edit(call: Call, number: int) -> dict[str, Any]:
    _payment(call, number)
    changes: dict[str, Any] = {}
    if "PayType" in call.body:
        changes["PayType"] = _pay_type(call)
    for name, longest in (("CheckNum", 25), ("BankBranch", 25), ("PayNote", 4000)):
        if name in call.body:
            changes[name] = wire.text(call.body, name, longest=longest)
    if "ProcessStatus" in call.body:
        if not call.office.at_least("24.3.26"):
            raise bad("ProcessStatus requires Open Dental version 24.3.26 or later.")
        changes["ProcessStatus"] = wire.choice(call.body, "ProcessStatus", enums.PROCESS_STATUS, "")
    change(call.office.books, "payment", number, **changes, SecDateTEdit=stamp(call.now))
    return payment_json(call, _payment(call, number), "")


@endpoint("PUT", "/payments/<int:number>/Partial", since="25.1.11", permission="ApiPayments")
def partial(call: Call, number: int) -> dict[str, Any]:
    payment = _payment(call, number)
    if "payPlanChargeNumsAndAmounts" in call.body and not call.office.at_least("25.2.45"):
        raise bad("payPlanChargeNumsAndAmounts requires Open Dental version 25.2.45 or later.")
    procedures = _amounts(call, "procNumsAndAmounts", "ProcNum")
    charges = _amounts(call, "payPlanChargeNumsAndAmounts", "PayPlanChargeNum")
    if not procedures and not charges:
        raise bad("procNumsAndAmounts or payPlanChargeNumsAndAmounts is required.")
    if sum(amount for _, amount in procedures + charges) != cents(payment["PayAmt"]):
        raise bad("The sum of the amounts must equal the PayAmt of the payment.")
    if not call.office.switch("partial_repeat") and payment["IsSplit"]:
        raise bad("The splits of this payment have already been replaced.")
    call.office.books.run("DELETE FROM paysplit WHERE PayNum=?", number)
    family = owed.family_of(call.office.books, payment["PatNum"])
    parts = [_procedure_part(call, key, amount, family) for key, amount in procedures]
    for key, amount in charges:
        parts += _charge_parts(call, key, amount, family)
    posting.replace_splits(call.office, payment, parts, call.now)
    change(call.office.books, "payment", number, IsSplit=1)
    return payment_json(call, _payment(call, number), "")


def _amounts(call: Call, name: str, key: str) -> list[tuple[int, int]]:
    """(number, cents); a number named twice counts once with the sum."""
    found: dict[int, int] = {}
    for item in call.body.get(name) or []:
        if not isinstance(item, dict):
            raise bad(f"{name} is invalid.")
        wire.required(item, key, "Amount")
        amount = wire.amount(item, "Amount")
        if amount == 0 or (amount < 0 and not call.office.switch("partial_negative")):
            raise bad("Amount must be greater than 0.")
        number = wire.integer(item, key)
        found[number] = found.get(number, 0) + amount
    return list(found.items())


def _procedure_part(call: Call, key: int, amount: int, family: list[int]) -> tuple[int, int, dict[str, int]]:
    row = find(call.office.books, "procedurelog", key)
    if row is None or row["PatNum"] not in family:
        raise not_found("Procedure not found.")
    if amount > production.portion(call.office.books, row) and not call.office.switch("partial_over_amount"):
        raise bad(f"ProcNum {key} does not have an outstanding charge of that amount.")
    return row["PatNum"], amount, {"ProcNum": key, "ProvNum": row["ProvNum"], "ClinicNum": row["ClinicNum"]}


def _charge_parts(call: Call, key: int, amount: int, family: list[int]) -> list[tuple[int, int, dict[str, int]]]:
    row = find(call.office.books, "payplancharge", key)
    if row is None or row["ChargeType"] != enums.DEBIT or not {row["PatNum"], row["Guarantor"]} & set(family):
        raise not_found("PayPlanCharge not found.")
    plan = find(call.office.books, "payplan", row["PayPlanNum"])
    if plan is None or not plan["IsDynamic"]:
        raise bad("PayPlanChargeNum must belong to a dynamic payment plan.")
    still_owed = sum(prepay.open_parts(call.office.books, row).values())
    if amount > still_owed and not call.office.switch("partial_over_amount"):
        raise bad(f"PayPlanChargeNum {key} does not have an outstanding charge of that amount.")
    parts = posting.divide_charge(call.office, row, amount)
    return [(row["Guarantor"], part, prepay.charge_target(row, debit)) for debit, part in parts]
