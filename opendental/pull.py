"""One cycle of the sync of a practice. Nothing is asked inside a transaction.

With the permission Queries changes are discovered and listed, then read; without it guarantors are read in turn.

Calls of an idle cycle with Queries: 1 for everything with a timestamp, 1 for terms and links, 1 for charges and
splits; the timetable begins one every 20 s. docs/performance.md has the arithmetic.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from core.calendar import at_hour, local_date
from opendental import cycles, discover, features, fingerprints, health, listing, nightly, people, read, rotation, walks
from opendental.cycles import CountingOffice
from opendental.errors import OpenDentalError
from opendental.models import Connection, PlanToRead, QuarantinedRow
from opendental.plans import PullResult, pull_plan, read_one
from opendental.turns import only_one
from opendental.walks import Budget
from payplans.models import Installment, PayPlan

Urgency = PlanToRead.Urgency
_AGAIN_SPOILED = timedelta(minutes=10)


def pull(practice_id: int, now: datetime) -> PullResult:
    """Run one cycle. Never raises OpenDentalError: the connection's health tells."""
    connection = Connection.objects.select_related("practice").get(practice_id=practice_id)
    result = PullResult()
    with only_one("pull", practice_id) as turn:
        if turn is None:
            result.skipped = True
            return result
        office = CountingOffice(connection)
        office.heartbeat = turn.extend
        _cycle(office, connection, result, Budget(now))
    return result


def _cycle(office: CountingOffice, connection: Connection, result: PullResult, budget: Budget) -> None:
    known_until = connection.in_step_at
    try:
        if features.can_query(connection):
            in_step = budget.began if _discover(office, connection, result, budget) else None
        else:
            in_step = known_until = _rotate(office, connection, result, budget)
        connection.in_step_at = in_step or connection.in_step_at
        health.answered(connection, now=budget.began)
    except OpenDentalError as error:
        health.failed(connection, error, now=budget.began)
        result.problem = error.reason
    result.calls, result.seconds = office.calls, round(budget.used, 2)
    connection.turn = (connection.turn + 1) % 1_000_000
    connection.last_pull_at = budget.began
    connection.last_cycle = {
        "calls": result.calls, "changed": result.changed, "problems": result.problems, "seconds": result.seconds,
    }  # fmt: skip
    connection.save(update_fields=["last_pull_at", "last_cycle", "turn", "in_step_at"])
    cycles.record(connection, office, result, budget, known_until)


def _rotate(office: CountingOffice, connection: Connection, result: PullResult, budget: Budget) -> datetime | None:
    people.walk(office, connection, budget)
    return rotation.run(office, connection, result, budget)


def _discover(office: CountingOffice, connection: Connection, result: PullResult, budget: Budget) -> bool:
    """What changed comes first, long walks get what is left. True when nothing that changed before is unknown now."""
    if not connection.cursor:
        listing.begin(connection)
    complete = discover.changes(office, connection, budget)
    if listing.is_over(connection):
        fingerprints.compare(office, connection.practice_id, fingerprints.TERMS, budget)
    _list_spoiled(connection.practice_id, budget.now)
    _list_slipped(connection, budget.now)
    _read_listed(office, connection, result, budget, Urgency.CHANGED)
    if listing.is_over(connection) and not _waiting(connection.practice_id, budget.now):
        # What is still to be read differs anyway; deletions wait until it is read.
        fingerprints.compare(office, connection.practice_id, fingerprints.MONEY, budget)
        complete = complete and not budget.is_spent
        _read_listed(office, connection, result, budget, Urgency.CHANGED)
    else:
        complete = False
    if walks.place(connection, people.WALK) is not None:
        people.walk(office, connection, budget)
    _long_walks(office, connection, budget)
    _read_listed(office, connection, result, budget, Urgency.CLOSED)
    return complete


def _long_walks(office: CountingOffice, connection: Connection, budget: Budget) -> None:
    if listing.is_over(connection):
        nightly.run(office, connection, budget)
    else:
        listing.run(office, connection, budget)


def _waiting(practice_id: int, now: datetime) -> bool:
    """Are changed plans left that could be read now? Those that failed wait for their own time."""
    changed = PlanToRead.objects.filter(practice_id=practice_id, urgency=Urgency.CHANGED)
    return changed.filter(next_at__lte=now).exists()


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
    numbers = slipped.values_list("plan__pay_plan_num", flat=True)
    discover.put_down(connection.practice_id, numbers, now=now, urgency=Urgency.LISTED)


def _read_listed(
    office: CountingOffice, connection: Connection, result: PullResult, budget: Budget, urgency: int
) -> None:
    """Read what is listed up to this urgency, the most urgent first; what is left stays listed."""
    listed = PlanToRead.objects.filter(
        practice_id=connection.practice_id, next_at__lte=budget.now, urgency__lte=urgency
    ).order_by("urgency", "found_at", "pk")
    numbers = list(listed.values_list("pay_plan_num", "urgency"))
    for place in range(0, len(numbers), read.Batch.SIZE):
        if _is_over(budget, result):
            return
        some = numbers[place : place + read.Batch.SIZE]
        _read_batch(office, connection, result, budget, some)


def _is_over(budget: Budget, result: PullResult) -> bool:
    """Even in an office so slow that looking for changes took all the time, each cycle reads a plan."""
    return budget.is_spent and result.changed + result.problems > 0


def _read_batch(
    office: CountingOffice, connection: Connection, result: PullResult, budget: Budget, some: list[tuple[int, int]]
) -> None:
    changed = [number for number, urgency in some if urgency == Urgency.CHANGED]
    if changed and listing.is_over(connection):
        fingerprints.refresh(office, connection.practice_id, changed)
    began = budget.now
    source = read.Batch(office, connection, [number for number, _ in some]) if len(some) > 1 else None
    for number, _ in some:
        if _is_over(budget, result):
            return
        # Rows that were fetched together are as old as the first of them.
        read_one(office, connection, number, result, source=source, now=began if source else budget.now)


__all__ = ["PullResult", "pull", "pull_plan"]
