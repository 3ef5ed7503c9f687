"""What an office can do: by its version, the permissions of our key and its preferences. Pure.

Versions are those of the "Version Added" notes in Open Dental's API pages; routes follow docs/money.md and decisions 9.
"""

from __future__ import annotations

import re
from datetime import time

from opendental.models import Connection
from payments.models import LedgerPosting
from payplans.models import PayPlan
from practices.models import PaymentSettings

Route = LedgerPosting.Route
_DONT_ENFORCE = "2"
DEFAULT_RUN_TIME = time(9)


def at_least(connection: Connection, version: str) -> bool:
    """False as long as the office's version is not known."""
    return _numbers(connection.version) >= _numbers(version)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def can_query(connection: Connection) -> bool:
    return "ApiQueries" in connection.permissions


def can_post(connection: Connection) -> bool:
    return "ApiPayments" in connection.permissions


def adjustment_refusal(connection: Connection) -> str:
    """Why no discount can be posted as an adjustment, in one sentence for staff; '' = it can (opendental-api 7.3)."""
    if "ApiAllOthers" not in connection.permissions:
        return "The Open Dental key lacks the permission AllOthers, so no adjustment can be posted."
    if not at_least(connection, "22.2.22"):
        return "This version of Open Dental takes no adjustments from a program: 22.2.22 or later does."
    if not connection.adjustment_types:
        return (
            "Open Dental has no adjustment type that takes off. Add one there (Setup, Definitions, Adj Types: "
            'for example "Cash discount" with a minus); it is offered here within a day.'
        )
    return ""


def can_read_charges(connection: Connection) -> bool:
    return can_query(connection) or at_least(connection, "23.2.28")


def can_read_splits(connection: Connection) -> bool:
    return can_query(connection) or at_least(connection, "22.4.16")


def splits_enforced(connection: Connection) -> bool:
    """RigorousAccounting 0 EnforceFully, 1 AutoSplitOnly, 2 DontEnforce: the last ignores which plan is named."""
    return str(connection.preferences.get("RigorousAccounting", _DONT_ENFORCE)) != _DONT_ENFORCE


def run_time(connection: Connection) -> time:
    """Practice-local time of day when the office issues due charges."""
    found = re.search(r"(\d\d):(\d\d)(:\d\d)?", connection.preferences.get("DynamicPayPlanRunTime", ""))
    return time(int(found[1]), int(found[2])) if found else DEFAULT_RUN_TIME


def route_of(connection: Connection, plan: PayPlan, *, is_issued: bool) -> str:
    """How money for an installment of this plan gets into the ledger."""
    if plan.kind != PayPlan.Kind.DYNAMIC or plan.gone_at is not None:
        return Route.PATIENT
    if not is_issued and plan.is_closed:
        # Closing moved what was prepaid to the account; what comes later goes there at once.
        return Route.PATIENT
    if not is_issued:
        return Route.PREPAYMENT if at_least(connection, "23.1.31") else Route.PATIENT
    if at_least(connection, "25.2.45"):
        return Route.CHARGE_ROWS
    if at_least(connection, "23.3.4") and splits_enforced(connection):
        return Route.PLAN_FIFO
    return Route.PATIENT


def autopay_refusal(connection: Connection, plan: PayPlan, settings: PaymentSettings) -> str:
    """Why autopay is not offered on this plan, in one sentence for staff; '' = it is."""
    return _plan_refusal(plan) or _office_refusal(connection, settings) or _route_refusal(connection, plan, settings)


def _plan_refusal(plan: PayPlan) -> str:
    if plan.kind == PayPlan.Kind.INSURANCE:
        return "Insurance payment plans are paid by the carrier."
    if plan.gone_at is not None:
        return "Open Dental no longer has this plan."
    if plan.is_closed:
        return "This plan is closed in Open Dental."
    if plan.office_card_active:
        return "The office's own recurring card charge in Open Dental is active here; remove it there first."
    return plan.schedule_problem


def _office_refusal(connection: Connection, settings: PaymentSettings) -> str:
    if not can_post(connection):
        return "The Open Dental key lacks the permission Payments, so nothing could be posted."
    if not connection.pay_type_num:
        return "No payment type is chosen for posting to Open Dental."
    if not can_query(connection) and settings.card_tool_off_attested_by_id is None:
        return (
            "Without the permission Queries the office's own recurring card charges can't be seen. "
            "An admin must confirm that they are off."
        )
    return ""


def _route_refusal(connection: Connection, plan: PayPlan, settings: PaymentSettings) -> str:
    if settings.allocation_by_hand_accepted_by_id is not None:
        return ""
    if route_of(connection, plan, is_issued=True) in (Route.CHARGE_ROWS, Route.PLAN_FIFO):
        return ""
    if plan.kind == PayPlan.Kind.OLD:
        return "Open Dental can't post to old payment plans by itself; staff would allocate each payment by hand."
    if at_least(connection, "23.3.4"):
        return "This office does not enforce payment splits, so Open Dental would not post to the plan by itself."
    return f"Open Dental {connection.version} can't post to a plan by itself; version 23.3.4 or later is needed."
