"""Patients: single, the search list, Simple (for change polling), create, edit."""

from __future__ import annotations

import re
from typing import Any

from sandbox.common.store import Row
from sandbox.opendental import enums, people, wire
from sandbox.opendental.api import Call, Listing, endpoint
from sandbox.opendental.errors import bad, not_found
from sandbox.opendental.records import find, stamp, where

# Exact filters of Simple → the version each came with; an older office ignores them.
SIMPLE = {
    "ClinicNum": "21.2",
    "PatStatus": "21.2",
    "PriProv": "21.3",
    "Gender": "22.3.6",
    "Position": "22.3.6",
    "Guarantor": "22.4.19",
    "SuperFamily": "22.4.38",
    "EmployerNum": "24.3.30",
    "FeeSched": "25.2.19",
}
ENUMS = {"PatStatus": enums.PAT_STATUS, "Gender": enums.GENDER, "Position": enums.POSITION}
SEARCHED = ["LName", "FName", "Address", "City", "State", "SSN", "ChartNumber", "Email", "Country"]


def _names(call: Call, row: Row) -> dict[str, str]:
    books = call.office.books
    first, second = find(books, "provider", row["PriProv"]), find(books, "provider", row["SecProv"])
    clinic, billing = find(books, "clinic", row["ClinicNum"]), find(books, "definition", row["BillingType"])
    return {
        "priProvAbbr": first["Abbr"] if first else "",
        "secProvAbbr": second["Abbr"] if second else "",
        "clinicAbbr": clinic["Abbr"] if clinic else "",
        "BillingType": billing["ItemName"] if billing else "",
    }


def patient_json(call: Call, row: Row) -> dict[str, Any]:
    """All documented fields, in the documented order."""
    names = _names(call, row)
    contact = {name: enums.name(enums.CONTACT, row[name]) for name in people.CONTACT_FIELDS}
    return {
        **{name: row[name] for name in ["PatNum", "LName", "FName", "MiddleI", "Preferred"]},
        "PatStatus": enums.name(enums.PAT_STATUS, row["PatStatus"]),
        "Gender": enums.name(enums.GENDER, row["Gender"]),
        "Position": enums.name(enums.POSITION, row["Position"]),
        "Birthdate": wire.printed_day(row["Birthdate"], call.query.get("DateFormatString")),
        **{
            name: row[name]
            for name in ["SSN", "Address", "Address2", "City", "State", "Zip", "HmPhone", "WkPhone", "WirelessPhone"]
        },
        **{name: row[name] for name in ["Guarantor", "Email", "EstBalance", "PriProv"]},
        "priProvAbbr": names["priProvAbbr"],
        "SecProv": row["SecProv"],
        "secProvAbbr": names["secProvAbbr"],
        "FeeSched": row["FeeSched"],
        "BillingType": names["BillingType"],
        **{
            name: row[name]
            for name in ["ImageFolder", "FamFinUrgNote", "ChartNumber", "MedicaidID", "BalTotal", "EmployerNum"]
        },
        "DateFirstVisit": row["DateFirstVisit"],
        "ClinicNum": row["ClinicNum"],
        "clinicAbbr": names["clinicAbbr"],
        "Premed": wire.flag(row["Premed"]),
        "Ward": row["Ward"],
        **contact,
        "Language": row["Language"],
        "AdmitDate": row["AdmitDate"],
        "siteDesc": "",
        "DateTStamp": wire.printed_moment(row["DateTStamp"], call.query.get("DateTimeFormatString")),
        "SuperFamily": row["SuperFamily"],
        "TxtMsgOk": enums.name(enums.YES_NO, row["TxtMsgOk"]),
        "SecDateEntry": row["SecDateEntry"],
    }


def _listed(call: Call, row: Row) -> dict[str, Any]:
    names = _names(call, row)
    plain = ["SSN", "Address", "Address2", "City", "State", "Zip", "HmPhone", "WkPhone", "WirelessPhone", "Email"]
    return {
        **{name: row[name] for name in ["PatNum", "LName", "FName", "MiddleI", "Preferred"]},
        "PatStatus": enums.name(enums.PAT_STATUS, row["PatStatus"]),
        "Birthdate": row["Birthdate"],
        **{name: row[name] for name in plain},
        "Zip": int(row["Zip"]) if row["Zip"].isdigit() and not row["Zip"].startswith("0") else row["Zip"],
        "priProvAbbr": names["priProvAbbr"],
        "secProvAbbr": names["secProvAbbr"],
        "BillingType": names["BillingType"],
        "ChartNumber": row["ChartNumber"],
        "ClinicNum": row["ClinicNum"],
        "clinicAbbr": names["clinicAbbr"],
        "siteDesc": "",
        "TxtMsgOk": enums.name(enums.YES_NO, row["TxtMsgOk"]),
    }


