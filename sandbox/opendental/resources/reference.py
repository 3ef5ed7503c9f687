"""Preferences, permissions, definitions, clinics, providers."""

from __future__ import annotations

from typing import Any

from sandbox.common.store import Row
from sandbox.opendental import wire
from sandbox.opendental.api import Call, endpoint
from sandbox.opendental.enums import DEFINITION_CATEGORY
from sandbox.opendental.errors import bad, not_found
from sandbox.opendental.office import PERMISSIONS
from sandbox.opendental.records import find, insert, stamp, where

CLINIC_FIELDS = [
    "ClinicNum",
    "Description",
    "Address",
    "Address2",
    "City",
    "State",
    "Zip",
    "BillingAddress",
    "BillingAddress2",
    "BillingCity",
    "BillingState",
    "BillingZip",
    "PayToAddress",
    "PayToAddress2",
    "PayToCity",
    "PayToState",
    "PayToZip",
    "Phone",
    "Abbr",
]
PROVIDER_FIELDS = ["ProvNum", "Abbr", "LName", "FName", "MI", "Suffix", "FeeSched", "Specialty", "SSN", "StateLicense"]
PROVIDER_FLAGS = ["IsSecondary", "IsHidden", "UsingTIN", "SigOnFile", "IsNotPerson", "IsHiddenReport"]


@endpoint("GET", "/preferences")
def preferences(call: Call) -> list[dict[str, Any]]:
    wanted = call.query.get("PrefName")
    rows = where(call.office.books, "preference", **({"PrefName": wanted} if wanted else {}))
    return [{name: row[name] for name in ("PrefNum", "PrefName", "ValueString")} for row in rows]


@endpoint("GET", "/securityperms", since="22.2")
def permissions(call: Call) -> list[dict[str, Any]]:
    granted = call.office.settings.permissions
    return [{"Permission": name, "HasPermission": wire.flag(int(name in granted))} for name in PERMISSIONS]


def definition_json(row: Row) -> dict[str, Any]:
    return {
        "DefNum": row["DefNum"],
        "ItemName": row["ItemName"],
        "ItemValue": row["ItemValue"],
        "Category": row["Category"],
        "category": DEFINITION_CATEGORY.get(row["Category"], ""),
        "isHidden": wire.flag(row["IsHidden"]),
    }


@endpoint("GET", "/definitions")
def definitions(call: Call) -> list[dict[str, Any]]:
    """Only a numeric Category filters; anything else is ignored."""
    rows = where(call.office.books, "definition", "Category, ItemOrder, DefNum")
    wanted = call.query.get("Category", "")
    if wanted.isdigit():
        rows = [row for row in rows if row["Category"] == int(wanted)]
    if call.query.get("includeHidden") != "true":
        rows = [row for row in rows if not row["IsHidden"]]
    return [definition_json(row) for row in rows]


@endpoint("POST", "/definitions", since="22.1", permission="ApiSetup")
def create_definition(call: Call) -> dict[str, Any]:
    wire.required(call.body, "ItemName", "category")
    numbers = {name: number for number, name in DEFINITION_CATEGORY.items()}
    category = numbers.get(str(call.body["category"]))
    if category is None:
        raise bad("category is invalid.")
    values = {"ItemName": wire.text(call.body, "ItemName"), "ItemValue": wire.text(call.body, "ItemValue")}
    hidden = int(wire.boolean(call.body, "isHidden"))
    number = insert(call.office.books, "definition", Category=category, IsHidden=hidden, **values)
    row = find(call.office.books, "definition", number)
    return definition_json(row) if row else {}


@endpoint("GET", "/clinics")
def clinics(call: Call) -> list[dict[str, Any]]:
    rows = where(call.office.books, "clinic", IsHidden=0)
    return [{**{name: row[name] for name in CLINIC_FIELDS}, "IsHidden": wire.flag(row["IsHidden"])} for row in rows]


def provider_json(row: Row) -> dict[str, Any]:
    return {
        **{name: row[name] for name in PROVIDER_FIELDS},
        **{name: wire.flag(row[name]) for name in PROVIDER_FLAGS},
        "provColor": row["ProvColor"] or "255,255,255",
        "NationalProvID": row["NationalProvID"],
        "DateTStamp": row["DateTStamp"],
        "ProvStatus": "Deleted" if row["ProvStatus"] else "Active",
        "Birthdate": row["Birthdate"],
        "SchedNote": row["SchedNote"],
        "PreferredName": row["PreferredName"],
    }


@endpoint("GET", "/providers")
def providers(call: Call) -> list[dict[str, Any]]:
    since = call.query.get("DateTStamp", "")
    rows = call.office.books.all("SELECT * FROM provider WHERE DateTStamp>=? ORDER BY ItemOrder, ProvNum", since)
    return [{**provider_json(row), "serverDateTime": stamp(call.now)} for row in rows]


@endpoint("GET", "/providers/<int:number>", since="24.4.17")
def provider(call: Call, number: int) -> dict[str, Any]:
    row = find(call.office.books, "provider", number)
    if row is None:
        raise not_found("Provider not found.")
    return provider_json(row)
