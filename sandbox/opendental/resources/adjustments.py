"""Adjustments: list of a patient, create, edit. There is no delete."""

from __future__ import annotations

from typing import Any

from sandbox.common.store import Row
from sandbox.opendental import wire, work
from sandbox.opendental.api import Call, endpoint
from sandbox.opendental.errors import bad, not_found
from sandbox.opendental.money import dollars
from sandbox.opendental.records import find, where
from sandbox.opendental.resources.payplans import patient_of


def adjustment_json(call: Call, row: Row) -> dict[str, Any]:
    kind = find(call.office.books, "definition", row["AdjType"])
    return {
        **{name: row[name] for name in ["AdjNum", "AdjDate", "AdjAmt", "PatNum", "AdjType"]},
        "adjType": kind["ItemName"] if kind else "",
        **{name: row[name] for name in ["ProvNum", "AdjNote", "ProcDate", "ProcNum", "DateEntry", "ClinicNum"]},
        "SecUserNumEntry": row["SecUserNumEntry"],
        "SecDateTEdit": row["SecDateTEdit"],
    }


def _adjustment(call: Call, number: int) -> Row:
    row = find(call.office.books, "adjustment", number)
    if row is None:
        raise not_found("Adjustment not found.")
    return row


@endpoint("GET", "/adjustments", since="22.2.21")
def multiple(call: Call) -> list[dict[str, Any]]:
    patient = call.number("PatNum")
    if patient is None:
        raise bad("PatNum is required.")
    wanted: dict[str, Any] = {"PatNum": patient_of(call, patient)["PatNum"]}
    for name, since in (("AdjType", "22.2.33"), ("ProcNum", "22.4.28")):
        if call.office.at_least(since) and (number := call.number(name)) is not None:
            wanted[name] = number
    rows = where(call.office.books, "adjustment", "AdjDate, AdjNum", **wanted)
    return [adjustment_json(call, row) for row in rows]


def _check_sign(call: Call, kind: int, amount: int) -> None:
    row = find(call.office.books, "definition", kind)
    if row is None or row["Category"] != 1:
        raise bad("AdjType is invalid.")
    if row["ItemValue"] == "-" and amount > 0:
        raise bad("AdjAmt must be negative for this AdjType.")
    if row["ItemValue"] == "+" and amount < 0:
        raise bad("AdjAmt must be positive for this AdjType.")


def _values(call: Call) -> dict[str, Any]:
    body = call.body
    values: dict[str, Any] = {
        name: wire.integer(body, name) for name in ["AdjType", "ProvNum", "ProcNum", "ClinicNum"] if name in body
    }
    if "AdjAmt" in body:
        values["AdjAmt"] = dollars(wire.amount(body, "AdjAmt"))
    if "AdjNote" in body:
        values["AdjNote"] = wire.text(body, "AdjNote")
    for name in ("AdjDate", "ProcDate"):
        if name in body and (day := wire.date_of(body, name)):
            if name == "AdjDate" and day > call.now.date():
                raise bad("AdjDate cannot be in the future.")
            values[name] = day.isoformat()
    if values.get("ProcNum") and find(call.office.books, "procedurelog", values["ProcNum"]) is None:
        raise not_found("Procedure not found.")
    return values


@endpoint("POST", "/adjustments", since="22.2.22", permission="ApiAllOthers")
def create(call: Call) -> dict[str, Any]:
    wire.required(call.body, "PatNum", "AdjType", "AdjAmt", "AdjDate")
    patient = patient_of(call, wire.integer(call.body, "PatNum"))
    _check_sign(call, wire.integer(call.body, "AdjType"), wire.amount(call.body, "AdjAmt"))
    standard = {"PatNum": patient["PatNum"], "ProvNum": patient["PriProv"], "ClinicNum": patient["ClinicNum"]}
    number = work.add_adjustment(call.office, {**standard, **_values(call)}, call.now)
    return adjustment_json(call, _adjustment(call, number))


@endpoint("PUT", "/adjustments/<int:number>", since="22.2.23", permission="ApiAllOthers")
def edit(call: Call, number: int) -> dict[str, Any]:
    row = _adjustment(call, number)
    amount = wire.amount(call.body, "AdjAmt", wire.amount({"now": row["AdjAmt"]}, "now"))
    _check_sign(call, wire.integer(call.body, "AdjType", row["AdjType"]), amount)
    work.edit_adjustment(call.office, number, _values(call), call.now)
    return adjustment_json(call, _adjustment(call, number))
