"""One cycle of the sync of a practice. Nothing is asked inside a transaction.

With the permission Queries changes are discovered and listed, then read; without it guarantors are read in turn.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.db import transaction

from core.calendar import at_hour, local_date
from opendental import contradictions, discover, features, health, people, read, rotation
from opendental.client import Office
from opendental.errors import OpenDentalError
from opendental.models import Connection, PlanFingerprint, PlanToRead, QuarantinedRow
from opendental.plans import PullResult, pull_plan, read_one
from opendental.turns import only_one
from patients import mirror
from payplans.models import Installment, PayPlan

# A cycle ends here even when plans are left; they stay listed.
CYCLE_SECONDS = 90.0
_FULL_EVERY = timedelta(hours=24)
# So many plans are read one by one; more of them share their calls.
_FEW = 3
_AGAIN_SPOILED = timedelta(minutes=10)
Of = PlanFingerprint.Of


def pull(practice_id: int, now: datetime) -> PullResult:
    """Run one cycle. Never raises OpenDentalError: the connection's health tells."""
    connection = Connection.objects.get(practice_id=practice_id)
    result = PullResult()
    with only_one("pull", practice_id) as turn:
        if turn is None:
            result.skipped = True
            return result
        office = Office(connection)
        office.heartbeat = turn.extend
        _cycle(office, connection, result, now)
    return result


def _cycle(office: Office, connection: Connection, result: PullResult, now: datetime) -> None:
    started = time.monotonic()
    try:
        if features.can_query(connection):
            _discover(office, connection, now)
            _read_listed(office, connection, result, started, now)
        else:
            people.changed(office, connection, now=now)
            rotation.run(office, connection, result, started=started, now=now)
        health.answered(connection, now=now)
    except OpenDentalError as error:
        health.failed(connection, error, now=now)
        result.problem = error.reason
    result.calls, result.seconds = office.calls, round(time.monotonic() - started, 2)
    connection.last_pull_at = now
    connection.last_cycle = {
        "calls": result.calls, "changed": result.changed, "problems": result.problems, "seconds": result.seconds,
    }  # fmt: skip
    connection.save(update_fields=["last_pull_at", "last_cycle"])


def _discover(office: Office, connection: Connection, now: datetime) -> None:
    """List what changed; an idle cycle costs three calls."""
    found = discover.changes(office, connection)
    first = not connection.cursor
    with transaction.atomic():
        discover.put_down(connection.practice_id, found.plans, now=now)
        mirror.mark_gone(connection.practice_id, found.deleted_patients, now=now)
        connection.cursor = found.clock
        connection.save(update_fields=["cursor"])
    people.changed(office, connection, now=now)
    if first:
        # The baseline comes before the plans are read, so that no later change can hide in it.
        discover.compare(office, connection, Of.CHARGES, now=now, queue=False)
        discover.compare(office, connection, Of.SPLITS, now=now, queue=False)
    _compare_in_turn(office, connection, now)


def _compare_in_turn(office: Office, connection: Connection, now: datetime) -> None:
    of = discover.ROUND[connection.turn % len(discover.ROUND)]
    discover.compare(office, connection, of, now=now)
    if connection.fully_pulled_at is None or now - connection.fully_pulled_at >= _FULL_EVERY:
        # Whatever discovery may have missed is read once a day.
        _list_all(connection.practice_id, now)
        contradictions.posted_twice(office, connection, now=now)
        connection.fully_pulled_at = now
    _list_spoiled(connection.practice_id, now)
    _list_slipped(connection, now)
    connection.turn = (connection.turn + 1) % 1_000_000
    connection.save(update_fields=["turn", "fully_pulled_at"])


def _list_all(practice_id: int, now: datetime) -> None:
    plans = PayPlan.objects.filter(practice_id=practice_id, gone_at=None, is_closed=False)
    discover.put_down(practice_id, plans.values_list("pay_plan_num", flat=True), now=now)


def _list_spoiled(practice_id: int, now: datetime) -> None:
    """A row may be repaired without leaving a trace, so plans with unreadable rows are read again now and then."""
    rows = QuarantinedRow.objects.filter(
        practice_id=practice_id, resource="payplans", resolved_at=None, last_seen_at__lte=now - _AGAIN_SPOILED
    )
    plans = PayPlan.objects.filter(
        practice_id=practice_id, schedule_problem__startswith="A row of this", synced_at__lte=now - _AGAIN_SPOILED
    )
    keys = [int(key) for key in rows.values_list("row_key", flat=True) if key.isdigit()]
    discover.put_down(practice_id, [*keys, *plans.values_list("pay_plan_num", flat=True)], now=now)


def _list_slipped(connection: Connection, now: datetime) -> None:
    """A due date has passed without a charge: Open Dental moves it on, which no row of it tells."""
    today = local_date(now, connection.practice.zone)
    slipped = Installment.objects.unpaid().filter(
        practice_id=connection.practice_id,
        is_issued=False,
        due_date__lt=today,
        plan__is_closed=False,
        plan__gone_at=None,
        # Once a day is enough, should it not move.
        plan__synced_at__lt=at_hour(today, 0, connection.practice.zone),
    )
    discover.put_down(connection.practice_id, slipped.values_list("plan__pay_plan_num", flat=True), now=now)


def _read_listed(office: Office, connection: Connection, result: PullResult, started: float, now: datetime) -> None:
    listed = PlanToRead.objects.filter(practice_id=connection.practice_id, next_at__lte=now).order_by("found_at", "pk")
    numbers = list(listed.values_list("pay_plan_num", flat=True))
    for place in range(0, len(numbers), read.Batch.SIZE):
        some = numbers[place : place + read.Batch.SIZE]
        source = read.Batch(office, connection, some) if len(some) > _FEW else None
        for number in some:
            if time.monotonic() - started > CYCLE_SECONDS:
                return
            read_one(office, connection, number, result, source=source, now=now)


__all__ = ["PullResult", "pull", "pull_plan"]
