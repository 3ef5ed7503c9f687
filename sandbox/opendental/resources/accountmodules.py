"""AccountModules: aging of the family, balances of its members, the account by service date (all values strings)."""

from __future__ import annotations

from typing import Any

from sandbox.common.store import Row
from sandbox.opendental import aging, enums, ledger, wire
from sandbox.opendental.api import Call, endpoint
from sandbox.opendental.errors import bad, not_found
from sandbox.opendental.money import dollars
from sandbox.opendental.owed import family_of
from sandbox.opendental.records import find


def _patient(call: Call, number: int) -> Row:
    row = find(call.office.books, "patient", number)
    if row is None or row["PatStatus"] == enums.PATIENT_DELETED:
        raise not_found("Patient not found.")
    return row


@endpoint("GET", "/accountmodules/<int:number>/Aging", since="22.3.6")
def family_aging(call: Call, number: int) -> dict[str, Any]:
    patient = _patient(call, number)
    family = family_of(call.office.books, number)
    today = call.now.date()
    found = [entry for member in family for entry in aging.entries(call.office, member, today)]
    aged = aging.buckets(found, today)
    total = sum(aged.values())
    estimate = sum(ledger.insurance_estimate(call.office.books, member) for member in family)
    return {
        **{name: dollars(amount) for name, amount in aged.items()},
        "Total": dollars(total),
        "InsEst": dollars(estimate),
        "EstBal": dollars(total - estimate),
        "PatEstBal": patient["EstBalance"],
        "Unearned": dollars(aging.unearned(call.office, family)),
    }


@endpoint("GET", "/accountmodules/<int:number>/PatientBalances", since="22.1")
def balances(call: Call, number: int) -> list[dict[str, Any]]:
    patient = _patient(call, number)
    rows = [find(call.office.books, "patient", member) for member in family_of(call.office.books, number)]
    shown = [
        {"PatNum": row["PatNum"], "Name": f"{row['LName']}, {row['FName']}", "Balance": row["EstBalance"]}
        for row in rows
        if row is not None
    ]
    total = round(sum(row["Balance"] for row in shown), 2)
    return [*shown, {"PatNum": patient["Guarantor"], "Name": "Entire Family", "Balance": total}]


@endpoint("GET", "/accountmodules/<int:number>/ServiceDateView", since="22.3.32")
def service_dates(call: Call, number: int) -> list[dict[str, str]]:
    _patient(call, number)
    asked = str(call.query.get("isFamily", "false")).lower()
    if asked not in ("true", "false"):
        raise bad(f'isFamily must be "{wire.flag(1)}" or "{wire.flag(0)}".')
    members = family_of(call.office.books, number) if asked == "true" else [number]
    return ledger.service_date_view(call.office, members, call.now.date())
