"""Splits of payments: list by patient, payment or procedure; PUT changes provider and clinic only."""

from __future__ import annotations

from typing import Any

from sandbox.common.store import Row
from sandbox.opendental import enums, wire
from sandbox.opendental.api import Call, Listing, endpoint
from sandbox.opendental.errors import bad, not_found
from sandbox.opendental.records import change, find, stamp, where


def split_json(call: Call, row: Row) -> dict[str, Any]:
    kind = find(call.office.books, "definition", row["UnearnedType"])
    return {
        **{
            name: row[name]
            for name in ["SplitNum", "SplitAmt", "PatNum", "PayNum", "ProvNum", "PayPlanNum", "DatePay", "ProcNum"]
        },
        "DateEntry": row["DateEntry"],
        "UnearnedType": row["UnearnedType"],
        "unearnedType": kind["ItemName"] if kind else "",
        "ClinicNum": row["ClinicNum"],
        "SecDateTEdit": row["SecDateTEdit"],
        "AdjNum": row["AdjNum"],
        "PayPlanChargeNum": row["PayPlanChargeNum"],
        "PayPlanDebitType": enums.name(enums.DEBIT_TYPE, row["PayPlanDebitType"]),
    }


@endpoint("GET", "/paysplits", since="22.4.16")
def splits(call: Call) -> Listing:
    """The list prints SecDateTEdit as a date, the answer to PUT as a moment."""
    names = ["PatNum", "PayNum"] + (["ProcNum"] if call.office.at_least("24.4.24") else [])
    wanted: dict[str, Any] = {name: number for name in names if (number := call.number(name)) is not None}
    if not wanted and not call.office.at_least("24.4.24"):
        raise bad("PatNum or PayNum is required.")
    rows = where(call.office.books, "paysplit", **wanted)
    return Listing(rows, lambda row: {**split_json(call, row), "SecDateTEdit": row["SecDateTEdit"][:10]})


@endpoint("PUT", "/paysplits/<int:number>", since="25.2.9", permission="ApiPayments")
def edit(call: Call, number: int) -> dict[str, Any]:
    row = find(call.office.books, "paysplit", number)
    if row is None:
        raise not_found("PaySplit not found.")
    changes: dict[str, Any] = {}
    if "ProvNum" in call.body:
        changes["ProvNum"] = wire.integer(call.body, "ProvNum")
        if row["UnearnedType"] and changes["ProvNum"] and call.office.pref("AllowPrepayProvider") != "1":
            raise bad("ProvNum cannot be set on unearned splits unless the preference AllowPrepayProvider is on.")
        if find(call.office.books, "provider", changes["ProvNum"]) is None and changes["ProvNum"]:
            raise not_found("Provider not found.")
    if "ClinicNum" in call.body:
        changes["ClinicNum"] = wire.integer(call.body, "ClinicNum")
    change(call.office.books, "paysplit", number, **changes, SecDateTEdit=stamp(call.now))
    edited = find(call.office.books, "paysplit", number)
    return split_json(call, edited) if edited else {}
