"""PayPlans: single, by patient or guarantor, POST Dynamic, the old POST, PUT Close, PUT Dynamic."""

from __future__ import annotations

from datetime import date
from typing import Any

from sandbox.common.store import Row
from sandbox.opendental import closing, enums, oldplan, plans, terms, wire
from sandbox.opendental.api import Call, endpoint
from sandbox.opendental.errors import bad, not_found
from sandbox.opendental.money import dollars
from sandbox.opendental.office import Office
from sandbox.opendental.periods import add_months
from sandbox.opendental.records import find, where

LEADING = ["PayPlanNum", "PatNum", "Guarantor", "PayPlanDate", "APR", "Note", "PlanNum", "CompletedAmt", "InsSubNum"]


def plan_json(office: Office, row: Row) -> dict[str, Any]:
    category = find(office.books, "definition", row["PlanCategory"])
    return {
        **{name: row[name] for name in LEADING},
        "PaySchedule": enums.name(enums.PAY_SCHEDULE, row["PaySchedule"]),
        "NumberOfPayments": row["NumberOfPayments"],
        "PayAmt": row["PayAmt"],
        "DownPayment": row["DownPayment"],
        "IsClosed": wire.flag(row["IsClosed"]),
        "PlanCategory": row["PlanCategory"],
        "planCategory": category["ItemName"] if category else "",
        "IsDynamic": wire.flag(row["IsDynamic"]),
        "ChargeFrequency": enums.name(enums.FREQUENCY, row["ChargeFrequency"]),
        "DatePayPlanStart": row["DatePayPlanStart"],
        "IsLocked": wire.flag(row["IsLocked"]),
        "DateInterestStart": row["DateInterestStart"],
        "DynamicPayPlanTPOption": enums.name(enums.TP_OPTION, row["DynamicPayPlanTPOption"]),
        "principalAmount": dollars(plans.principal_cents(office.books, row)),
        "SheetDefNum": row["SheetDefNum"],
    }


def _plan(call: Call, number: int) -> Row:
    row = find(call.office.books, "payplan", number)
    if row is None:
        raise not_found("PayPlan not found.")
    return row


def patient_of(call: Call, number: int, label: str = "Patient") -> Row:
    """An existing, not deleted patient; 404 otherwise."""
    return live_patient(call.office, number, label)


def live_patient(office: Office, number: int, label: str = "Patient") -> Row:
    row = find(office.books, "patient", number)
    if row is None or row["PatStatus"] == enums.PATIENT_DELETED:
        raise not_found(f"{label} not found.")
    return row


@endpoint("GET", "/payplans/<int:number>", since="24.4.30")
def single(call: Call, number: int) -> dict[str, Any]:
    return plan_json(call.office, _plan(call, number))


@endpoint("GET", "/payplans", since="22.2.16")
def multiple(call: Call) -> list[dict[str, Any]]:
    patient, guarantor = call.number("PatNum"), call.number("Guarantor")
    if patient is None and guarantor is None:
        raise bad("PatNum or Guarantor is required.")
    wanted: dict[str, Any] = {}
    for label, number in (("PatNum", patient), ("Guarantor", guarantor)):
        if number is not None:
            patient_of(call, number, "Patient" if label == "PatNum" else "Guarantor")
            wanted[label] = number
    return [plan_json(call.office, row) for row in where(call.office.books, "payplan", **wanted)]


@endpoint("POST", "/payplans/Dynamic", since="22.2.22", permission="ApiPayPlans")
def create_dynamic(call: Call) -> dict[str, Any]:
    wire.required(call.body, "PatNum")
    terms.require_one_amount(call.body)
    wish = read_wish(call.office, call.body, call.now.date())
    if not wish.production:
        raise bad("procNums and/or adjNums is required.")
    terms.check_agreed(call.office, wish.agreed, call.now.date())
    terms.check_lock(call.office, wish.apr, wish.locked)
    number = terms.create(call.office, wish, call.now)
    call.office.log("PayPlanCreate", "Created by Sandbox Developer through API. ", wish.patient, call.now, number)
    return plan_json(call.office, _plan(call, number))


def read_wish(office: Office, body: dict[str, Any], today: date) -> terms.Wish:
    """Terms out of a body; defaults as documented. 400 and 404 as the API gives them."""
    patient = wire.integer(body, "PatNum")
    guarantor = wire.integer(body, "Guarantor", patient)
    live_patient(office, patient)
    live_patient(office, guarantor, "Guarantor")
    agreed = wire.date_of(body, "PayPlanDate", today) or today
    apr = wire.number(body, "APR")
    if apr < 0:
        raise bad("APR is invalid.")
    start = wire.date_of(body, "DatePayPlanStart", add_months(agreed, 1)) or agreed
    return terms.Wish(
        patient=patient,
        guarantor=guarantor,
        agreed=agreed,
        apr=apr,
        down=_not_negative(wire.amount(body, "DownPayment"), "DownPayment"),
        note=wire.text(body, "Note"),
        category=_category(office, body),
        frequency=wire.choice(body, "ChargeFrequency", enums.FREQUENCY, "Monthly"),
        start=start,
        interest_start=wire.date_of(body, "DateInterestStart") or terms.no_interest_date(),
        locked=wire.boolean(body, "IsLocked", apr > 0 or bool(office.switch("locked_default"))),
        tp_option=wire.choice(body, "DynamicPayPlanTPOption", enums.TP_OPTION, "AwaitComplete"),
        pay=_pay(body),
        count=_count(body),
        production=_production(body),
    )