@endpoint("GET", "/patients/<int:number>")
def single(call: Call, number: int) -> dict[str, Any]:
    return _one(call, number)


def _one(call: Call, number: int) -> dict[str, Any]:
    row = find(call.office.books, "patient", number)
    if row is None:
        raise not_found("Patient not found.")
    return patient_json(call, row)


@endpoint("GET", "/patients")
def multiple(call: Call) -> Listing:
    rows = [row for row in where(call.office.books, "patient", "LName, FName, PatNum") if _found(call, row)]
    return Listing(rows, lambda row: _listed(call, row))


def _found(call: Call, row: Row) -> bool:
    """The patient search: parts of texts without case, digits of any phone."""
    query = call.query
    if row["PatStatus"] == enums.PATIENT_DELETED:
        return False
    hidden = {"hideInactive": "Inactive"} if query.get("hideInactive") == "true" else {}
    if query.get("showArchived") != "true":
        hidden["showArchived"] = "Archived"
    if enums.name(enums.PAT_STATUS, row["PatStatus"]) in hidden.values():
        return False
    if query.get("guarOnly") == "true" and row["Guarantor"] != row["PatNum"]:
        return False
    if any(query.get(name, "").lower() not in row[name].lower() for name in SEARCHED):
        return False
    return _found_exactly(call, row)


def _found_exactly(call: Call, row: Row) -> bool:
    query = call.query
    if query.get("Birthdate") and query["Birthdate"] != row["Birthdate"]:
        return False
    if query.get("clinicNums") and str(row["ClinicNum"]) not in query["clinicNums"].split(","):
        return False
    digits = re.sub(r"\D", "", query.get("Phone", ""))
    phones = (re.sub(r"\D", "", row[name]) for name in ("HmPhone", "WkPhone", "WirelessPhone"))
    return not digits or any(digits in phone for phone in phones)


@endpoint("GET", "/patients/Simple", since="21.2")
def simple(call: Call) -> Listing:
    wanted: dict[str, Any] = {}
    for name, since in SIMPLE.items():
        if call.query.get(name) and call.office.at_least(since):
            names = ENUMS.get(name)
            wanted[name] = wire.choice(dict(call.query), name, names, "") if names else call.number(name)
    since_moment = wire.moment_of(dict(call.query), "DateTStamp", "0001-01-01 00:00:00")
    birth = wire.date_of(dict(call.query), "Birthdate")
    rows = [
        row
        for row in call.office.books.all("SELECT * FROM patient WHERE DateTStamp>=? ORDER BY PatNum", since_moment)
        if row["PatStatus"] != enums.PATIENT_DELETED
        and all(row[name] == value for name, value in wanted.items())
        and (birth is None or row["Birthdate"] == birth.isoformat())
        and all(call.query.get(name, "").lower() in row[name].lower() for name in ("LName", "FName"))
    ]
    return Listing(rows, lambda row: {"serverDateTime": stamp(call.now), **patient_json(call, row)})


@endpoint("POST", "/patients", permission="ApiPatients")
def create(call: Call) -> dict[str, Any]:
    wire.required(call.body, "LName", "FName")
    values = {**people.columns(call.body), **_billing_type(call)}
    if people.duplicate(call.office.books, values):
        raise bad("Patient already exists.")
    _check_references(call, values)
    number = people.create(call.office, values, call.now)
    call.office.log("PatientCreate", "Created by Sandbox Developer through API. ", number, call.now)
    return _one(call, number)


@endpoint("PUT", "/patients/<int:number>", since="21.2", permission="ApiPatients")
def edit(call: Call, number: int) -> dict[str, Any]:
    row = find(call.office.books, "patient", number)
    if row is None:
        raise not_found("Patient not found.")
    if row["PatStatus"] == enums.PATIENT_DELETED:
        raise bad("Deleted patients cannot be modified.")
    values = {**people.columns(call.body), **_billing_type(call)}
    if "" in (values.get("LName"), values.get("FName")):
        raise bad("LName and FName cannot be blank.")
    _check_references(call, values)
    if values.get("Guarantor", row["Guarantor"]) != row["Guarantor"] and row["Guarantor"] != number:
        raise bad("Guarantor can only be changed if the patient is the current guarantor.")
    people.edit(call.office, row, values, call.now)
    return _one(call, number)


def _billing_type(call: Call) -> dict[str, int]:
    """Billing types travel by name."""
    if "BillingType" not in call.body:
        return {}
    named = where(call.office.books, "definition", Category=4, ItemName=str(call.body["BillingType"]))
    if not named:
        raise bad("BillingType is invalid.")
    return {"BillingType": named[0]["DefNum"]}


def _check_references(call: Call, values: dict[str, Any]) -> None:
    for name, table in (("Guarantor", "patient"), ("PriProv", "provider"), ("SecProv", "provider")):
        if values.get(name) and find(call.office.books, table, values[name]) is None:
            raise not_found(f"{name} not found.")
