"""A plan as stored → what the schedule needs; the rows it issues; its completed amount and its terms text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sandbox.common.store import Row, Store
from sandbox.opendental import amortize, production
from sandbox.opendental.amortize import Charge, Expected, Projection, Terms
from sandbox.opendental.enums import AWAIT_COMPLETE, DEBIT
from sandbox.opendental.money import cents, dollars, text
from sandbox.opendental.office import Office
from sandbox.opendental.production import Link
from sandbox.opendental.records import change, day, find, insert, stamp, where

DOWN_PAYMENT = "Down Payment"
CLOSE_OUT = "Close Out Charge"
ON_PRINCIPAL = "(Charge created for pay on principal)"


def terms_of(plan: Row) -> Terms:
    return Terms(
        apr=float(plan["APR"]),
        pay=cents(plan["PayAmt"]),
        down=cents(plan["DownPayment"]),
        frequency=plan["ChargeFrequency"],
        start=day(plan["DatePayPlanStart"]),
        interest_start=day(plan["DateInterestStart"]),
        await_complete=plan["DynamicPayPlanTPOption"] == AWAIT_COMPLETE,
    )


def is_down_payment(row: Row) -> bool:
    return bool(row["IsDownPayment"]) or "Down Payment" in row["Note"]


def debits(books: Store, plan: int) -> list[Row]:
    """Issued debit rows, oldest due date first."""
    return where(books, "payplancharge", "ChargeDate, PayPlanChargeNum", PayPlanNum=plan, ChargeType=DEBIT)


def issued_of(books: Store, plan: int) -> list[Charge]:
    return [
        Charge(
            row["PayPlanChargeNum"],
            day(row["ChargeDate"]),
            cents(row["Principal"]),
            cents(row["Interest"]),
            row["LinkType"],
            row["FKey"],
            is_down_payment(row),
        )
        for row in debits(books, plan)
    ]


def real_splits(books: Store, plan: int) -> list[tuple[int, int]]:
    """(cents, debit type) of the plan's payments; prepayments are not among them."""
    rows = where(books, "paysplit", PayPlanNum=plan, UnearnedType=0)
    return [(cents(row["SplitAmt"]), row["PayPlanDebitType"]) for row in rows]


def project(books: Store, plan: Row, today: date, *, next_only: bool = False) -> list[Expected]:
    """Rows still to come: all of them (assuming what is charged gets paid), or just those issued next."""
    number = plan["PayPlanNum"]
    projection = Projection(
        terms_of(plan),
        production.links_of(books, number),
        issued_of(books, number),
        real_splits(books, number),
        next_only=next_only,
    )
    return projection.run(today)


def account_of(books: Store, plan: Row) -> int:
    """The account its charges live on: the patient's, or a guarantor's of another family."""
    patient, guarantor = find(books, "patient", plan["PatNum"]), find(books, "patient", plan["Guarantor"])
    if patient is None or guarantor is None or patient["Guarantor"] == guarantor["Guarantor"]:
        return int(plan["PatNum"])
    return int(plan["Guarantor"])


def add_charge(
    books: Store, plan: Row, link: Link, due: date, principal: int, interest: int, *, note: str, now: datetime
) -> int:
    """Insert one debit row (cents); its number."""
    return insert(
        books,
        "payplancharge",
        PayPlanNum=plan["PayPlanNum"],
        Guarantor=account_of(books, plan),
        PatNum=plan["PatNum"],
        ChargeDate=due.isoformat(),
        Principal=dollars(principal),
        Interest=dollars(interest),
        Note=note,
        ProvNum=link.provider,
        ClinicNum=link.clinic,
        ChargeType=DEBIT,
        FKey=link.key,
        LinkType=link.kind,
        IsDownPayment=int(note == DOWN_PAYMENT),
        SecDateTEntry=stamp(now),
        SecDateTEdit=stamp(now),
    )


def charge_down_payment(books: Store, plan: Row, now: datetime) -> None:
    """Rows of the down payment over the production in order, dated today or the start date when that is past."""
    left = cents(plan["DownPayment"])
    due = min(now.date(), day(plan["DatePayPlanStart"]))
    for link in production.links_of(books, plan["PayPlanNum"]):
        part = min(left, link.value)
        if part > 0:
            add_charge(books, plan, link, due, part, 0, note=DOWN_PAYMENT, now=now)
            left -= part


def issue(books: Store, plan: Row, rows: Sequence[Expected], now: datetime) -> None:
    for row in rows:
        add_charge(books, plan, row.link, row.date, row.principal, row.interest, note="", now=now)


def completed_cents(books: Store, plan: int) -> int:
    return sum(link.value for link in production.links_of(books, plan) if not link.planned)


def principal_cents(books: Store, plan: Row) -> int:
    """Total principal: the production of a dynamic plan, the credit rows of an old one."""
    if plan["IsDynamic"]:
        return sum(link.value for link in production.links_of(books, plan["PayPlanNum"]))
    kind = DEBIT if plan["PlanNum"] else 1
    row = books.one(
        "SELECT SUM(Principal) AS total FROM payplancharge WHERE PayPlanNum=? AND ChargeType=?",
        plan["PayPlanNum"],
        kind,
    )
    return cents((row and row["total"]) or 0)


def refresh_completed(books: Store, plan: int) -> None:
    """Keep the plan's own CompletedAmt in step with its production."""
    row = find(books, "payplan", plan)
    if row is None or not row["IsDynamic"]:
        return
    completed = dollars(completed_cents(books, plan))
    if completed != row["CompletedAmt"]:
        change(books, "payplan", plan, CompletedAmt=completed)


def refresh_linked(books: Store, kind: int, key: int) -> None:
    """After a procedure or adjustment changed: every plan it is on."""
    for row in where(books, "payplanlink", LinkType=kind, FKey=key):
        refresh_completed(books, row["PayPlanNum"])


def terms_text(today: date, agreed: date, total: int, apr: float, cost: int, note: str) -> str:
    """The text Open Dental writes into a plan's Note: the day it was made, then what was agreed."""
    return (
        f"{today:%m/%d/%Y} - Date of Agreement: {agreed:%m/%d/%Y}, Total Amount: {text(total)}, APR: {apr:g}, "
        f"Total Cost of Loan: {text(cost)}" + (f", {note}" if note else "")
    )


def old_terms_text(today: date, agreed: date, total: int, apr: float, cost: int, note: str) -> str:
    """The same for a plan made the old way: short dates, a blank before the note."""
    made, day_agreed = (f"{moment.month}/{moment.day}/{moment.year}" for moment in (today, agreed))
    return (
        f"{made} - Date of Agreement: {day_agreed}, Total Amount: {text(total)}, APR: {apr:g}, "
        f"Total Cost of Loan: {text(cost)} {note}"
    )


def lock_values(books: Store, plan: int) -> None:
    """Locking freezes today's values into the links."""
    for link in production.links_of(books, plan):
        change(books, "payplanlink", link.number, AmountOverride=dollars(link.value))


def installment(total: int, apr: float, frequency: int, count: int) -> int:
    return amortize.payment_amount(total, apr, frequency, count)


def open_dynamic(office: Office) -> list[Row]:
    return where(office.books, "payplan", IsDynamic=1, IsClosed=0)
