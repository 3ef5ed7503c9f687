"""What staff do in Open Dental itself, without the API: the actions of the control page and its JSON twin.

Each takes (office, body, now) and returns a small object; amounts in bodies are in cents (`amount_cents`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sandbox.common.store import Row
from sandbox.opendental import (
    aging,
    balance,
    closing,
    enums,
    oldplan,
    people,
    plans,
    posting,
    prepay,
    service,
    terms,
    wire,
    work,
)
from sandbox.opendental.errors import bad, not_found
from sandbox.opendental.money import dollars
from sandbox.opendental.office import Office
from sandbox.opendental.records import change, find, insert, remove, stamp, where
from sandbox.opendental.resources.payplans import read_wish

Body = dict[str, Any]
Action = Callable[[Office, Body, datetime], Body]


def need(office: Office, table: str, key: int) -> Row:
    row = find(office.books, table, key)
    if row is None:
        raise not_found(f"{table} {key} not found.")
    return row


def add_patient(office: Office, body: Body, now: datetime) -> Body:
    wire.required(body, "LName", "FName")
    return {"PatNum": people.create(office, people.columns(body), now)}


def add_clinic(office: Office, body: Body, now: datetime) -> Body:
    """Abbr and Description: the first clinic switches the clinics feature on."""
    wire.required(body, "Abbr")
    names = {name: wire.text(body, name) for name in ("Abbr", "Description", "City", "State", "Zip", "Phone")}
    office.set_pref("EasyNoClinics", "0")
    return {"ClinicNum": insert(office.books, "clinic", **names)}


def add_procedure(office: Office, body: Body, now: datetime) -> Body:
    """PatNum, ProcFee (dollars), ProcStatus "TP" or "C"; ProcDate, ProvNum, ClinicNum, Discount, CodeNum optional."""
    wire.required(body, "PatNum", "ProcFee")
    values = {
        "PatNum": wire.integer(body, "PatNum"),
        "ProcFee": dollars(wire.amount(body, "ProcFee")),
        "Discount": dollars(wire.amount(body, "Discount")),
        "ProcStatus": wire.choice(body, "ProcStatus", enums.PROC_STATUS, "C"),
        "ProcDate": (wire.date_of(body, "ProcDate", now.date()) or now.date()).isoformat(),
        "ProvNum": wire.integer(body, "ProvNum", 1),
        "ClinicNum": wire.integer(body, "ClinicNum"),
        "CodeNum": wire.integer(body, "CodeNum", 1),
    }
    return {"ProcNum": work.add_procedure(office, values, now)}


def set_procedure(office: Office, body: Body, now: datetime) -> Body:
    """ProcNum and a new ProcStatus and/or ProcFee."""
    number = wire.integer(body, "ProcNum")
    need(office, "procedurelog", number)
    values: Body = {}
    if "ProcStatus" in body:
        values["ProcStatus"] = wire.choice(body, "ProcStatus", enums.PROC_STATUS, "")
    if "ProcFee" in body:
        values["ProcFee"] = dollars(wire.amount(body, "ProcFee"))
    work.edit_procedure(office, number, values, now)
    return {"ProcNum": number}


def add_adjustment(office: Office, body: Body, now: datetime) -> Body:
    """PatNum, AdjAmt (dollars); ProcNum, ProvNum, AdjDate optional."""
    values = {
        "PatNum": wire.integer(body, "PatNum"),
        "AdjAmt": dollars(wire.amount(body, "AdjAmt")),
        "AdjType": wire.integer(body, "AdjType", 294),
        "ProcNum": wire.integer(body, "ProcNum"),
        "ProvNum": wire.integer(body, "ProvNum", 1),
        "ClinicNum": wire.integer(body, "ClinicNum"),
        "AdjDate": (wire.date_of(body, "AdjDate", now.date()) or now.date()).isoformat(),
    }
    return {"AdjNum": work.add_adjustment(office, values, now)}


def add_insurance(office: Office, body: Body, now: datetime) -> Body:
    """ProcNum, paid_cents and/or estimate_cents, write_off_cents: an insurance payment or estimate on a procedure."""
    procedure = need(office, "procedurelog", wire.integer(body, "ProcNum"))
    paid = wire.integer(body, "paid_cents")
    values = {
        "ProcNum": procedure["ProcNum"],
        "PatNum": procedure["PatNum"],
        "ProvNum": procedure["ProvNum"],
        "Status": 1 if paid else 6,
        "InsPayAmt": dollars(paid),
        "InsPayEst": dollars(wire.integer(body, "estimate_cents")),
        "WriteOff": dollars(wire.integer(body, "write_off_cents")),
        "WriteOffEst": -1.0,
    }
    return {"ClaimProcNum": work.add_insurance(office, values, now)}


def add_plan(office: Office, body: Body, now: datetime) -> Body:
    """Fields as POST /payplans/Dynamic takes them, and kind "dynamic" (default), "old" or "insurance" (these two with
    principalAmount), `overrides_cents` per production item, `issue` false to write the plan without its first rows."""
    kind = str(body.get("kind", "dynamic"))
    wish = read_wish(office, body, now.date())
    if kind == "dynamic":
        overrides = tuple(wire.integers(body, "overrides_cents"))
        wish = replace(wish, overrides=overrides) if overrides else wish
        return {"PayPlanNum": terms.create(office, wish, now, issue=bool(body.get("issue", True)))}
    total = wire.amount(body, "principalAmount")
    return {"PayPlanNum": oldplan.create(office, wish, total, now, insurance=kind == "insurance")}


def cash(office: Office, body: Body, now: datetime) -> Body:
    """amount_cents on PayPlanNum (or on PayPlanChargeNum exactly); PatNum, check, PayType, PayNote optional. `parts`
    [{"amount_cents", "PayPlanDebitType", "PayPlanChargeNum"}] sets the splits by hand; `balance` "prepay" or
    "principal" answers the overpayment question."""
    plan = need(office, "payplan", wire.integer(body, "PayPlanNum")) if body.get("PayPlanNum") else None
    charge = (
        need(office, "payplancharge", wire.integer(body, "PayPlanChargeNum")) if body.get("PayPlanChargeNum") else None
    )
    if charge is not None:
        plan = need(office, "payplan", charge["PayPlanNum"])
    patient = wire.integer(body, "PatNum", plans.account_of(office.books, plan) if plan is not None else 0)
    number = posting.enter(office, _payment(office, body, patient, plan, now), now)
    parts = _parts(office, body, charge)
    if parts:
        posting.replace_splits(office, need(office, "payment", number), parts, now)
    if plan is not None and body.get("balance"):
        balance.balance(office, plan, now, on_principal=body["balance"] == "principal")
    return {"PayNum": number}


def delete_payment(office: Office, body: Body, now: datetime) -> Body:
    """PayNum: the payment and its splits vanish without a trace."""
    payment = need(office, "payment", wire.integer(body, "PayNum"))
    posting.replace_splits(office, payment, [], now)
    remove(office.books, "payment", payment["PayNum"])
    return {"PayNum": payment["PayNum"]}


def _payment(office: Office, body: Body, patient: int, plan: Row | None, now: datetime) -> posting.Payment:
    row = need(office, "patient", patient)
    return posting.Payment(
        patient=patient,
        amount=wire.integer(body, "amount_cents"),
        date=wire.date_of(body, "PayDate", now.date()) or now.date(),
        kind=wire.integer(body, "PayType", 69 if body.get("check") else 70),
        clinic=row["ClinicNum"],
        check=wire.text(body, "check", longest=25),
        note=wire.text(body, "PayNote"),
        prepayment=bool(body.get("prepayment")),
        plan=plan if plan is not None and plan["IsDynamic"] else None,
    )


def _parts(office: Office, body: Body, charge: Row | None) -> list[tuple[int, int, dict[str, int]]]:
    if charge is not None and not body.get("parts"):
        divided = posting.divide_charge(office, charge, wire.integer(body, "amount_cents"))
        return [(charge["Guarantor"], part, prepay.charge_target(charge, debit)) for debit, part in divided]
    found: list[tuple[int, int, dict[str, int]]] = []
    for part in body.get("parts") or []:
        row = need(office, "payplancharge", wire.integer(part, "PayPlanChargeNum"))
        debit = wire.choice(part, "PayPlanDebitType", enums.DEBIT_TYPE, "Unknown")
        found.append((row["Guarantor"], wire.integer(part, "amount_cents"), prepay.charge_target(row, debit)))
    return found


def prepay_procedure(office: Office, body: Body, now: datetime) -> Body:
    """amount_cents on ProcNum, outside any plan: a prepayment on planned work, a payment on finished work."""
    procedure = need(office, "procedurelog", wire.integer(body, "ProcNum"))
    planned = procedure["ProcStatus"] != enums.COMPLETE
    payment = posting.Payment(procedure["PatNum"], wire.integer(body, "amount_cents"), now.date(), 70, 0)
    number = posting.enter(office, payment, now)
    columns = {"ProcNum": procedure["ProcNum"], "UnearnedType": prepay.unearned_type(office) if planned else 0}
    parts = [(procedure["PatNum"], payment.amount, columns)]
    posting.replace_splits(office, need(office, "payment", number), parts, now)
    plans.refresh_linked(office.books, enums.PROCEDURE, procedure["ProcNum"])
    return {"PayNum": number}


def balance_plan(office: Office, body: Body, now: datetime) -> Body:
    """PayPlanNum, how "prepay" or "principal"."""
    plan = need(office, "payplan", wire.integer(body, "PayPlanNum"))
    balance.balance(office, plan, now, on_principal=body.get("how") == "principal")
    return {"PayPlanNum": plan["PayPlanNum"]}


EDITABLE = ["PayAmt", "APR", "DownPayment", "Note", "PlanCategory", "Guarantor", "PatNum", "NumberOfPayments"]


def edit_plan(office: Office, body: Body, now: datetime) -> Body:
    """PayPlanNum and any of the plan's terms; the desktop allows more than the API."""
    plan = need(office, "payplan", wire.integer(body, "PayPlanNum"))
    changes: Body = {name: body[name] for name in EDITABLE if name in body}
    for name in ("DatePayPlanStart", "DateInterestStart", "PayPlanDate"):
        if day := wire.date_of(body, name):
            changes[name] = day.isoformat()
    if "ChargeFrequency" in body:
        changes["ChargeFrequency"] = wire.choice(body, "ChargeFrequency", enums.FREQUENCY, "")
    for name in ("IsLocked", "IsClosed"):
        if name in body:
            changes[name] = int(wire.boolean(body, name))
    if "DynamicPayPlanTPOption" in body:
        changes["DynamicPayPlanTPOption"] = wire.choice(body, "DynamicPayPlanTPOption", enums.TP_OPTION, "")
    terms.edit(office, plan, changes, None)
    return {"PayPlanNum": plan["PayPlanNum"]}


