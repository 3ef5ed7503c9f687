"""Reading one plan anew and storing it; the boundary at which trouble of one plan stays with that plan."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from opendental import people, quarantine, read, store, wire
from opendental.client import Office, Row
from opendental.errors import NotFoundInOffice, Refused
from opendental.fields import Unreadable
from opendental.models import Connection, PlanToRead
from opendental.quarantine import Spoiled
from patients import mirror
from payplans.models import PayPlan

log = logging.getLogger(__name__)


@dataclass
class PullResult:
    """What one cycle did. `problem` is '' or the reason, for staff, why it ended early."""

    calls: int = 0
    changed: int = 0
    problems: int = 0
    seconds: float = 0.0
    problem: str = ""
    skipped: bool = False
    # Plans read in this cycle, by PayPlanNum.
    plans: list[int] = field(default_factory=list)


def read_one(
    office: Office,
    connection: Connection,
    pay_plan_num: int,
    result: PullResult,
    *,
    row: Row | None = None,
    source: read.Source | None = None,
    now: datetime,
) -> None:
    """Read and store one plan of a cycle. What is wrong with this plan alone does not end the cycle."""
    try:
        pull_plan(connection, pay_plan_num, now, office=office, row=row, source=source)
        result.changed += 1
        result.plans.append(pay_plan_num)
    except store.Overtaken:
        return
    except (Unreadable, Refused, NotFoundInOffice) as error:
        result.problems += 1
        if isinstance(error, Refused):
            spoiled = Spoiled("payplans", str(pay_plan_num), error.reason)
            quarantine.keep(connection.practice_id, [spoiled], now=now)
        log.warning("plan %s of practice %s not read: %s", pay_plan_num, connection.practice_id, type(error).__name__)
        _later(connection.practice_id, pay_plan_num, now)


def _later(practice_id: int, pay_plan_num: int, now: datetime) -> None:
    row = PlanToRead.objects.filter(practice_id=practice_id, pay_plan_num=pay_plan_num).first()
    if row is not None:
        row.tries += 1
        row.next_at = now + timedelta(minutes=min(60, 2**row.tries))
        row.save(update_fields=["tries", "next_at"])


def pull_plan(
    connection: Connection,
    pay_plan_num: int,
    now: datetime,
    *,
    office: Office | None = None,
    row: Row | None = None,
    source: read.Source | None = None,
) -> PayPlan | None:
    """Read one plan anew and store it; None when Open Dental no longer has it (its installments are canceled).

    Raises OpenDentalError, Unreadable (the plan's row or its patient; quarantined), store.Overtaken.
    """
    office = office or Office(connection, urgent=True)
    practice_id = connection.practice_id
    token = _token(practice_id, pay_plan_num)
    row = row if row is not None else _plan_row(office, connection, pay_plan_num, now)
    if row is None:
        store.mark_gone(practice_id, pay_plan_num, token=token, now=now)
        quarantine.release_plan(practice_id, pay_plan_num, but=(), now=now)
        return None
    try:
        facts = wire.plan(row)
        reading = read.details(source or read.Source(office, connection), facts)
        known = people.of_plan(office, practice_id, {facts.pat_num, facts.guarantor_num}, reading.gone_people, now=now)
    except Unreadable as error:
        quarantine.keep(practice_id, [Spoiled("payplans", str(pay_plan_num), str(error))], now=now)
        raise
    plan = store.store(connection, reading, known, token=token, now=now)
    quarantine.keep(practice_id, reading.spoiled, now=now)
    quarantine.release_plan(practice_id, pay_plan_num, but=reading.spoiled, now=now)
    return plan


def _token(practice_id: int, pay_plan_num: int) -> UUID | None:
    """The mark of the finding that this reading answers; None when the plan isn't listed now."""
    listed = PlanToRead.objects.filter(practice_id=practice_id, pay_plan_num=pay_plan_num)
    return listed.values_list("token", flat=True).first()


def _plan_row(office: Office, connection: Connection, pay_plan_num: int, now: datetime) -> Row | None:
    known = PayPlan.objects.filter(practice_id=connection.practice_id, pay_plan_num=pay_plan_num)
    pat_num = known.values_list("patient__pat_num", flat=True).first() or 0
    try:
        return read.plan_row(office, connection, pay_plan_num, pat_num)
    except NotFoundInOffice:
        # The list of this patient's plans is not there because the patient isn't; the plan itself is only held.
        mirror.mark_gone(connection.practice_id, [pat_num], now=now)
        raise
