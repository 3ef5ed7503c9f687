"""Old (static) plans, as made before 23.3.1, and insurance plans: every charge row is written at creation."""

from __future__ import annotations

from datetime import date, datetime

from sandbox.common.store import Row
from sandbox.opendental import amortize, enums, plans
from sandbox.opendental.money import cents, dollars, half_even
from sandbox.opendental.office import Office
from sandbox.opendental.periods import PER_YEAR, due_date
from sandbox.opendental.records import find, insert, stamp
from sandbox.opendental.terms import Wish


def schedule(total: int, wish: Wish, pay: int) -> list[tuple[date, int, int]]:
    """(due date, principal, interest) in cents; interest on what is left, the last row is the remainder."""
    rate = wish.apr / 100 / PER_YEAR[wish.frequency]
    rows: list[tuple[date, int, int]] = []
    left = total - wish.down
    while left > 0 and len(rows) < amortize.MOST_ROWS:
        due = due_date(wish.frequency, wish.start, len(rows))
        interest = half_even(dollars(left) * rate) if due >= wish.interest_start else 0
        principal = min(left, pay - interest)
        if principal <= 0:
            break
        rows.append((due, principal, interest))
        left -= principal
    return rows


def create(
    office: Office, wish: Wish, total: int, now: datetime, *, insurance: bool = False, number: int | None = None
) -> int:
    """Insert an old plan with its credit, down payment and charge rows; its number."""
    pay = wish.pay or plans.installment(total - wish.down, wish.apr, wish.frequency, wish.count or 1)
    rows = schedule(total, wish, pay)
    cost = total + sum(interest for _, _, interest in rows)
    note = plans.old_terms_text(now.date(), wish.agreed, total, wish.apr, cost, wish.note)
    plan = insert(office.books, "payplan", **_columns(wish, pay, note))
    if number:
        office.books.run("UPDATE payplan SET PayPlanNum=? WHERE PayPlanNum=?", number, plan)
    row = find(office.books, "payplan", number or plan)
    if row is None:
        return 0
    if insurance:
        office.books.run("UPDATE payplan SET PlanNum=3, InsSubNum=13 WHERE PayPlanNum=?", row["PayPlanNum"])
    else:
        _charge(office, row, wish.agreed, total, 0, now, kind=enums.CREDIT)
        if wish.down:
            _charge(office, row, wish.agreed, wish.down, 0, now, note=plans.DOWN_PAYMENT)
    for due, principal, interest in rows:
        _charge(office, row, due, principal, interest, now)
    return int(row["PayPlanNum"])


def _columns(wish: Wish, pay: int, note: str) -> dict[str, object]:
    return {
        "PatNum": wish.patient,
        "Guarantor": wish.guarantor,
        "PayPlanDate": wish.agreed.isoformat(),
        "APR": wish.apr,
        "Note": note,
        "NumberOfPayments": wish.count or 0,
        "PayAmt": dollars(pay) if wish.count is None else 0.0,
        "DownPayment": dollars(wish.down),
        "PlanCategory": wish.category,
        "DatePayPlanStart": wish.start.isoformat(),
        "DateInterestStart": wish.interest_start.isoformat(),
        "ChargeFrequency": wish.frequency,
    }


def _charge(
    office: Office,
    plan: Row,
    due: date,
    principal: int,
    interest: int,
    now: datetime,
    *,
    kind: int = enums.DEBIT,
    note: str = "",
) -> None:
    insert(
        office.books,
        "payplancharge",
        PayPlanNum=plan["PayPlanNum"],
        Guarantor=plan["Guarantor"],
        PatNum=plan["PatNum"],
        ChargeDate=due.isoformat(),
        Principal=dollars(principal),
        Interest=dollars(interest),
        Note=note,
        ChargeType=kind,
        ProvNum=1,
        IsDownPayment=int(note == plans.DOWN_PAYMENT),
        SecDateTEntry=stamp(now),
        SecDateTEdit=stamp(now),
    )


def close(office: Office, plan: Row, now: datetime) -> None:
    """Future rows become one close-out row due today; their interest is dropped."""
    today = now.date().isoformat()
    coming = [row for row in plans.debits(office.books, plan["PayPlanNum"]) if row["ChargeDate"] > today]
    left = sum(cents(row["Principal"]) for row in coming)
    for row in coming:
        office.books.run("DELETE FROM payplancharge WHERE PayPlanChargeNum=?", row["PayPlanChargeNum"])
    if left > 0:
        _charge(office, plan, now.date(), left, 0, now, note=plans.CLOSE_OUT)