def edit_charge(office: Office, body: Body, now: datetime) -> Body:
    """PayPlanChargeNum and principal_cents, interest_cents, ChargeDate: staff change a row; `delete` removes it."""
    row = need(office, "payplancharge", wire.integer(body, "PayPlanChargeNum"))
    if body.get("delete"):
        remove(office.books, "payplancharge", row["PayPlanChargeNum"])
        return {"PayPlanNum": row["PayPlanNum"]}
    changes: Body = {"SecDateTEdit": stamp(now)}
    for name, column in (("principal_cents", "Principal"), ("interest_cents", "Interest")):
        if name in body:
            changes[column] = dollars(wire.integer(body, name))
    day: date | None = wire.date_of(body, "ChargeDate")
    if day:
        changes["ChargeDate"] = day.isoformat()
    change(office.books, "payplancharge", row["PayPlanChargeNum"], **changes)
    return {"PayPlanChargeNum": row["PayPlanChargeNum"]}


def insert_charge(office: Office, body: Body, now: datetime) -> Body:
    """Staff turn a gray row black: PayPlanNum, ChargeDate, principal_cents, interest_cents."""
    plan = need(office, "payplan", wire.integer(body, "PayPlanNum"))
    day = wire.date_of(body, "ChargeDate", now.date()) or now.date()
    rows = plans.project(office.books, plan, now.date())
    link = next((row.link for row in rows if row.date == day), rows[0].link if rows else None)
    if link is None:
        raise bad("Nothing is left to charge.")
    principal, interest = wire.integer(body, "principal_cents"), wire.integer(body, "interest_cents")
    return {"PayPlanChargeNum": plans.add_charge(office.books, plan, link, day, principal, interest, note="", now=now)}


