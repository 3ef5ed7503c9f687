"""Finds which plans changed in an office, at a constant number of calls per cycle (permission Queries).

Edits with a timestamp come from one UNION query since the office's own clock; term edits, closing and deletions leave
no timestamp and show in checksums over buckets of plans, compared in turn. Every table is that of Open Dental's schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, Max, Sum

from opendental.client import Office
from opendental.models import Connection, PlanFingerprint, PlanToRead

Of = PlanFingerprint.Of
# payplan twice in a round: closing and edited terms must show within a minute.
ROUND = (Of.PLAN, Of.CHARGES, Of.PLAN, Of.SPLITS)
_OVERLAP = timedelta(seconds=5)
_LOWEST = -(2**60)
_CLOCK = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}")

# Deleted patients come out as negative numbers; 0 is always there and carries the office's clock.
_CHANGES = """
SELECT num, NOW() AS t FROM (
SELECT 0 AS num
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
UNION SELECT -PatNum FROM patient WHERE PatStatus=4 AND DateTStamp>='{since}'
) x WHERE num>{after} ORDER BY num LIMIT 100
"""
_COLUMNS = {
    Of.PLAN: "PayPlanNum,PatNum,Guarantor,PayPlanDate,APR,PayAmt,DownPayment,CompletedAmt,IsClosed,IsDynamic,IsLocked,"
    "ChargeFrequency,DatePayPlanStart,DateInterestStart,DynamicPayPlanTPOption,PlanCategory,PlanNum,InsSubNum",
    Of.CHARGES: "PayPlanChargeNum,PayPlanNum,ChargeDate,Principal,Interest,Note,ChargeType,IsOffset",
    Of.SPLITS: "SplitNum,PayPlanNum,PayPlanChargeNum,SplitAmt,PayNum,UnearnedType,PayPlanDebitType,DatePay",
}
_BUCKETS = (
    "SELECT FLOOR(PayPlanNum/{width}) AS b, COUNT(*) AS n, SUM(CRC32(CONCAT_WS('|',{columns}))) AS h "
    "FROM {table} WHERE PayPlanNum>0 GROUP BY FLOOR(PayPlanNum/{width}) ORDER BY b LIMIT 100"
)
_PLANS = (
    "SELECT PayPlanNum, MIN(PatNum) AS PatNum, COUNT(*) AS n, SUM(CRC32(CONCAT_WS('|',{columns}))) AS h "
    "FROM {table} WHERE PayPlanNum>{{after}} AND PayPlanNum>={low} AND PayPlanNum<{high} "
    "GROUP BY PayPlanNum ORDER BY PayPlanNum LIMIT 100"
)


@dataclass(frozen=True)
class Found:
    """What one look at the timestamps brought; `clock` is the office's, for the next look."""

    plans: tuple[int, ...]
    deleted_patients: tuple[int, ...]
    clock: str


def changes(office: Office, connection: Connection) -> Found:
    """Plans and patients with a newer timestamp than the cursor, with a little overlap."""
    since = _overlapped(connection.cursor) if connection.cursor else "9999-01-01 00:00:00"
    numbers: list[int] = []
    clock, after = "", _LOWEST
    while True:
        page = office.query(_CHANGES.format(since=since, after=after))
        numbers += [int(row["num"]) for row in page]
        # The first page's clock: what changes while later pages are read is found again next time.
        clock = clock or clock_text(page[0]["t"] if page else "")
        if len(page) < 100:
            break
        after = numbers[-1]
    plans = tuple(number for number in numbers if number > 0)
    return Found(plans, tuple(-number for number in numbers if number < 0), clock or connection.cursor)


def _overlapped(cursor: str) -> str:
    return (datetime.fromisoformat(clock_text(cursor)) - _OVERLAP).isoformat(" ", "seconds")


def clock_text(value: Any) -> str:
    """Open Dental's time as text, or '' when it is none. It goes into SQL, so nothing else may."""
    text = str(value).replace("T", " ")[:19]
    return text if _CLOCK.fullmatch(text) else ""


