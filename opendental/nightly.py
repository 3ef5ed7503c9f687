"""The full comparison, once an office-local night: what we hold of every plan against what Open Dental has.

It asks for values and not for checksums of the last look, so it also finds what was overlooked; and for the recurring
cards and the work behind the plans, which carry no trace of a deletion. 100 plans a call, kept place by place.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet, Sum

from core.calendar import at_hour, local_date
from opendental import contradictions, fingerprints, walks
from opendental.client import PAGE, Office, Row
from opendental.discover import put_down
from opendental.models import Connection, PlanFingerprint, PlanToRead
from opendental.walks import Budget
from payplans.models import ChargeRow, PayPlan, PlanSplit

Of = PlanFingerprint.Of
WALK = "night"
# The night begins between 1:00 and 4:00 where the practice is, each practice at its own minute, and ends at 6:00.
FIRST, _SPREAD_MINUTES, _END = time(1), 180, time(6)
# Servers are switched off at night in some offices: then it is done by day.
_LONGEST = timedelta(hours=36)
# Whatever no comparison can see: an open plan is read anew after so long, so many a night.
_STALE, _MOST_STALE = timedelta(days=7), 1000
_VALUES = """
SELECT p.PayPlanNum, p.PatNum, p.Guarantor, p.IsClosed,
COALESCE((SELECT SUM(ROUND(c.Principal*100)+ROUND(c.Interest*100)) FROM payplancharge c
 WHERE c.PayPlanNum=p.PayPlanNum AND c.ChargeType=0), 0) AS charged,
COALESCE((SELECT SUM(ROUND(s.SplitAmt*100)) FROM paysplit s WHERE s.PayPlanNum=p.PayPlanNum), 0) AS paid,
(SELECT COUNT(*) FROM creditcard k WHERE k.IsRecurringActive=1 AND k.ChargeAmt>0
 AND (k.DateStop<'1880-01-01' OR k.DateStop>=CURDATE())
 AND (k.PayPlanNum=p.PayPlanNum OR (k.PayPlanNum=0 AND k.PatNum IN (p.PatNum, p.Guarantor)))) AS cards,
COALESCE((SELECT SUM(CRC32(CONCAT_WS('|',w.ProcNum,w.ProcFee,w.ProcStatus,w.UnitQty,w.Discount))) FROM payplanlink l
 INNER JOIN procedurelog w ON l.LinkType=2 AND l.FKey=w.ProcNum WHERE l.PayPlanNum=p.PayPlanNum), 0)
+COALESCE((SELECT SUM(CRC32(CONCAT_WS('|',a.AdjNum,a.AdjAmt))) FROM payplanlink l
 INNER JOIN adjustment a ON l.LinkType=1 AND l.FKey=a.AdjNum WHERE l.PayPlanNum=p.PayPlanNum), 0)
+COALESCE((SELECT SUM(CRC32(CONCAT_WS('|',a.AdjNum,a.AdjAmt))) FROM payplanlink l
 INNER JOIN adjustment a ON l.LinkType=2 AND l.FKey=a.ProcNum WHERE l.PayPlanNum=p.PayPlanNum), 0)
+COALESCE((SELECT SUM(CRC32(CONCAT_WS('|',i.ClaimProcNum,i.Status,i.InsPayAmt,i.InsPayEst,i.WriteOff,i.WriteOffEst)))
 FROM payplanlink l INNER JOIN claimproc i ON l.LinkType=2 AND l.FKey=i.ProcNum
 WHERE l.PayPlanNum=p.PayPlanNum), 0) AS work
