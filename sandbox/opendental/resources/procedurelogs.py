"""ProcedureLogs: single, filtered list (newest number first, deleted ones included), create, edit, delete."""

from __future__ import annotations

from typing import Any

from sandbox.common.store import Row
from sandbox.opendental import enums, wire, work
from sandbox.opendental.api import Call, Listing, endpoint
from sandbox.opendental.errors import bad, not_found
from sandbox.opendental.money import cents, dollars, text
from sandbox.opendental.records import find, stamp, where
from sandbox.opendental.resources.payplans import patient_of

FILTERS = {
    "PatNum": "21.1",
    "AptNum": "22.3.32",
    "PlannedAptNum": "24.4.5",
    "ClinicNum": "23.3.13",
    "CodeNum": "25.2.21",
}


def procedure_json(call: Call, row: Row) -> dict[str, Any]:
    code = find(call.office.books, "procedurecode", row["CodeNum"])
    provider = find(call.office.books, "provider", row["ProvNum"])
    return {
        **{name: row[name] for name in ["ProcNum", "PatNum", "AptNum", "ProcDate"]},
        "ProcFee": text(cents(row["ProcFee"])),
        **{name: row[name] for name in ["Surf", "ToothNum", "ToothRange", "Priority"]},
        "priority": "",
        "ProcStatus": enums.name(enums.PROC_STATUS, row["ProcStatus"]),
        "ProvNum": row["ProvNum"],
        "provAbbr": provider["Abbr"] if provider else "",
        "Dx": row["Dx"],
        "dxName": "",
        "PlannedAptNum": row["PlannedAptNum"],
        "PlaceService": "Office",
        **{
            name: row[name]
            for name in ["Prosthesis", "DateOriginalProsth", "ClaimNote", "DateEntryC", "ClinicNum", "CodeNum"]
        },
        "procCode": code["ProcCode"] if code else "",
        "descript": code["Descript"] if code else "",
        **{name: row[name] for name in ["UnitQty", "BaseUnits", "DateTP", "SiteNum"]},
        "HideGraphics": wire.flag(row["HideGraphics"]),
        **{name: row[name] for name in ["CanadianTypeCodes", "ProcTime", "ProcTimeEnd", "DateTStamp", "Prognosis"]},
        "IsLocked": wire.flag(row["IsLocked"]),
        "BillingNote": row["BillingNote"],
        "Discount": row["Discount"],
        "IsDateProsthEst": wire.flag(row["IsDateProsthEst"]),
        "SecDateEntry": row["SecDateEntry"],
        "serverDateTime": stamp(call.now),
    }


def _procedure(call: Call, number: int) -> Row:
    row = find(call.office.books, "procedurelog", number)
    if row is None:
        raise not_found("ProcedureLog not found.")
    return row


@endpoint("GET", "/procedurelogs/<int:number>", since="23.3.13")
def single(call: Call, number: int) -> dict[str, Any]:
    return procedure_json(call, _procedure(call, number))


@endpoint("GET", "/procedurelogs")
def multiple(call: Call) -> Listing:
    wanted: dict[str, Any] = {}
    for name, since in FILTERS.items():
        if call.office.at_least(since) and (number := call.number(name)) is not None:
            wanted[name] = number
    if call.query.get("ProcStatus") and call.office.at_least("25.2.21"):
        wanted["ProcStatus"] = wire.choice(dict(call.query), "ProcStatus", enums.PROC_STATUS, "")
    changed = wire.moment_of(dict(call.query), "DateTStamp", "0001-01-01 00:00:00")
    rows = where(call.office.books, "procedurelog", "ProcNum DESC", **wanted)
    kept = [row for row in rows if row["DateTStamp"] >= changed]
    return Listing(kept, lambda row: procedure_json(call, row))


def _values(call: Call) -> dict[str, Any]:
    body = call.body
    values: dict[str, Any] = {
        name: wire.integer(body, name) for name in ["AptNum", "ProvNum", "ClinicNum", "Priority", "Dx"] if name in body
    }
    values |= {
        name: wire.text(body, name) for name in ["ToothNum", "Surf", "ToothRange", "BillingNote"] if name in body
    }
    values |= {name: dollars(wire.amount(body, name)) for name in ("ProcFee", "Discount") if name in body}
    for name in ("ProcDate", "DateTP"):
        if name in body and (day := wire.date_of(body, name)):
            values[name] = day.isoformat()
    if "ProcStatus" in body:
        values["ProcStatus"] = wire.choice(body, "ProcStatus", enums.PROC_STATUS[1:], "") + 1
    return values


def _code(call: Call) -> int:
    if call.body.get("CodeNum"):
        row = find(call.office.books, "procedurecode", wire.integer(call.body, "CodeNum"))
    else:
        wire.required(call.body, "procCode")
        row = next(iter(where(call.office.books, "procedurecode", ProcCode=str(call.body["procCode"]))), None)
    if row is None:
        raise not_found("procCode not found.")
    return int(row["CodeNum"])


@endpoint("POST", "/procedurelogs", since="21.4", permission="ApiProcedureLogs")
def create(call: Call) -> dict[str, Any]:
    wire.required(call.body, "PatNum", "ProcDate", "ProcStatus")
    patient = patient_of(call, wire.integer(call.body, "PatNum"))
    standard = {"PatNum": patient["PatNum"], "ProvNum": patient["PriProv"], "ClinicNum": patient["ClinicNum"]}
    values = {**standard, "CodeNum": _code(call), **_values(call)}
    return procedure_json(call, _procedure(call, work.add_procedure(call.office, values, call.now)))


@endpoint("PUT", "/procedurelogs/<int:number>", since="22.1", permission="ApiProcedureLogs")
def edit(call: Call, number: int) -> dict[str, Any]:
    _procedure(call, number)
    work.edit_procedure(call.office, number, _values(call), call.now)
    return procedure_json(call, _procedure(call, number))


@endpoint("DELETE", "/procedurelogs/<int:number>", since="22.1", permission="ApiProcedureLogs")
def delete(call: Call, number: int) -> None:
    """The row stays, with the status "D"."""
    _procedure(call, number)
    books = call.office.books
    attached = (
        where(books, "paysplit", ProcNum=number),
        where(books, "adjustment", ProcNum=number),
        where(books, "payplanlink", LinkType=enums.PROCEDURE, FKey=number),
    )
    for rows, label in zip(attached, ("a payment", "an adjustment", "a payment plan"), strict=True):
        if rows:
            raise bad(f"Not allowed to delete a procedure that is attached to {label}.")
    work.edit_procedure(call.office, number, {"ProcStatus": enums.DELETED}, call.now)
