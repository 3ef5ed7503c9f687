"""The office's books as plain data for auditors and tests: amounts in cents, names as on the wire."""

from __future__ import annotations

from typing import Any

from sandbox.common.store import Row
from sandbox.opendental import enums, plans, prepay, production
from sandbox.opendental.money import cents
from sandbox.opendental.office import Office
from sandbox.opendental.records import where


def everything(office: Office) -> dict[str, Any]:
    """All plans, charges, links, payments and splits of one office."""
    books = office.books
    return {
        "now": str(office.now()),
        "payplans": [plan(office, row) for row in where(books, "payplan")],
        "payplancharges": [charge(row) for row in where(books, "payplancharge")],
        "payments": [payment(row) for row in where(books, "payment")],
        "paysplits": [split(office, row) for row in where(books, "paysplit")],
        "creditcards": [dict(row) for row in where(books, "creditcard")],
    }


def plan(office: Office, row: Row) -> dict[str, Any]:
    number = row["PayPlanNum"]
    money = ("PayAmt", "DownPayment", "CompletedAmt")
    charged = sum(item.principal for item in plans.issued_of(office.books, number))
    return {
        **{name: row[name] for name in row.keys() if name not in money},  # noqa: SIM118 -- iterating a Row gives values
        **{f"{name}_cents": cents(row[name]) for name in money},
        "ChargeFrequency": enums.name(enums.FREQUENCY, row["ChargeFrequency"]),
        "principal_cents": plans.principal_cents(office.books, row),
        "completed_cents": plans.completed_cents(office.books, number),
        "remaining_cents": plans.completed_cents(office.books, number) - charged if row["IsDynamic"] else 0,
        "hidden_cents": prepay.hidden_cents(office, number),
        "links": [vars(link) for link in production.links_of(office.books, number)],
    }


def charge(row: Row) -> dict[str, Any]:
    return {
        "PayPlanChargeNum": row["PayPlanChargeNum"],
        "PayPlanNum": row["PayPlanNum"],
        "PatNum": row["PatNum"],
        "Guarantor": row["Guarantor"],
        "ChargeDate": row["ChargeDate"],
        "principal_cents": cents(row["Principal"]),
        "interest_cents": cents(row["Interest"]),
        "Note": row["Note"],
        "ChargeType": enums.name(enums.CHARGE_TYPE, row["ChargeType"]),
        "LinkType": enums.name(enums.LINK_TYPE, row["LinkType"]),
        "FKey": row["FKey"],
        "SecDateTEntry": row["SecDateTEntry"],
    }


def payment(row: Row) -> dict[str, Any]:
    names = ["PayNum", "PayType", "PayDate", "CheckNum", "PayNote", "PatNum", "DateEntry"]
    source = enums.name(enums.PAYMENT_SOURCE, row["PaymentSource"])
    return {**{name: row[name] for name in names}, "amount_cents": cents(row["PayAmt"]), "PaymentSource": source}


def split(office: Office, row: Row) -> dict[str, Any]:
    names = [
        "SplitNum",
        "PayNum",
        "PatNum",
        "PayPlanNum",
        "PayPlanChargeNum",
        "ProcNum",
        "AdjNum",
        "UnearnedType",
        "DatePay",
    ]
    kind = row["UnearnedType"]
    return {
        **{name: row[name] for name in names},
        "amount_cents": cents(row["SplitAmt"]),
        "PayPlanDebitType": enums.name(enums.DEBIT_TYPE, row["PayPlanDebitType"]),
        "kind": "payment" if kind == 0 else "hidden" if kind == prepay.hidden_type(office) else "unearned",
    }


def projection(office: Office, row: Row, *, next_only: bool) -> list[dict[str, Any]]:
    """What the office itself expects to charge from today on (cents per row)."""
    rows = plans.project(office.books, row, office.today(), next_only=next_only)
    return [
        {
            "date": item.date.isoformat(),
            "principal_cents": item.principal,
            "interest_cents": item.interest,
            "FKey": item.link.key,
        }
        for item in rows
    ]