def _pay(body: dict[str, Any]) -> int | None:
    if body.get("PayAmt") in (None, ""):
        return None
    pay = wire.amount(body, "PayAmt")
    if pay <= 0:
        raise bad("PayAmt must be greater than 0.")
    return pay


def _count(body: dict[str, Any]) -> int | None:
    if body.get("NumberOfPayments") in (None, ""):
        return None
    count = wire.integer(body, "NumberOfPayments")
    if count <= 0:
        raise bad("NumberOfPayments must be greater than 0.")
    return count


def _not_negative(amount: int, name: str) -> int:
    if amount < 0:
        raise bad(f"{name} is invalid.")
    return amount


def _production(body: dict[str, Any]) -> tuple[tuple[int, int], ...]:
    procedures = [(enums.PROCEDURE, key) for key in wire.integers(body, "procNums")]
    adjustments = [(enums.ADJUSTMENT, key) for key in wire.integers(body, "adjNums")]
    return (*procedures, *adjustments)


def _category(office: Office, body: dict[str, Any]) -> int:
    number = wire.integer(body, "PlanCategory")
    if number and not office.at_least("25.3.31"):
        raise bad("PlanCategory requires Open Dental version 25.3.31 or later.")
    row = find(office.books, "definition", number)
    if number and (row is None or row["Category"] != 47):
        raise not_found("PlanCategory not found.")
    return number


@endpoint("POST", "/payplans", since="22.4.39", permission="ApiPayPlans", gone="23.3.1")
def create_old(call: Call) -> str:
    wire.required(call.body, "PatNum")
    terms.require_one_amount(call.body)
    patient = patient_of(call, wire.integer(call.body, "PatNum"))
    if wire.boolean(call.body, "useEstBalance"):
        total = wire.amount({"total": patient["EstBalance"]}, "total")
    else:
        wire.required(call.body, "principalAmount")
        total = wire.amount(call.body, "principalAmount")
    wish = read_wish(call.office, call.body, call.now.date())
    number = oldplan.create(call.office, wish, total, call.now)
    return str(_plan(call, number)["Note"])


@endpoint("PUT", "/payplans/<int:number>/Close", since="22.4.39", permission="close")
def close(call: Call, number: int) -> dict[str, Any]:
    plan = _plan(call, number)
    if plan["PlanNum"] and plan["InsSubNum"]:
        raise bad("Insurance payment plans cannot be closed through the API.")
    if plan["IsClosed"]:
        raise bad("PayPlan is already closed.")
    closing.close(call.office, plan, call.now)
    return plan_json(call.office, _plan(call, number))


@endpoint("PUT", "/payplans/<int:number>/Dynamic", since="25.3.31", permission="ApiPayPlans")
def edit_dynamic(call: Call, number: int) -> dict[str, Any]:
    plan = _plan(call, number)
    if not plan["IsDynamic"]:
        raise bad("PayPlan is not a dynamic payment plan.")
    if call.body.get("PayAmt") not in (None, "") and call.body.get("NumberOfPayments") not in (None, ""):
        raise bad("PayAmt and NumberOfPayments cannot both be set.")
    if plan["IsClosed"]:
        raise bad("PayPlan is closed.")
    changes = {**_party_changes(call, plan), **_date_changes(call, plan), **_term_changes(call, plan)}
    terms.edit(call.office, plan, changes, _count(call.body))
    return plan_json(call.office, _plan(call, number))


def _party_changes(call: Call, plan: Row) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if "Guarantor" in call.body:
        guarantor = wire.integer(call.body, "Guarantor")
        patient_of(call, guarantor, "Guarantor")
        if guarantor != plan["Guarantor"] and terms.has_activity(call.office, plan["PayPlanNum"]):
            raise bad("Guarantor cannot be changed because charges or payments exist.")
        changes["Guarantor"] = guarantor
    if "Note" in call.body:
        changes["Note"] = wire.text(call.body, "Note")
    if "PlanCategory" in call.body:
        changes["PlanCategory"] = _category(call.office, call.body)
    if "SheetDefNum" in call.body:
        if call.office.pref("PayPlansUseSheets") != "1":
            raise bad("SheetDefNum requires the preference PayPlansUseSheets.")
        changes["SheetDefNum"] = wire.integer(call.body, "SheetDefNum")
    return changes


def _date_changes(call: Call, plan: Row) -> dict[str, Any]:
    agreed, start = wire.date_of(call.body, "PayPlanDate"), wire.date_of(call.body, "DatePayPlanStart")
    interest: date | None = wire.date_of(call.body, "DateInterestStart")
    if agreed:
        terms.check_agreed(call.office, agreed, call.now.date())
    if start and plans.debits(call.office.books, plan["PayPlanNum"]):
        raise bad("DatePayPlanStart cannot be changed because charges exist.")
    if interest and wire.number(call.body, "APR", plan["APR"]) <= 0:
        raise bad("DateInterestStart can only be set if APR is greater than 0.")
    dates = {"PayPlanDate": agreed, "DatePayPlanStart": start, "DateInterestStart": interest}
    return {name: value.isoformat() for name, value in dates.items() if value}


def _term_changes(call: Call, plan: Row) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    body = call.body
    if "APR" in body:
        changes["APR"] = wire.number(body, "APR")
        terms.check_lock(call.office, changes["APR"], wire.boolean(body, "IsLocked", bool(plan["IsLocked"])))
    if "IsLocked" in body:
        changes["IsLocked"] = int(wire.boolean(body, "IsLocked"))
    if "ChargeFrequency" in body:
        changes["ChargeFrequency"] = wire.choice(body, "ChargeFrequency", enums.FREQUENCY, "")
    pay = _pay(body)
    if pay is not None:
        changes["PayAmt"] = dollars(pay)
    return changes
