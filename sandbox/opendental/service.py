"""The Open Dental Service: once a day it issues what is due and applies prepayments. A missed day stays missed."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from sandbox.common.store import Row
from sandbox.opendental import aging, plans, prepay
from sandbox.opendental.money import cents
from sandbox.opendental.office import Office
from sandbox.opendental.periods import current_period, due_date, issues_today
from sandbox.opendental.records import find, stamp, where


def run_time(office: Office) -> time:
    """Time of day of the run, the time part of a datetime preference (09:00 when unset)."""
    return time.fromisoformat((office.pref("DynamicPayPlanRunTime") or "09:00:00")[-8:])


def next_run(office: Office, last: datetime) -> datetime:
    """The first moment of a run after `last`."""
    moment = datetime.combine(last.date(), run_time(office))
    return moment if moment > last else moment + timedelta(days=1)


def last_run(office: Office, now: datetime) -> datetime:
    """The latest moment of a run not after `now`."""
    return next_run(office, now) - timedelta(days=1)


def catch_up(office: Office) -> None:
    """Run for every day whose run time has passed since the last look; days with the service off are lost."""
    now = office.now()
    checked = office.settings.checked_to
    if checked and datetime.fromisoformat(checked) <= now < next_run(office, datetime.fromisoformat(checked)):
        return
    with office.service_lock:
        last = datetime.fromisoformat(office.settings.checked_to or stamp(now))
        if office.settings.service and last < (latest := last_run(office, now)):
            for day, due in sorted(_agenda(office, last.date(), latest.date()).items()):
                moment = datetime.combine(day, run_time(office))
                if last < moment:
                    run(office, moment, due)
            office.set_pref("DynamicPayPlanLastDateTime", stamp(latest))
        office.mark_checked(now)


def _agenda(office: Office, first: date, last: date) -> dict[date, list[int]]:
    """Numbers of the plans with an installment on each day of a span: a long jump then looks at due plans only."""
    found: dict[date, list[int]] = {}
    for plan in plans.open_dynamic(office):
        terms = plans.terms_of(plan)
        period = current_period(terms.frequency, terms.start, first)
        while (due := due_date(terms.frequency, terms.start, period)) <= last:
            found.setdefault(due, []).append(plan["PayPlanNum"])
            period += 1
    return found


def run(office: Office, now: datetime, due: list[int] | None = None) -> int:
    """One run as of `now` (office-local) over all open plans, or those known to be due; how many plans got new rows.

    Running again changes nothing.
    """
    with office.books.transaction():
        if due is None:
            chosen = plans.open_dynamic(office)
        else:
            chosen = [plan for number in due if (plan := find(office.books, "payplan", number)) is not None]
        issued = sum(serve(office, plan, now) for plan in chosen)
        office.set_pref("DynamicPayPlanLastDateTime", stamp(now))
    return issued


def serve(office: Office, plan: Row, now: datetime) -> bool:
    """Issue one plan's rows if an installment is due today, and apply its prepayments to today's rows."""
    today = now.date()
    terms = plans.terms_of(plan)
    if not issues_today(terms.frequency, terms.start, today, ordinal_defect=bool(office.switch("ordinal_defect"))):
        return False
    issued = _issue(office, plan, now)
    rows = [row for row in _rows_of(office, plan, now) if not plans.is_down_payment(row)]
    moved = prepay.apply_hidden(office, plan, rows, now)
    if issued or moved:
        aging.refresh(office, plans.account_of(office.books, plan), today)
    return issued


def _rows_of(office: Office, plan: Row, now: datetime) -> list[Row]:
    due = now.date().isoformat()
    return where(office.books, "payplancharge", PayPlanNum=plan["PayPlanNum"], ChargeType=0, ChargeDate=due)


def _issue(office: Office, plan: Row, now: datetime) -> bool:
    if any(not plans.is_down_payment(row) for row in _rows_of(office, plan, now)):
        return False
    plans.refresh_completed(office.books, plan["PayPlanNum"])
    rows = plans.project(office.books, plan, now.date(), next_only=True)
    due = [row for row in rows if row.date == now.date()]
    plans.issue(office.books, plan, due, now)
    return bool(due)


def plan_created(office: Office, number: int, now: datetime) -> None:
    """What creation issues at once: the down payment, and the first installment when it is due today."""
    plan = find(office.books, "payplan", number)
    if plan is None:
        return
    if cents(plan["DownPayment"]) > 0:
        plans.charge_down_payment(office.books, plan, now)
    serve(office, plan, now)
