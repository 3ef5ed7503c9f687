"""Charge rows of a plan: only what exists in the books, in the order of their numbers."""

from __future__ import annotations

from typing import Any

from sandbox.common.store import Row
from sandbox.opendental import enums, plans, wire
from sandbox.opendental.amortize import Expected
from sandbox.opendental.api import Call, endpoint
from sandbox.opendental.errors import bad, not_found
from sandbox.opendental.money import dollars
from sandbox.opendental.records import find, where

PLAIN = ["PayPlanChargeNum", "PayPlanNum", "Guarantor", "PatNum"]


def charge_json(call: Call, row: Row) -> dict[str, Any]:
    day, moment = call.query.get("DateFormatString"), call.query.get("DateTimeFormatString")
    return {
        **{name: row[name] for name in PLAIN},
        "ChargeDate": wire.printed_day(row["ChargeDate"], day),
        "Principal": row["Principal"],
        "Interest": row["Interest"],
        "Note": row["Note"],
        "ProvNum": row["ProvNum"],
        "ClinicNum": row["ClinicNum"],
        "ChargeType": enums.name(enums.CHARGE_TYPE, row["ChargeType"]),
        "ProcNum": row["ProcNum"],
        "SecDateTEntry": wire.printed_moment(row["SecDateTEntry"], moment),
        "SecDateTEdit": wire.printed_moment(row["SecDateTEdit"], moment),
        "StatementNum": row["StatementNum"],
        "FKey": row["FKey"],
        "LinkType": enums.name(enums.LINK_TYPE, row["LinkType"]),
        "IsOffset": wire.flag(row["IsOffset"]),
    }


@endpoint("GET", "/payplancharges", since="23.2.28")
def charges(call: Call) -> list[dict[str, Any]]:
    number = call.number("PayPlanNum")
    if number is None:
        raise bad("PayPlanNum is required.")
    plan = find(call.office.books, "payplan", number)
    if plan is None:
        raise not_found("PayPlan not found.")
    rows = [charge_json(call, row) for row in where(call.office.books, "payplancharge", PayPlanNum=number)]
    if call.office.switch("projected_charges") and call.query.get("includeProjected") == "true" and plan["IsDynamic"]:
        coming = plans.project(call.office.books, plan, call.now.date())
        rows += [_projected(plan, expected) for expected in coming]
    return rows


def _projected(plan: Row, expected: Expected) -> dict[str, Any]:
    link = expected.link
    return {
        "PayPlanChargeNum": 0,
        "PayPlanNum": plan["PayPlanNum"],
        "Guarantor": plan["Guarantor"],
        "PatNum": plan["PatNum"],
        "ChargeDate": expected.date.isoformat(),
        "Principal": dollars(expected.principal),
        "Interest": dollars(expected.interest),
        "Note": "",
        "ProvNum": link.provider,
        "ClinicNum": link.clinic,
        "ChargeType": "Debit",
        "ProcNum": 0,
        "FKey": link.key,
        "LinkType": enums.name(enums.LINK_TYPE, link.kind),
        "IsOffset": "false",
    }
