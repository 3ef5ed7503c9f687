"""Finds which plans changed in an office by its timestamps: one call when nothing did (permission Queries).

Changes without a timestamp are found by opendental/fingerprints.py. Every table is that of Open Dental's schema.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from opendental import walks
from opendental.client import PAGE, Office
from opendental.models import Connection, PlanToRead
from opendental.walks import Budget

Urgency = PlanToRead.Urgency
_OVERLAP = timedelta(seconds=5)
_LOWEST = -(2**60)
_NEVER = "9999-01-01 00:00:00"
_CLOCK = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}")
_WALK = "changes"
_PEOPLE = -1

# 0 is always there and carries the office's clock; -1 says that some patient changed.
_CHANGES = """
SELECT num, NOW() AS t FROM (
SELECT 0 AS num
UNION SELECT -1 FROM patient WHERE DateTStamp>='{people}'
UNION SELECT PayPlanNum FROM payplancharge WHERE SecDateTEdit>='{since}'
UNION SELECT PayPlanNum FROM paysplit WHERE PayPlanNum>0 AND SecDateTEdit>='{since}'
UNION SELECT PayPlanNum FROM payplanlink WHERE SecDateTEntry>='{since}'
UNION SELECT l.PayPlanNum FROM payplanlink l INNER JOIN procedurelog p ON l.LinkType=2 AND l.FKey=p.ProcNum
 WHERE p.DateTStamp>='{since}'
UNION SELECT l.PayPlanNum FROM payplanlink l INNER JOIN adjustment a ON l.LinkType=1 AND l.FKey=a.AdjNum
 WHERE a.SecDateTEdit>='{since}'
UNION SELECT l.PayPlanNum FROM payplanlink l INNER JOIN adjustment a ON l.LinkType=2 AND l.FKey=a.ProcNum
 WHERE a.SecDateTEdit>='{since}'
UNION SELECT l.PayPlanNum FROM payplanlink l INNER JOIN claimproc c ON l.LinkType=2 AND l.FKey=c.ProcNum
 WHERE c.SecDateTEdit>='{since}'
) x WHERE num>{after} ORDER BY num LIMIT 100
"""


def changes(office: Office, connection: Connection, budget: Budget) -> bool:
    """List plans with a newer timestamp than the cursor, page by page; True when all pages were read.

    That some patient changed starts the walk over the patients. The new cursor is the office's clock of the first
    page: what changes while later pages are read is found again next time.
    """
    place = walks.place(connection, _WALK) or {"since": overlapped(connection.cursor) or _NEVER, "after": _LOWEST}
    people = overlapped(connection.patients_cursor) or _NEVER
    while True:
        page = office.query(_CHANGES.format(since=place["since"], after=place["after"], people=people))
        numbers = [int(row["num"]) for row in page]
        place["clock"] = place.get("clock") or clock_text(page[0]["t"] if page else "")
        put_down(connection.practice_id, (number for number in numbers if number > 0), now=budget.now)
        if _PEOPLE in numbers and walks.place(connection, "patients") is None:
            walks.keep(connection, "patients", after=0)
        if len(page) < PAGE:
            _finish(connection, place["clock"])
            return True
        place["after"] = numbers[-1]
        walks.keep(connection, _WALK, **place)
        if budget.is_spent:
            return False


def _finish(connection: Connection, clock: str) -> None:
    with transaction.atomic():
        connection.cursor = clock or connection.cursor
        connection.save(update_fields=["cursor"])
        if walks.place(connection, _WALK) is not None:
            walks.end(connection, _WALK)


def overlapped(cursor: str) -> str:
    """A little before the cursor, for what was being written when it was read; '' without a cursor."""
    if not clock_text(cursor):
        return ""
    return (datetime.fromisoformat(clock_text(cursor)) - _OVERLAP).isoformat(" ", "seconds")


def clock_text(value: Any) -> str:
    """Open Dental's time as text, or '' when it is none. It goes into SQL, so nothing else may."""
    text = str(value).replace("T", " ")[:19]
    return text if _CLOCK.fullmatch(text) else ""


def put_down(
    practice_id: int, plans: Iterable[int], *, now: datetime, urgency: PlanToRead.Urgency = Urgency.CHANGED
) -> None:
    """List plans to be read. One that is listed already is read once; found changed, it is read soon."""
    token = uuid.uuid4()
    rows = [
        PlanToRead(
            practice_id=practice_id, pay_plan_num=number, found_at=now, next_at=now, urgency=urgency, token=token
        )
        for number in sorted(set(plans))
    ]
    anew = ["token", "next_at", "urgency"] if urgency == Urgency.CHANGED else ["token"]
    PlanToRead.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["practice", "pay_plan_num"], update_fields=anew
    )
