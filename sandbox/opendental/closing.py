"""Closing a plan: what it still has to charge becomes due today, unused prepayment goes back to the account."""

from __future__ import annotations

from datetime import datetime

from sandbox.common.store import Row
from sandbox.opendental import aging, oldplan, plans, prepay, production
from sandbox.opendental.office import Office
from sandbox.opendental.records import change, remove, stamp


def close(office: Office, plan: Row, now: datetime) -> None:
    """Close an old or dynamic plan and drop the recurring card authorizations that hang on it."""
    number = plan["PayPlanNum"]
    if plan["IsDynamic"]:
        _close_dynamic(office, plan, now)
    else:
        oldplan.close(office, plan, now)
    change(office.books, "payplan", number, IsClosed=1)
    office.books.run("DELETE FROM creditcard WHERE PayPlanNum=?", number)
    plans.refresh_completed(office.books, number)
    aging.refresh(office, plan["PatNum"], now.date())


def _close_dynamic(office: Office, plan: Row, now: datetime) -> None:
    books, number = office.books, plan["PayPlanNum"]
    charged: dict[tuple[int, int], int] = {}
    for charge in plans.issued_of(books, number):
        charged[charge.kind, charge.key] = charged.get((charge.kind, charge.key), 0) + charge.principal
    for link in production.links_of(books, number):
        done = charged.get((link.kind, link.key))
        if done is None:
            remove(books, "payplanlink", link.number)
        elif link.value > done:
            plans.add_charge(books, plan, link, now.date(), link.value - done, 0, note=plans.CLOSE_OUT, now=now)
    _bring_forward(office, number, now)
    prepay.apply_hidden(office, plan, plans.debits(books, number), now)
    prepay.release_hidden(office, plan, plans.account_of(books, plan), now)


def _bring_forward(office: Office, plan: int, now: datetime) -> None:
    """Rows dated in the future fall due today, without their interest."""
    today = now.date().isoformat()
    for row in plans.debits(office.books, plan):
        if row["ChargeDate"] > today:
            values = {"ChargeDate": today, "Interest": 0.0, "SecDateTEdit": stamp(now)}
            change(office.books, "payplancharge", row["PayPlanChargeNum"], **values)