def put_down(practice_id: int, plans: Iterable[int], *, now: datetime) -> None:
    """List plans to be read. One that is listed already is read once, soon."""
    rows = [
        PlanToRead(practice_id=practice_id, pay_plan_num=number, found_at=now, next_at=now)
        for number in sorted(set(plans))
    ]
    PlanToRead.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["practice", "pay_plan_num"], update_fields=["next_at"]
    )


def compare(office: Office, connection: Connection, of: Of, *, now: datetime, queue: bool = True) -> int:
    """Compare checksums of all plans with those stored; list the plans that differ. Returns how many did.

    `queue` False only stores (the baseline of a first run).
    """
    practice_id = connection.practice_id
    width = _width(practice_id)
    theirs = _their_buckets(office, of, width)
    while len(theirs) >= 100:
        width *= 2
        theirs = _their_buckets(office, of, width)
    ours = _our_buckets(practice_id, of, width)
    different = sorted(bucket for bucket in theirs.keys() | ours.keys() if theirs.get(bucket) != ours.get(bucket))
    changed = 0
    for low, high in _ranges(different, width):
        changed += _compare_range(office, practice_id, of, low, high, now=now, queue=queue)
    return changed


def _width(practice_id: int) -> int:
    """Plans per bucket so that all buckets fit on one page of 100, with room to grow."""
    highest = PlanFingerprint.objects.filter(practice_id=practice_id).aggregate(Max("pay_plan_num"))
    return int(highest["pay_plan_num__max"] or 0) // 90 + 1


def _their_buckets(office: Office, of: Of, width: int) -> dict[int, tuple[int, Decimal]]:
    rows = office.query(_BUCKETS.format(width=width, columns=_COLUMNS[of], table=of.label))
    return {int(row["b"]): (int(row["n"]), Decimal(str(row["h"]))) for row in rows}


def _our_buckets(practice_id: int, of: Of, width: int) -> dict[int, tuple[int, Decimal]]:
    rows = (
        PlanFingerprint.objects.filter(practice_id=practice_id, of=of)
        .values(bucket=F("pay_plan_num") / width)
        .annotate(count=Sum("rows"), total=Sum("checksum"))
    )
    return {row["bucket"]: (row["count"], row["total"]) for row in rows}


def _ranges(buckets: list[int], width: int) -> list[tuple[int, int]]:
    """Ranges of plan numbers, neighbors joined: one run of pages instead of one call per bucket."""
    ranges: list[tuple[int, int]] = []
    for bucket in buckets:
        low, high = bucket * width, (bucket + 1) * width
        if ranges and (ranges[-1][1] == low or len(buckets) > 5):
            ranges[-1] = (ranges[-1][0], high)
        else:
            ranges.append((low, high))
    return ranges


def _compare_range(office: Office, practice_id: int, of: Of, low: int, high: int, *, now: datetime, queue: bool) -> int:
    sql = _PLANS.format(columns=_COLUMNS[of], table=of.label, low=low, high=high)
    theirs = {
        int(row["PayPlanNum"]): (int(row["n"]), Decimal(str(row["h"]))) for row in office.query_all(sql, "PayPlanNum")
    }
    stored = PlanFingerprint.objects.filter(
        practice_id=practice_id, of=of, pay_plan_num__gte=low, pay_plan_num__lt=high
    )
    ours = {row.pay_plan_num: (row.rows, row.checksum) for row in stored}
    changed = {number for number in theirs.keys() | ours.keys() if theirs.get(number) != ours.get(number)}
    with transaction.atomic():
        if queue:
            put_down(practice_id, changed, now=now)
        stored.filter(pay_plan_num__in=changed - theirs.keys()).delete()
        PlanFingerprint.objects.bulk_create(
            [
                PlanFingerprint(
                    practice_id=practice_id,
                    of=of,
                    pay_plan_num=number,
                    rows=theirs[number][0],
                    checksum=theirs[number][1],
                )
                for number in sorted(changed & theirs.keys())
            ],
            update_conflicts=True,
            unique_fields=["practice", "of", "pay_plan_num"],
            update_fields=["rows", "checksum"],
        )
    return len(changed)
