"""The sync without the permission Queries: the plans of each guarantor are read in turn, open ones more often."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, Min

from opendental import pacing
from opendental.client import Office, Row
from opendental.errors import NotFoundInOffice
from opendental.models import Connection, GuarantorTurn
from opendental.plans import PullResult, read_one
from opendental.walks import CYCLE_SECONDS, Budget
from patients import mirror
from patients.models import Patient
from payplans.models import PayPlan

# Guarantors per cycle where nothing slows us down; a paced office is cut by the time.
MOST_GUARANTORS = 200


def run(office: Office, connection: Connection, result: PullResult, budget: Budget) -> datetime | None:
    """Read the next guarantors, also those without an open plan, since new plans appear there too.

    Returns when the open plan was read that is the longest ago; None while some were never read.
    """
    _enroll(connection.practice_id)
    for turn in _in_turn(connection, _most(pacing.interval_of(connection.mode, connection.permissions))):
        _read(office, connection, turn, result, budget.now)
        if budget.is_spent:
            break
    return oldest(connection.practice_id)


def oldest(practice_id: int) -> datetime | None:
    """Since when no open plan is older than that; None while some guarantor was never read."""
    mine = GuarantorTurn.objects.filter(practice_id=practice_id)
    if mine.filter(checked_at=None).exists():
        return None
    with_plans = mine.filter(has_plans=True).aggregate(first=Min("checked_at"))["first"]
    found: datetime | None = with_plans or mine.aggregate(first=Min("checked_at"))["first"]
    return found


def _in_turn(connection: Connection, most: int) -> list[GuarantorTurn]:
    """The longest waiting; every third has no open plan. Each cycle begins a place on, however short it is cut."""
    waiting = GuarantorTurn.objects.filter(practice_id=connection.practice_id).order_by(
        F("checked_at").asc(nulls_first=True), "pk"
    )
    others = max(1, most // 3)
    with_plans = list(waiting.filter(has_plans=True)[: most - others])
    without = list(waiting.filter(has_plans=False)[: most - len(with_plans)])
    turns: list[GuarantorTurn] = []
    place = connection.turn
    while with_plans or without:
        chosen = without if (place % 3 == 0 and without) or not with_plans else with_plans
        turns.append(chosen.pop(0))
        place += 1
    return turns


def _most(interval: float) -> int:
    return max(3, min(MOST_GUARANTORS, int(CYCLE_SECONDS / interval))) if interval else MOST_GUARANTORS


def _enroll(practice_id: int) -> None:
    """Everybody may be the guarantor of a plan, also outside the family."""
    known = GuarantorTurn.objects.filter(practice_id=practice_id).values("guarantor_num")
    new = Patient.objects.filter(practice_id=practice_id, gone_at=None).exclude(pat_num__in=known)
    # Guarantors of a family first: they nearly always are those of the plan.
    ordered = sorted(new.values_list("pat_num", "guarantor_num"), key=lambda pair: (pair[0] != pair[1], pair[0]))
    GuarantorTurn.objects.bulk_create(
        [GuarantorTurn(practice_id=practice_id, guarantor_num=number) for number, _ in ordered], ignore_conflicts=True
    )


def _read(office: Office, connection: Connection, turn: GuarantorTurn, result: PullResult, now: datetime) -> None:
    try:
        rows: list[Row] = list(office.get_all("/payplans", Guarantor=turn.guarantor_num))
    except NotFoundInOffice:
        mirror.mark_gone(connection.practice_id, [turn.guarantor_num], now=now)
        rows = []
    listed = {str(row.get("PayPlanNum")): row for row in rows}
    for key, row in listed.items():
        if key.isdigit():
            read_one(office, connection, int(key), result, row=row, now=now)
    for number in _missing(connection.practice_id, turn.guarantor_num, set(listed)):
        read_one(office, connection, number, result, now=now)
    turn.checked_at = now
    turn.has_plans = PayPlan.objects.open().filter(guarantor__pat_num=turn.guarantor_num).exists()
    turn.save(update_fields=["checked_at", "has_plans"])


def _missing(practice_id: int, guarantor_num: int, listed: set[str]) -> list[int]:
    """Plans we know under this guarantor that were not in the list: deleted, or moved to somebody else."""
    ours = PayPlan.objects.filter(practice_id=practice_id, guarantor__pat_num=guarantor_num, gone_at=None)
    return [number for number in ours.values_list("pay_plan_num", flat=True) if str(number) not in listed]
