"""The documentation's three plans of patient 72: an old closed one, an insurance one, a dynamic one of 5 × $128.60."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox.opendental import people, plans
from sandbox.opendental.office import Office
from sandbox.opendental.records import find, insert, stamp

PATIENT = 72
PROCEDURE, DYNAMIC = 640, 169
# number, agreed, APR, total cost, total, PlanNum, InsSubNum, category, interest start, closed
OLD_PLANS = (
    (150, "2020-04-15", 0, "64.00", 64, 0, 0, 0, "2001-01-01"),
    (167, "2021-01-23", 10, "1029.44", 1000, 3, 13, 447, "2021-02-23"),
)


def fill(office: Office, body: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Insert patient 72 with plans 150, 167, 169. Nothing happens when they are there already."""
    if find(office.books, "payplan", DYNAMIC) is None:
        _patient(office, now)
        for row in OLD_PLANS:
            _old(office, *row, now=now)
        _dynamic(office, now)
    return {"PatNum": PATIENT, "plans": [150, 167, DYNAMIC]}


def _patient(office: Office, now: datetime) -> None:
    values = {
        "PatNum": PATIENT,
        "LName": "Exampleton",
        "FName": "Pat",
        "Birthdate": "1980-04-15",
        "WirelessPhone": "(555)555-0172",
        "Email": "pat.exampleton@example.com",
        "TxtMsgOk": 1,
        "State": "OR",
        "Zip": "97301",
    }
    people.create(office, values, now)


def _note(agreed: str, total: int, apr: int, cost: str) -> str:
    day = datetime.fromisoformat(agreed).strftime("%m/%d/%Y")
    return f"{day} - Date of Agreement: {day}, Total Amount: {total}.00, APR: {apr}, Total Cost of Loan: {cost}"


def _old(
    office: Office,
    number: int,
    agreed: str,
    apr: int,
    cost: str,
    total: int,
    plan: int,
    sub: int,
    category: int,
    interest: str,
    *,
    now: datetime,
) -> None:
    values = {
        "PayPlanNum": number,
        "PatNum": PATIENT,
        "Guarantor": PATIENT,
        "PayPlanDate": agreed,
        "APR": float(apr),
        "Note": _note(agreed, total, apr, cost),
        "PlanNum": plan,
        "InsSubNum": sub,
        "NumberOfPayments": 10,
        "IsClosed": 1,
        "PlanCategory": category,
        "DatePayPlanStart": "2001-01-01",
        "DateInterestStart": interest,
    }
    insert(office.books, "payplan", **values)
    kind = 0 if plan else 1
    row = {
        "PayPlanNum": number,
        "Guarantor": PATIENT,
        "PatNum": PATIENT,
        "ChargeDate": agreed,
        "Principal": float(total),
    }
    insert(office.books, "payplancharge", **row, ChargeType=kind, SecDateTEntry=stamp(now), SecDateTEdit=stamp(now))


def _dynamic(office: Office, now: datetime) -> None:
    done = {"ProcNum": PROCEDURE, "PatNum": PATIENT, "ProcFee": 643.0, "ProcStatus": 2, "ProcDate": "2022-06-24"}
    insert(office.books, "procedurelog", **done, ProvNum=1, UnitQty=1, CodeNum=1, DateTStamp=stamp(now))
    values = {
        "PayPlanNum": DYNAMIC,
        "PatNum": PATIENT,
        "Guarantor": PATIENT,
        "PayPlanDate": "2022-06-24",
        "Note": _note("2022-06-24", 643, 0, "643.00"),
        "CompletedAmt": 643.0,
        "PayAmt": 128.6,
        "PlanCategory": 446,
        "IsDynamic": 1,
        "ChargeFrequency": 3,
        "DatePayPlanStart": "2022-07-24",
        "DateInterestStart": "2001-01-01",
        "DynamicPayPlanTPOption": 1,
    }
    insert(office.books, "payplan", **values)
    insert(office.books, "payplanlink", PayPlanNum=DYNAMIC, LinkType=2, FKey=PROCEDURE, SecDateTEntry=stamp(now))
    plans.refresh_completed(office.books, DYNAMIC)