def close_plan(office: Office, body: Body, now: datetime) -> Body:
    plan = need(office, "payplan", wire.integer(body, "PayPlanNum"))
    closing.close(office, plan, now)
    return {"PayPlanNum": plan["PayPlanNum"]}


def delete_plan(office: Office, body: Body, now: datetime) -> Body:
    """The plan, its links and rows vanish without a trace; splits stay and hang on nothing."""
    plan = need(office, "payplan", wire.integer(body, "PayPlanNum"))
    for table in ("payplan", "payplanlink", "payplancharge"):
        office.books.run(f"DELETE FROM {table} WHERE PayPlanNum=?", plan["PayPlanNum"])
    detached = "UPDATE paysplit SET PayPlanNum=0, PayPlanChargeNum=0, SecDateTEdit=? WHERE PayPlanNum=?"
    office.books.run(detached, stamp(now), plan["PayPlanNum"])
    aging.refresh(office, plan["PatNum"], now.date())
    return {"PayPlanNum": plan["PayPlanNum"]}


def delete_patient(office: Office, body: Body, now: datetime) -> Body:
    patient = need(office, "patient", wire.integer(body, "PatNum"))
    people.delete(office, patient["PatNum"], now)
    return {"PatNum": patient["PatNum"]}


def merge_patients(office: Office, body: Body, now: datetime) -> Body:
    """`from` is archived, everything moves to `into`."""
    source, into = (need(office, "patient", wire.integer(body, name))["PatNum"] for name in ("from", "into"))
    people.merge(office, source, into, now)
    return {"PatNum": into}


