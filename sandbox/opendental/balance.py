"""What the desktop offers after an overpayment: move surplus to short rows, then prepay or pay on principal."""

from __future__ import annotations

from datetime import datetime

from sandbox.common.store import Row
from sandbox.opendental import enums, plans, prepay, production
from sandbox.opendental.office import Office
from sandbox.opendental.records import find

Part = tuple[Row, int, int]  # charge row, debit type, cents


def balance(office: Office, plan: Row, now: datetime, *, on_principal: bool) -> None:
    """Balance one dynamic plan. Surplus goes to short rows (oldest first, interest first), the rest to hidden unearned;
    `on_principal` then turns hidden unearned into new rows of today, and what no row can take into regular unearned."""
    books = office.books
    surplus, short = _uneven(office, plan)
    if surplus:
        payment = prepay.transfer_payment(books, surplus[0][0]["Guarantor"], now, "Plan balanced")
        for row, debit, amount in surplus:
            prepay.add_split(books, payment, row["Guarantor"], -amount, now, **prepay.charge_target(row, debit))
            left = _fill(office, payment, short, amount, now)
            if left:
                hidden = {"PayPlanNum": plan["PayPlanNum"], "UnearnedType": prepay.hidden_type(office)}
                prepay.add_split(books, payment, row["Guarantor"], left, now, **hidden)
    if on_principal:
        pay_on_principal(office, plan, now)


def _uneven(office: Office, plan: Row) -> tuple[list[Part], list[Part]]:
    surplus: list[Part] = []
    short: list[Part] = []
    for row in plans.debits(office.books, plan["PayPlanNum"]):
        for debit, owed in sorted(prepay.open_parts(office.books, row).items(), reverse=True):
            if owed < 0:
                surplus.append((row, debit, -owed))
            elif owed > 0:
                short.append((row, debit, owed))
    return sorted(surplus, key=lambda part: (part[0]["ChargeDate"], part[1])), short


def _fill(office: Office, payment: int, short: list[Part], amount: int, now: datetime) -> int:
    """Spend an amount on rows that are short (the list shrinks); what is left over."""
    while amount and short:
        row, debit, owed = short.pop(0)
        used = min(amount, owed)
        prepay.add_split(office.books, payment, row["Guarantor"], used, now, **prepay.charge_target(row, debit))
        amount -= used
        if owed > used:
            short.insert(0, (row, debit, owed - used))
    return amount


def pay_on_principal(office: Office, plan: Row, now: datetime) -> None:
    """New principal rows of today paid from hidden unearned; with nothing left to charge the rest leaves the plan."""
    books, number = office.books, plan["PayPlanNum"]
    await_complete = plan["DynamicPayPlanTPOption"] == enums.AWAIT_COMPLETE
    hidden = prepay.hidden_cents(office, number)
    issued = plans.issued_of(books, number)
    made: list[int] = []
    for link in production.links_of(books, number):
        charged = sum(charge.principal for charge in issued if (charge.kind, charge.key) == (link.kind, link.key))
        part = 0 if await_complete and link.planned else min(hidden, link.value - charged)
        if part > 0:
            note = plans.ON_PRINCIPAL
            made.append(plans.add_charge(books, plan, link, now.date(), part, 0, note=note, now=now))
            hidden -= part
    rows = [row for charge in made if (row := find(books, "payplancharge", charge)) is not None]
    prepay.apply_hidden(office, plan, rows, now)
    if hidden > 0:
        prepay.release_hidden(office, plan, plans.account_of(books, plan), now)
