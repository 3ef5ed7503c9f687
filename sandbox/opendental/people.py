"""Patients in the books: from an API body to columns, duplicates, families, deletion, merging."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox.common.store import Row, Store
from sandbox.opendental import aging, enums, wire
from sandbox.opendental.office import Office
from sandbox.opendental.records import change, find, insert, stamp, where

CONTACT_FIELDS = ("PreferConfirmMethod", "PreferContactMethod", "PreferRecallMethod")
TEXTS = [
    "LName",
    "FName",
    "MiddleI",
    "Preferred",
    "SSN",
    "Address",
    "Address2",
    "City",
    "State",
    "Zip",
    "HmPhone",
    "WkPhone",
    "WirelessPhone",
    "Email",
    "FamFinUrgNote",
    "MedicaidID",
    "Ward",
    "Language",
]
NUMBERS = ["Guarantor", "SuperFamily", "PriProv", "SecProv", "FeeSched", "EmployerNum", "ClinicNum"]
NAMED = {
    "PatStatus": enums.PAT_STATUS,
    "Gender": enums.GENDER,
    "Position": enums.POSITION,
    "TxtMsgOk": enums.YES_NO,
    **dict.fromkeys(CONTACT_FIELDS, enums.CONTACT),
}
DATES = ("Birthdate", "DateFirstVisit", "AdmitDate")
MERGED_TABLES = [
    "payplan",
    "payplancharge",
    "procedurelog",
    "adjustment",
    "claimproc",
    "payment",
    "paysplit",
    "commlog",
    "creditcard",
]


def columns(body: dict[str, Any]) -> dict[str, Any]:
    """Database values of the documented fields that are in the body."""
    values: dict[str, Any] = {name: wire.text(body, name) for name in TEXTS if name in body}
    values |= {name: wire.integer(body, name) for name in NUMBERS if name in body}
    values |= {name: wire.choice(body, name, names, "") for name, names in NAMED.items() if name in body}
    for name in DATES:
        if name in body:
            day = wire.date_of(body, name)
            values[name] = day.isoformat() if day else "0001-01-01"
    if "ChartNumber" in body:
        values["ChartNumber"] = wire.text(body, "ChartNumber", longest=15)
    if "Premed" in body:
        values["Premed"] = int(wire.boolean(body, "Premed"))
    return values


def duplicate(books: Store, values: dict[str, Any]) -> bool:
    """Same name and birthdate, and the same e-mail or a phone in common."""
    wanted = {name: values[name] for name in ("LName", "FName", "Birthdate") if name in values}
    if len(wanted) < 3:
        return False
    ways = ("Email", "HmPhone", "WkPhone", "WirelessPhone")
    same = [row for row in where(books, "patient", **wanted) if row["PatStatus"] != enums.PATIENT_DELETED]
    return any(values.get(way) and values[way] == row[way] for row in same for way in ways)


def create(office: Office, values: dict[str, Any], now: datetime) -> int:
    """Insert a patient; his own guarantor unless one is given."""
    standard = {"PriProv": 1, "BillingType": int(office.pref("PracticeDefaultBillType") or 0)}
    stamps = {"DateTStamp": stamp(now), "SecDateEntry": now.date().isoformat()}
    number = insert(office.books, "patient", **{**standard, **values}, **stamps)
    if not values.get("Guarantor"):
        change(office.books, "patient", number, Guarantor=number)
    return number


def edit(office: Office, row: Row, values: dict[str, Any], now: datetime) -> None:
    """A new guarantor takes the whole family along."""
    guarantor = values.pop("Guarantor", row["Guarantor"])
    change(office.books, "patient", row["PatNum"], **values, DateTStamp=stamp(now))
    if guarantor != row["Guarantor"]:
        moved = "UPDATE patient SET Guarantor=?, DateTStamp=? WHERE Guarantor=?"
        office.books.run(moved, guarantor, stamp(now), row["Guarantor"])


def delete(office: Office, number: int, now: datetime) -> None:
    """Open Dental keeps deleted patients with a status of their own."""
    change(office.books, "patient", number, PatStatus=enums.PATIENT_DELETED, DateTStamp=stamp(now))


def merge(office: Office, source: int, into: int, now: datetime) -> None:
    """Everything of `source` moves to `into`; `source` is archived and the link remembered."""
    books = office.books
    for table in MERGED_TABLES:
        books.run(f"UPDATE {table} SET PatNum=? WHERE PatNum=?", into, source)
    for table in ("payplan", "payplancharge"):
        books.run(f"UPDATE {table} SET Guarantor=? WHERE Guarantor=?", into, source)
    kept = find(books, "patient", into)
    books.run(
        "UPDATE patient SET Guarantor=? WHERE Guarantor=? AND PatNum<>?",
        kept["Guarantor"] if kept else into,
        source,
        source,
    )
    for table in ("payplancharge", "paysplit", "adjustment", "claimproc", "payment"):
        books.run(f"UPDATE {table} SET SecDateTEdit=? WHERE PatNum=?", stamp(now), into)
    change(books, "patient", source, PatStatus=enums.PAT_STATUS.index("Archived"), DateTStamp=stamp(now))
    change(books, "patient", into, DateTStamp=stamp(now))
    insert(books, "patientlink", PatNumFrom=source, PatNumTo=into, LinkType=1, DateTimeLink=stamp(now))
    aging.refresh(office, into, now.date())