def run_service(office: Office, body: Body, now: datetime) -> Body:
    """Run the daily service now, whatever the switch says."""
    return {"plans_issued": service.run(office, now)}


def recurring_card(office: Office, body: Body, now: datetime) -> Body:
    """A row of the office's own card tool on PayPlanNum (or PatNum alone); amount_cents; `active` false ends it."""
    plan = need(office, "payplan", wire.integer(body, "PayPlanNum")) if body.get("PayPlanNum") else None
    patient = wire.integer(body, "PatNum", plan["PatNum"] if plan is not None else 0)
    number = plan["PayPlanNum"] if plan is not None else 0
    if body.get("active") is False:
        for row in where(office.books, "creditcard", PatNum=patient, PayPlanNum=number):
            change(office.books, "creditcard", row["CreditCardNum"], IsRecurringActive=0)
        return {"active": False}
    values = {
        "PatNum": patient,
        "PayPlanNum": number,
        "ChargeAmt": dollars(wire.integer(body, "amount_cents", 10000)),
        "CCNumberMasked": "XXXXXXXXXXXX4242",
        "ChargeFrequency": "0|1",
        "IsRecurringActive": 1,
        "DateStart": now.date().isoformat(),
    }
    return {"CreditCardNum": insert(office.books, "creditcard", **values)}


ACTIONS: dict[str, Action] = {
    "patients": add_patient,
    "clinics": add_clinic,
    "procedures": add_procedure,
    "procedure": set_procedure,
    "adjustments": add_adjustment,
    "insurance": add_insurance,
    "plans": add_plan,
    "cash": cash,
    "delete_payment": delete_payment,
    "prepay_procedure": prepay_procedure,
    "balance": balance_plan,
    "edit_plan": edit_plan,
    "edit_charge": edit_charge,
    "insert_charge": insert_charge,
    "close_plan": close_plan,
    "delete_plan": delete_plan,
    "delete_patient": delete_patient,
    "merge_patients": merge_patients,
    "run_service": run_service,
    "recurring_card": recurring_card,
}
