"""The account by service date: work, adjustments, plan charges, payments, with a running balance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from sandbox.common.store import Row, Store
from sandbox.opendental import enums, prepay
from sandbox.opendental.money import cents, text
from sandbox.opendental.office import Office
from sandbox.opendental.records import find, where


@dataclass(frozen=True)
class Line:
    """One row; `amount` in cents, charges positive."""

    object: str
    key: int
    kind: str
    date: str
    patient: int
    reference: str
    amount: int
    provider: int


def insurance_estimate(books: Store, patient: int) -> int:
    """Cents of insurance expected on completed work that has not been received."""
    rows = books.all(
        "SELECT c.InsPayEst FROM claimproc c JOIN procedurelog p USING (ProcNum) "
        "WHERE c.PatNum=? AND c.Status IN (0, 6) AND p.ProcStatus=?",
        patient,
        enums.COMPLETE,
    )
    return sum(cents(row["InsPayEst"]) for row in rows)


def service_date_view(office: Office, members: Sequence[int], today: date) -> list[dict[str, str]]:
    """All values as strings, a "Day Total" after each date and an "Overall Total" at the end."""
    found = sorted((line for member in members for line in lines(office, member, today)), key=lambda line: line.date)
    shown: list[dict[str, str]] = []
    balance = 0
    for index, line in enumerate(found):
        balance += line.amount
        shown.append(_row(office, line, balance))
        if index + 1 == len(found) or found[index + 1].date != line.date:
            shown.append(_total("Day Total", line.date, balance))
    return [*shown, _total("Overall Total", "", balance)] if shown else []


def lines(office: Office, patient: int, today: date) -> Iterator[Line]:
    """Everything of one account by today."""
    books = office.books
    for row in where(books, "procedurelog", PatNum=patient, ProcStatus=enums.COMPLETE):
        fee = cents(row["ProcFee"]) * max(1, row["UnitQty"] + row["BaseUnits"])
        code = find(books, "procedurecode", row["CodeNum"])
        reference = code["ProcCode"] if code else ""
        yield Line("Procedure", row["ProcNum"], "Proc", row["ProcDate"], patient, reference, fee, row["ProvNum"])
    for row in where(books, "adjustment", PatNum=patient):
        kind = "Adj-Att." if row["ProcNum"] else "Adj"
        amount = cents(row["AdjAmt"])
        yield Line("Adjustment", row["AdjNum"], kind, row["AdjDate"], patient, row["AdjNote"], amount, row["ProvNum"])
    yield from _plan_lines(books, patient, today)
    for row in where(books, "paysplit", PatNum=patient):
        if row["UnearnedType"] != prepay.hidden_type(office):
            yield _split_line(row, patient)


def _plan_lines(books: Store, patient: int, today: date) -> Iterator[Line]:
    for row in where(books, "payplancharge", Guarantor=patient, ChargeType=enums.DEBIT):
        if row["ChargeDate"] <= today.isoformat():
            amount = cents(row["Principal"]) + cents(row["Interest"])
            key = row["PayPlanChargeNum"]
            due, provider = row["ChargeDate"], row["ProvNum"]
            yield Line("PayPlanCharge", key, "PayPlan Charge", due, patient, row["Note"], amount, provider)


def _split_line(row: Row, patient: int) -> Line:
    if row["PayPlanNum"]:
        kind = "PatPay Att. PayPlan" if row["PayPlanChargeNum"] else "PatPay PayPlan"
    elif row["UnearnedType"]:
        kind = "Unallocated"
    else:
        kind = "PatPay Att." if row["ProcNum"] else "PatPay"
    amount = -cents(row["SplitAmt"])
    return Line("PaySplit", row["SplitNum"], kind, row["DatePay"], patient, "", amount, row["ProvNum"])


def _row(office: Office, line: Line, balance: int) -> dict[str, str]:
    patient, provider = find(office.books, "patient", line.patient), find(office.books, "provider", line.provider)
    return {
        "ObjectType": line.object,
        "PrimaryKey": str(line.key),
        "Type": line.kind,
        "ServiceDate": line.date,
        "TransDate": "" if line.object == "Procedure" else line.date,
        "Patient": patient["FName"] if patient else "",
        "PatNum": str(line.patient),
        "Reference": line.reference,
        "Charge": text(max(0, line.amount)),
        "Credit": text(max(0, -line.amount)),
        "Provider": provider["Abbr"] if provider else "",
        "InsBal": "0.00",
        "AcctBal": text(balance),
    }


def _total(kind: str, day: str, balance: int) -> dict[str, str]:
    names = [
        "ObjectType",
        "PrimaryKey",
        "Type",
        "ServiceDate",
        "TransDate",
        "Patient",
        "PatNum",
        "Reference",
        "Charge",
        "Credit",
        "Provider",
    ]
    return {**dict.fromkeys(names, ""), "Type": kind, "ServiceDate": day, "InsBal": "0.00", "AcctBal": text(balance)}