FROM payplan p WHERE p.PayPlanNum>{after} ORDER BY p.PayPlanNum LIMIT 100
"""


@dataclass(frozen=True)
class Shown:
    """What is compared of one plan: people by PatNum, sums of its charges and splits in cents, an active card."""

    patient: int
    guarantor: int
    closed: bool
    charged: int
    paid: int
    card: bool


def is_due(connection: Connection, now: datetime) -> bool:
    """Its own minute of the office-local night has come, or the last comparison is too long ago."""
    last = connection.fully_pulled_at
    if last is None or now - last >= _LONGEST:
        return True
    today, zone = local_date(now, connection.practice.zone), connection.practice.zone
    begins = at_hour(today, FIRST, zone) + timedelta(minutes=minute_of(connection))
    return begins <= now < at_hour(today, _END, zone) and last < begins


def minute_of(connection: Connection) -> int:
    """Minutes after 1:00 at which this practice's night begins: spread evenly, always the same for a practice."""
    digest = hashlib.sha256(f"night:{connection.practice_id}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % _SPREAD_MINUTES


def run(office: Office, connection: Connection, budget: Budget) -> None:
    """Begin when it is due; go on until it is over or the budget is spent, at least by a page."""
    if walks.place(connection, WALK) is None:
        if not is_due(connection, budget.now):
            return
        walks.keep(connection, WALK, after=0)
    while (place := walks.place(connection, WALK)) is not None:
        _page(office, connection, int(place["after"]), budget.now)
        if budget.is_spent:
            return


def _page(office: Office, connection: Connection, after: int, now: datetime) -> None:
    rows = office.query(_VALUES.format(after=after))
    last = int(rows[-1]["PayPlanNum"]) if len(rows) >= PAGE else None
    if last is None:
        contradictions.posted_twice(office, connection, now=now)
    with transaction.atomic():
        differing = _differing(connection.practice_id, rows, after, last)
        put_down(connection.practice_id, differing, now=now, urgency=PlanToRead.Urgency.LISTED)
        if last is not None:
            walks.keep(connection, WALK, after=last)
            return
        _list_stale(connection.practice_id, now)
        connection.fully_pulled_at = now
        connection.save(update_fields=["fully_pulled_at"])
        walks.end(connection, WALK)


def _differing(practice_id: int, rows: list[Row], after: int, last: int | None) -> set[int]:
    between = Q(pay_plan_num__gt=after) & (Q() if last is None else Q(pay_plan_num__lte=last))
    theirs = {int(row["PayPlanNum"]): _shown(row) for row in rows}
    ours = _held(practice_id, between, theirs)
    work = {int(row["PayPlanNum"]): Decimal(str(row["work"])) for row in rows}
    found = {number for number in theirs.keys() | ours.keys() if theirs.get(number) != ours.get(number)}
    return found | _other_work(practice_id, between, work)


def _shown(row: Row) -> Shown:
    sums = (round(float(row["charged"])), round(float(row["paid"])), int(row["cards"]) > 0)
    return Shown(int(row["PatNum"]), int(row["Guarantor"]), bool(int(row["IsClosed"])), *sums)


def _held(practice_id: int, between: Q, theirs: dict[int, Shown]) -> dict[int, Shown]:
    """What we hold, in the form of `_shown`. The rows of insurance plans are never read, so theirs stand for ours."""
    plans = PayPlan.objects.filter(between, practice_id=practice_id, gone_at=None)
    charged = _sums(
        ChargeRow.objects.filter(installment__plan__in=plans), "installment__plan",
        F("principal_cents") + F("interest_cents"),
    )  # fmt: skip
    paid = _sums(PlanSplit.objects.filter(plan__in=plans), "plan", F("amount_cents"))
    held: dict[int, Shown] = {}
    for plan in plans.select_related("patient", "guarantor"):
        sums = (charged.get(plan.pk, 0), paid.get(plan.pk, 0), plan.office_card_active)
        shown = Shown(plan.patient.pat_num, plan.guarantor.pat_num, plan.is_closed, *sums)
        if plan.kind == PayPlan.Kind.INSURANCE and plan.pay_plan_num in theirs:
            there = theirs[plan.pay_plan_num]
            shown = replace(shown, charged=there.charged, paid=there.paid, card=there.card)
        held[plan.pay_plan_num] = shown
    return held


def _sums(rows: QuerySet[Any], plan: str, cents: Any) -> dict[int, int]:
    found = rows.values_list(plan).annotate(cents=Sum(cents)).values_list(plan, "cents")
    return {int(key): int(total) for key, total in found}


def _other_work(practice_id: int, between: Q, work: dict[int, Decimal]) -> set[int]:
    """Plans whose production differs from the last night's. What is seen for the first time is only kept."""
    stored = PlanFingerprint.objects.filter(between, practice_id=practice_id, of=Of.WORK)
    ours = dict(stored.values_list("pay_plan_num", "checksum"))
    stored.exclude(pay_plan_num__in=work).delete()
    fingerprints.keep(practice_id, Of.WORK, {number: (1, total) for number, total in work.items()})
    return {number for number, total in work.items() if ours.get(number, total) != total}


def _list_stale(practice_id: int, now: datetime) -> None:
    stale = PayPlan.objects.open().filter(practice_id=practice_id, synced_at__lt=now - _STALE).order_by("synced_at")
    numbers = stale.values_list("pay_plan_num", flat=True)[:_MOST_STALE]
    put_down(practice_id, numbers, now=now, urgency=PlanToRead.Urgency.LISTED)
