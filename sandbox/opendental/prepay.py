"""Prepayments parked on a plan ("hidden unearned"): what is there, and moving it onto rows that fall due."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sandbox.common.store import Row, Store
from sandbox.opendental.enums import INTEREST, PRINCIPAL, UNKNOWN
from sandbox.opendental.money import cents, dollars
from sandbox.opendental.office import Office
from sandbox.opendental.records import insert, stamp, where


def hidden_type(office: Office) -> int:
    return int(office.pref("DynamicPayPlanPrepaymentUnearnedType") or 0)


def unearned_type(office: Office) -> int:
    return int(office.pref("PrepaymentUnearnedType") or 0)


def hidden_cents(office: Office, plan: int) -> int:
    rows = where(office.books, "paysplit", PayPlanNum=plan, UnearnedType=hidden_type(office))
    return sum(cents(row["SplitAmt"]) for row in rows)


def open_parts(books: Store, row: Row) -> dict[int, int]:
    """Cents a row still owes, by debit type; negative where overpaid. Splits of unknown kind pay interest first."""
    owed = {INTEREST: cents(row["Interest"]), PRINCIPAL: cents(row["Principal"])}
    unknown = 0
    for split in where(books, "paysplit", PayPlanChargeNum=row["PayPlanChargeNum"], UnearnedType=0):
        if split["PayPlanDebitType"] == UNKNOWN:
            unknown += cents(split["SplitAmt"])
        else:
            owed[split["PayPlanDebitType"]] -= cents(split["SplitAmt"])
    used = min(unknown, max(0, owed[INTEREST])) if unknown > 0 else 0
    owed[INTEREST] -= used
    owed[PRINCIPAL] -= unknown - used
    return owed


def transfer_payment(books: Store, patient: int, now: datetime, note: str) -> int:
    """The $0 payment an income transfer hangs on."""
    today = now.date().isoformat()
    values = {"PayDate": today, "DateEntry": today, "PatNum": patient, "PayNote": note, "SecDateTEdit": stamp(now)}
    return insert(books, "payment", PayType=0, IsSplit=1, **values)


def add_split(books: Store, payment: int, patient: int, amount: int, now: datetime, **values: int) -> int:
    """Insert one split (cents). DatePay is the payment's."""
    dates = {"DateEntry": now.date().isoformat(), "SecDateTEdit": stamp(now)}
    paid = books.one("SELECT PayDate FROM payment WHERE PayNum=?", payment)
    dates["DatePay"] = paid["PayDate"] if paid else dates["DateEntry"]
    return insert(books, "paysplit", PayNum=payment, PatNum=patient, SplitAmt=dollars(amount), **dates, **values)


def charge_target(row: Row, debit: int) -> dict[str, int]:
    """Columns that attach a split to a charge row."""
    production = {2: "ProcNum", 1: "AdjNum"}.get(row["LinkType"])
    attached = {production: row["FKey"]} if production else {}
    return {
        "PayPlanNum": row["PayPlanNum"],
        "PayPlanChargeNum": row["PayPlanChargeNum"],
        "PayPlanDebitType": debit,
        "ProvNum": row["ProvNum"],
        "ClinicNum": row["ClinicNum"],
        **attached,
    }


def apply_hidden(office: Office, plan: Row, rows: Iterable[Row], now: datetime) -> int:
    """Move prepayment onto the given rows, interest first, never more than they owe; the cents moved."""
    books, number = office.books, plan["PayPlanNum"]
    wanted = [(row, debit, part) for row in rows for debit, part in open_parts(books, row).items() if part > 0]
    left = hidden_cents(office, number)
    if left <= 0 or not wanted:
        return 0
    payment = transfer_payment(books, wanted[0][0]["Guarantor"], now, "Plan prepayment applied")
    moved = 0
    for row, debit, part in wanted:
        used = min(part, left - moved)
        if used <= 0:
            break
        add_split(books, payment, row["Guarantor"], -used, now, PayPlanNum=number, UnearnedType=hidden_type(office))
        add_split(books, payment, row["Guarantor"], used, now, **charge_target(row, debit))
        moved += used
    return moved


def release_hidden(office: Office, plan: Row, account: int, now: datetime) -> int:
    """Move all prepayment left on a plan to regular unearned; the cents moved."""
    left = hidden_cents(office, plan["PayPlanNum"])
    if left <= 0:
        return 0
    payment = transfer_payment(office.books, account, now, "Plan prepayment to unearned")
    hidden = {"PayPlanNum": plan["PayPlanNum"], "UnearnedType": hidden_type(office)}
    add_split(office.books, payment, account, -left, now, **hidden)
    add_split(office.books, payment, account, left, now, UnearnedType=unearned_type(office))
    return left
