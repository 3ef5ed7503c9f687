"""Looks whether an order stands in Open Dental, and compares what stands there with what was shown before."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from core.money import format_cents
from opendental import read, wire
from opendental.client import Office, Row
from opendental.fields import Fields, Unreadable
from opendental.models import Connection, PlanOrder
from opendental.wire import PlanFacts
from payplans.models import Installment, PayPlan

Kind = PlanOrder.Kind


def find(connection: Connection, office: Office, order: PlanOrder) -> Row | None:
    """The plan's row where the order is done, None where it is not. Raises OpenDentalError."""
    if order.kind == Kind.CREATE:
        rows = office.get_all("/payplans", PatNum=order.patient.pat_num)
        return next((row for row in rows if order.reference in str(row.get("Note"))), None)
    row = row_of(connection, office, order)
    return row if row is not None and _is_done(order, row) else None


def row_of(connection: Connection, office: Office, order: PlanOrder) -> Row | None:
    """The row of the order's plan, whatever it says."""
    return read.plan_row(office, connection, order.pay_plan_num or 0, order.patient.pat_num)


def _is_done(order: PlanOrder, row: Row) -> bool:
    try:
        facts = wire.plan(row)
    except Unreadable:
        return False
    return facts.is_closed if order.kind == Kind.CLOSE else not unlike(order.body, facts)


def unlike(body: dict[str, Any], facts: PlanFacts) -> list[str]:
    """Names of the fields that were sent and are not so. A number of payments is not kept, so it can't be told."""
    shown: dict[str, Any] = {
        "PayAmt": facts.pay_amount_cents / 100,
        "APR": float(facts.apr),
        "ChargeFrequency": facts.frequency,
        "DatePayPlanStart": _iso(facts.start_date),
        "DateInterestStart": _iso(facts.interest_start_date),
        "PayPlanDate": _iso(facts.agreed_date),
        "IsLocked": "true" if facts.is_locked else "false",
        "Guarantor": facts.guarantor_num,
    }
    return [name for name, value in body.items() if name in shown and shown[name] != value]


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def number_of(row: Row) -> int | None:
    try:
        return Fields(row).key("PayPlanNum")
    except Unreadable:
        return None


def differences(order: PlanOrder, plan: PayPlan) -> list[str]:
    """Sentences for staff; [] when Open Dental shows what was shown before. Issued rows of before don't count."""
    if order.kind == Kind.CLOSE:
        return [] if plan.is_closed else ["Open Dental does not show the plan as closed."]
    is_new = order.kind == Kind.CREATE
    found = plan.installments.exclude(status=Installment.Status.CANCELED).order_by("due_date", "pk")
    rows = found if is_new else found.filter(is_issued=False)
    return _compare(order.expected, rows)


def _compare(expected: list[dict[str, Any]], rows: Iterable[Installment]) -> list[str]:
    wanted = sorted((row["date"], row["principal_cents"] + row["interest_cents"]) for row in expected)
    shown = sorted((row.due_date.isoformat(), row.amount_cents) for row in rows)
    missing = [f"{_day(day)} {format_cents(cents)} was shown, Open Dental has no such payment." for day, cents in wanted
               if (day, cents) not in shown]  # fmt: skip
    more = [f"Open Dental has {_day(day)} {format_cents(cents)}, which was not shown." for day, cents in shown
            if (day, cents) not in wanted]  # fmt: skip
    return missing + more


def _day(iso: str) -> str:
    return f"{date.fromisoformat(iso):%m/%d/%Y}"
