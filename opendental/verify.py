"""Finds our payment in the office's books by its reference, and compares what stands there with what was meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from core.money import format_cents
from opendental import features, wire
from opendental.client import Office, Row
from opendental.errors import NotFoundInOffice
from opendental.fields import Unreadable
from opendental.models import Connection
from opendental.wire import PaymentFacts, SplitFacts
from payments.models import LedgerPosting
from payplans.models import Installment, PlanSplit

Route = LedgerPosting.Route


def find(office: Office, connection: Connection, posting: LedgerPosting) -> list[int]:
    """PayNums of payments that carry our reference and exactly our amount, sign included. Oldest first.

    A refund made in Open Dental copies CheckNum and negates the amount, so the reference alone proves nothing. Both
    together prove it, also under a number that another posting of ours got before the books were replaced.
    """
    found = (_payment(row) for row in _candidates(office, connection, posting))
    return sorted(
        facts.pay_num
        for facts in found
        if facts is not None
        and facts.check_num.upper() == posting.reference
        and facts.amount_cents == posting.amount_cents
    )


def _payment(row: Row) -> PaymentFacts | None:
    try:
        return wire.payment(row)
    except Unreadable:
        return None  # Not ours: ours was written by us and is readable.


def _candidates(office: Office, connection: Connection, posting: LedgerPosting) -> Iterable[Row]:
    if features.can_query(connection):
        return office.query(
            f"SELECT PayNum, PayAmt, CheckNum FROM payment WHERE CheckNum='{posting.reference}' LIMIT 100"  # noqa: S608
        )
    # DateEntry is a day of the office and means "on or after": one day earlier covers midnight anywhere.
    since = ((posting.office_date or posting.created_at.date()) - timedelta(days=1)).isoformat()
    try:
        return list(office.get_all("/payments", PatNum=posting.sent_body["PatNum"], DateEntry=since))
    except NotFoundInOffice:
        if not features.at_least(connection, "23.3.11"):
            raise
        # The patient was merged into another one: look at everybody's payments of those days.
        return list(office.get_all("/payments", DateEntry=since))


@dataclass(frozen=True)
class Verdict:
    """What read-back says. `rows_missed`: the plan's charge rows that were meant were not hit; it can be repaired."""

    matches: bool
    reason: str = ""
    rows_missed: bool = False


def splits_of(office: Office, connection: Connection, pay_num: int) -> list[SplitFacts] | None:
    """Splits of one payment; None where the office can't show them. Raises Unreadable."""
    if not features.can_read_splits(connection):
        return None
    if features.at_least(connection, "22.4.16"):
        rows: Iterable[Row] = office.get_all("/paysplits", PayNum=pay_num)
    else:
        rows = office.query(f"SELECT * FROM paysplit WHERE PayNum={pay_num} LIMIT 100")  # noqa: S608
    return [wire.split(row) for row in rows]


def judge(posting: LedgerPosting, splits: Sequence[SplitFacts], numbers: set[int]) -> Verdict:
    """Compare the splits of our payment with its route. `numbers` are the charge rows of its installment. Pure."""
    total = sum(split.amount_cents for split in splits)
    if total != posting.amount_cents:
        there, ours = format_cents(total), format_cents(posting.amount_cents)
        return Verdict(False, f"Open Dental shows {there} for this payment, {ours} was posted.")
    plan_num = posting.plan.pay_plan_num if posting.plan else 0
    elsewhere = sum(split.amount_cents for split in splits if not _fits(split, posting.route, plan_num, numbers))
    if not elsewhere:
        return Verdict(True)
    return Verdict(
        False,
        f"{format_cents(elsewhere)} of {format_cents(total)} is not where it should be in Open Dental.",
        rows_missed=posting.route == Route.CHARGE_ROWS,
    )


def _fits(split: SplitFacts, route: str, plan_num: int, numbers: set[int]) -> bool:
    if route == Route.PATIENT:
        return True
    if split.pay_plan_num != plan_num:
        return False
    if route == Route.PREPAYMENT:
        return split.unearned_type != 0
    on_a_row = split.unearned_type == 0 and split.pay_plan_charge_num != 0
    return on_a_row and (route != Route.CHARGE_ROWS or split.pay_plan_charge_num in numbers)


def targets(installment: Installment, posting: LedgerPosting) -> list[tuple[int, int]]:
    """(charge row, cents) that put the whole payment on its installment; [] when its rows don't have room for it.

    From our mirror of the plan, which the caller has just renewed; our own payment is left out of what stands there.
    """
    own: dict[int, int] = {}
    for split in PlanSplit.objects.filter(plan_id=posting.plan_id, pay_num=posting.pay_num or 0):
        own[split.pay_plan_charge_num] = own.get(split.pay_plan_charge_num, 0) + split.amount_cents
    left, found = posting.amount_cents, []
    for row in installment.charge_rows.order_by("pay_plan_charge_num"):
        room = row.amount_cents - row.paid_cents + own.get(row.pay_plan_charge_num, 0)
        part = min(left, room)
        if part > 0:
            found.append((row.pay_plan_charge_num, part))
            left -= part
    return found if not left else []
