"""Taking the quote of a plan that was closed to be paid off: one sale of exactly what closing made due (ADR 11)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from core.calendar import local_date
from opendental import account, plan_edit_pages, plan_quote
from opendental.models import PlanOrder
from payments import sales
from payments.account import Account
from payments.models import Sale, SaleLine
from payments.sale_lines import Line
from payments.upward import UnableToReadAccount

_CLOSED = (PlanOrder.State.DONE, PlanOrder.State.DIFFERENT)


class UnableToPayOff(Exception):
    """Nothing was drafted. The text says why, for staff."""


def draft(order: PlanOrder, *, actor: str, now: datetime) -> Sale:
    """A sale of what is still owed of the closed plan, as Open Dental shows it now. Raises UnableToPayOff.

    It is on the account of the plan's guarantor, where Open Dental keeps the plan's charges. It asks for no money yet.
    While one is drafted or being paid, that one is returned: two desks must not take the same quote.
    """
    plan = order.plan
    if order.kind != PlanOrder.Kind.CLOSE or order.state not in _CLOSED or plan is None:
        raise UnableToPayOff("The plan is not closed")
    if (going := _going_on(order, now)) is not None:
        return going
    if problem := plan_edit_pages.fresh(plan, now):
        raise UnableToPayOff(problem.rstrip("."))
    if sales.is_money_moving([plan.patient_id, plan.guarantor_id]):
        raise UnableToPayOff("A payment of this family is under way or not in Open Dental yet: wait for it")
    try:
        shown = account.read(plan.practice_id, plan.guarantor.pat_num, now)
    except UnableToReadAccount as error:
        raise UnableToPayOff(str(error).rstrip(".")) from error
    on_plan = plan_quote.of(plan, local_date(now, plan.practice.zone)).unpaid_cents
    found = lines(shown, on_plan, set(order.form.get("procedures", [])))
    if not found:
        raise UnableToPayOff("Nothing of this plan is owed any more")
    note = f"Pays off payment plan {plan.pay_plan_num}"
    with transaction.atomic():
        locked = PlanOrder.objects.select_for_update(of=("self",)).get(pk=order.pk)
        if (going := _going_on(locked, now)) is not None:
            return going
        sale = sales.draft(
            plan.guarantor, basis=Sale.Basis.CUSTOM, lines=found, note=note, actor=actor, now=shown.read_at
        )
        locked.form = {**locked.form, "sale": str(sale.uuid)}
        locked.save(update_fields=["form"])
    return sale


def _going_on(order: PlanOrder, now: datetime) -> Sale | None:
    """The sale of an earlier click, as long as it can be paid."""
    uuid = order.form.get("sale")
    sale = Sale.objects.filter(practice=order.practice_id, uuid=uuid).first() if uuid else None
    if sale is None or sale.state not in (Sale.State.DRAFT, Sale.State.OPEN):
        return None
    is_old = sale.state == Sale.State.DRAFT and now - sale.drafted_at > sales.DRAFT_MAX_AGE
    return None if is_old else sale


def lines(shown: Account, on_plan_cents: int, released: set[int]) -> list[Line]:
    """`released`: ProcNums that stood on the plan; what it had not begun to charge is an open procedure now.

    What stays on the plan names no procedure: Open Dental puts it on the charges that closing made due.
    """
    work = [one for one in shown.procedures if one.proc_num in released and one.open_cents > 0]
    if shown.no_names or (shown.all_or_nothing and on_plan_cents):
        on_plan_cents, work = on_plan_cents + sum(one.open_cents for one in work), []
    named = [Line(SaleLine.Kind.PROCEDURE, one.pat_num, one.open_cents, one) for one in work]
    rest = [Line(SaleLine.Kind.REST, shown.pat_num, on_plan_cents)] if on_plan_cents else []
    return [*named, *rest]
