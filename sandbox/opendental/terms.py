"""Making and editing a dynamic plan: the rules of its terms and what follows from them. Errors are the API's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sandbox.common.store import Row
from sandbox.opendental import aging, enums, plans, production, service
from sandbox.opendental.amortize import Projection, Terms
from sandbox.opendental.errors import bad, not_found
from sandbox.opendental.money import dollars
from sandbox.opendental.office import Office
from sandbox.opendental.records import change, find, insert, stamp, where
from sandbox.opendental.schema import NO_DATE


@dataclass(frozen=True)
class Wish:
    """What is asked for: cents, dates, database numbers. Exactly one of `pay` and `count` is set."""

    patient: int
    guarantor: int
    agreed: date
    apr: float
    down: int
    note: str
    category: int
    frequency: int
    start: date
    interest_start: date
    locked: bool
    tp_option: int
    pay: int | None
    count: int | None
    production: tuple[tuple[int, int], ...]  # (kind, key)
    overrides: tuple[int, ...] = ()  # cents per production item, 0 = live value
    sheet: int = 0


def require_one_amount(body: dict[str, Any]) -> None:
    """PayAmt or NumberOfPayments, never both."""
    given = [name for name in ("PayAmt", "NumberOfPayments") if body.get(name) not in (None, "")]
    if len(given) != 1:
        raise bad("Either PayAmt or NumberOfPayments is required, but not both.")


def check_agreed(office: Office, agreed: date, today: date) -> None:
    if agreed > today and office.pref("FutureTransDatesAllowed") != "1":
        raise bad("PayPlanDate cannot be in the future.")


def check_lock(office: Office, apr: float, locked: bool) -> None:
    if apr > 0 and not locked and office.pref("PayPlanRequireLockForAPR") == "1":
        raise bad("IsLocked must be true if APR is greater than 0.")


def check_production(office: Office, items: Iterable[tuple[int, int]]) -> None:
    """Every (kind, key) exists, is on no plan yet, and is no adjustment a plan can't take."""
    for kind, key in items:
        table, label = ("procedurelog", "Procedure") if kind == enums.PROCEDURE else ("adjustment", "Adjustment")
        row = find(office.books, table, key)
        if row is None:
            raise not_found(f"{label} not found.")
        if where(office.books, "payplanlink", LinkType=kind, FKey=key):
            raise bad(f"{label} {key} is already attached to a payment plan.")
        if kind == enums.ADJUSTMENT and (row["ProcNum"] or row["AdjAmt"] <= 0):
            raise bad("Only positive adjustments that are not attached to a procedure can be added to a payment plan.")


def create(office: Office, wish: Wish, now: datetime, *, issue: bool = True, number: int | None = None) -> int:
    """Insert the plan, its links, and what creation issues; the plan's number."""
    check_production(office, wish.production)
    plan = insert(office.books, "payplan", **_columns(wish, number))
    for index, (kind, key) in enumerate(wish.production):
        override = dollars(wish.overrides[index]) if wish.overrides else 0.0
        values = {"PayPlanNum": plan, "LinkType": kind, "FKey": key, "AmountOverride": override}
        insert(office.books, "payplanlink", SecDateTEntry=stamp(now), **values)
    if wish.locked:
        plans.lock_values(office.books, plan)
    _work_out(office, plan, wish, now)
    if issue:
        service.plan_created(office, plan, now)
    aging.refresh(office, wish.patient, now.date())
    return plan


def _columns(wish: Wish, number: int | None) -> dict[str, Any]:
    return {
        **({"PayPlanNum": number} if number else {}),
        "PatNum": wish.patient,
        "Guarantor": wish.guarantor,
        "PayPlanDate": wish.agreed.isoformat(),
        "APR": wish.apr,
        "DownPayment": dollars(wish.down),
        "PlanCategory": wish.category,
        "IsDynamic": 1,
        "ChargeFrequency": wish.frequency,
        "DatePayPlanStart": wish.start.isoformat(),
        "DateInterestStart": wish.interest_start.isoformat(),
        "IsLocked": int(wish.locked),
        "DynamicPayPlanTPOption": wish.tp_option,
        "SheetDefNum": wish.sheet,
    }


def _work_out(office: Office, plan: int, wish: Wish, now: datetime) -> None:
    """PayAmt from the number of payments, CompletedAmt, and the terms text with the total cost."""
    links = production.links_of(office.books, plan)
    total = sum(link.value for link in links)
    if wish.down > total:
        raise bad("DownPayment cannot be greater than the total amount.")
    pay = wish.pay
    if pay is None:
        pay = plans.installment(total - wish.down, wish.apr, wish.frequency, wish.count or 1)
    await_complete = wish.tp_option == enums.AWAIT_COMPLETE
    terms = Terms(wish.apr, pay, wish.down, wish.frequency, wish.start, wish.interest_start, await_complete)
    rows = Projection(terms, links, (), (), next_only=False).run(min(now.date(), wish.start))
    if not rows and wish.apr > 0 and any(not link.planned for link in links):
        raise bad("The terms are invalid: the payment amount does not cover the interest.")
    cost = total + sum(row.interest for row in rows)
    note = plans.terms_text(now.date(), wish.agreed, total, wish.apr, cost, wish.note)
    change(office.books, "payplan", plan, PayAmt=dollars(pay), Note=note)
    plans.refresh_completed(office.books, plan)


def edit(office: Office, plan: Row, changes: dict[str, Any], count: int | None) -> None:
    """Apply checked column changes; a number of payments is turned into PayAmt on what is not yet charged."""
    number = plan["PayPlanNum"]
    change(office.books, "payplan", number, **changes)
    if changes.get("IsLocked") == 1 and not plan["IsLocked"]:
        plans.lock_values(office.books, number)
    edited = find(office.books, "payplan", number)
    if count and edited is not None:
        terms = plans.terms_of(edited)
        total = plans.principal_cents(office.books, edited) - terms.down
        pay = plans.installment(total, terms.apr, terms.frequency, count)
        change(office.books, "payplan", number, PayAmt=dollars(pay))


def has_activity(office: Office, plan: int) -> bool:
    """Whether charges or payments exist on the plan."""
    return bool(plans.debits(office.books, plan) or where(office.books, "paysplit", PayPlanNum=plan))


def no_interest_date() -> date:
    return date.fromisoformat(NO_DATE)
