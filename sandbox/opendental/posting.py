"""Entering a payment and spreading it: oldest charge first, the rest to unearned; refunds. A resend pays twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sandbox.common.store import Row
from sandbox.opendental import aging, enums, owed, prepay
from sandbox.opendental.money import cents, dollars
from sandbox.opendental.office import Office
from sandbox.opendental.owed import Piece
from sandbox.opendental.records import find, insert, stamp, where

DONT_ENFORCE = "2"


@dataclass(frozen=True)
class Payment:
    """What is to be entered (cents)."""

    patient: int
    amount: int
    date: date
    kind: int
    clinic: int
    check: str = ""
    bank: str = ""
    note: str = ""
    source: int = 0
    prefer_patient: bool = False
    prepayment: bool = False
    unallocated: bool = False
    procedures: tuple[int, ...] = ()
    plan: Row | None = field(default=None, repr=False)


def enter(office: Office, payment: Payment, now: datetime) -> int:
    """Insert the payment and its splits; its number."""
    number = insert(office.books, "payment", **_columns(payment, now))
    _spread(office, number, payment, now)
    aging.refresh(office, payment.patient, now.date())
    return number


def _columns(payment: Payment, now: datetime) -> dict[str, Any]:
    return {
        "PayType": payment.kind,
        "PayDate": payment.date.isoformat(),
        "PayAmt": dollars(payment.amount),
        "CheckNum": payment.check,
        "BankBranch": payment.bank,
        "PayNote": payment.note,
        "PatNum": payment.patient,
        "ClinicNum": payment.clinic,
        "DateEntry": now.date().isoformat(),
        "PaymentSource": payment.source,
        "SecDateTEdit": stamp(now),
    }


def _spread(office: Office, number: int, payment: Payment, now: datetime) -> None:
    if payment.prepayment or payment.unallocated:
        _prepay(office, number, payment, now)
        return
    left = payment.amount
    for piece in _pieces(office, payment, now.date()):
        part = min(left, piece.open)
        if part <= 0:
            break
        prepay.add_split(office.books, number, piece.patient, part, now, **dict(piece.columns))
        left -= part
    if left:
        _rest(office, number, payment, left, now)


def _pieces(office: Office, payment: Payment, today: date) -> list[Piece]:
    """What the payment may pay: everything due by today, whatever date the payment carries."""
    if payment.amount <= 0:
        return []
    lax = office.pref("RigorousAccounting") == DONT_ENFORCE
    if lax and not (payment.plan and office.switch("dont_enforce_plan")):
        return []
    if payment.plan is not None:
        pieces = owed.plan_pieces(office, payment.plan, today)
        return sorted(pieces, key=lambda piece: (piece.date, piece.order))
    return owed.pieces(office, payment.patient, today, prefer_patient=payment.prefer_patient, first=payment.procedures)


def _prepay(office: Office, number: int, payment: Payment, now: datetime) -> None:
    """One split: hidden on the plan when a plan is named, else regular unearned."""
    columns = {"UnearnedType": prepay.unearned_type(office), "ClinicNum": payment.clinic}
    if payment.plan is not None and payment.prepayment:
        columns = {**columns, "UnearnedType": prepay.hidden_type(office), "PayPlanNum": payment.plan["PayPlanNum"]}
    prepay.add_split(office.books, number, payment.patient, payment.amount, now, **columns)


def _rest(office: Office, number: int, payment: Payment, left: int, now: datetime) -> None:
    """Money no charge took. A DontEnforce office books it on the provider, others as unearned; never on the plan."""
    columns = {"UnearnedType": prepay.unearned_type(office), "ClinicNum": payment.clinic}
    if office.pref("RigorousAccounting") == DONT_ENFORCE and payment.amount > 0:
        patient = find(office.books, "patient", payment.patient)
        columns = {"ProvNum": patient["PriProv"] if patient else 0, "ClinicNum": payment.clinic}
    prepay.add_split(office.books, number, payment.patient, left, now, **columns)


def refund(office: Office, original: Row, now: datetime) -> int:
    """A new payment that negates the original and each of its splits, dated today; its number."""
    kept = {name: original[name] for name in ["PayType", "CheckNum", "BankBranch", "PayNote", "PatNum", "ClinicNum"]}
    today = now.date().isoformat()
    stamps = {"PayDate": today, "DateEntry": today, "SecDateTEdit": stamp(now)}
    number = insert(office.books, "payment", PayAmt=-original["PayAmt"], **kept, **stamps)
    for split in where(office.books, "paysplit", PayNum=original["PayNum"]):
        names = [
            "ProvNum",
            "PayPlanNum",
            "ProcNum",
            "UnearnedType",
            "ClinicNum",
            "AdjNum",
            "PayPlanChargeNum",
            "PayPlanDebitType",
        ]
        columns = {name: split[name] for name in names}
        prepay.add_split(office.books, number, split["PatNum"], -cents(split["SplitAmt"]), now, **columns)
    aging.refresh(office, original["PatNum"], now.date())
    return number


def replace_splits(office: Office, payment: Row, parts: list[tuple[int, int, dict[str, int]]], now: datetime) -> None:
    """Drop all splits of a payment and write the given (patient, cents, columns) instead."""
    office.books.run("DELETE FROM paysplit WHERE PayNum=?", payment["PayNum"])
    for patient, amount, columns in parts:
        prepay.add_split(office.books, payment["PayNum"], patient, amount, now, **columns)
    office.books.run("UPDATE payment SET SecDateTEdit=? WHERE PayNum=?", stamp(now), payment["PayNum"])
    aging.refresh(office, payment["PatNum"], now.date())


def divide_charge(office: Office, row: Row, amount: int) -> list[tuple[int, int]]:
    """(debit type, cents): how an amount for one charge row falls on its interest and principal."""
    open_parts = prepay.open_parts(office.books, row)
    order = [enums.INTEREST, enums.PRINCIPAL]
    if not office.switch("partial_interest_first"):
        order.reverse()
    first = max(0, min(amount, open_parts[order[0]])) if amount > 0 else 0
    parts = [(order[0], first), (order[1], amount - first)]
    return [(debit, part) for debit, part in parts if part]
