"""Finds edits and deletions that leave no timestamp: checksums over buckets of plans, kept and compared every cycle.

Two calls when nothing differs, whatever the number of plans; then the differing buckets are narrowed to plans.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Max, Q, Sum

from opendental import discover
from opendental.client import PAGE, Office
from opendental.models import PlanFingerprint, PlanToRead
from opendental.walks import Budget

Of = PlanFingerprint.Of
Print = tuple[int, Decimal]
Range = tuple[int, int]
# Compared in one call each. Terms and what is on a plan change without a timestamp; of the others only deletions do.
TERMS, MONEY = (Of.PLAN, Of.LINKS), (Of.CHARGES, Of.SPLITS)
EVERYTHING: list[Range] = [(1, 2**63 - 1)]
_COLUMNS = {
    Of.PLAN: "PayPlanNum,PatNum,Guarantor,PayPlanDate,APR,PayAmt,DownPayment,CompletedAmt,IsClosed,IsDynamic,IsLocked,"
    "ChargeFrequency,DatePayPlanStart,DateInterestStart,DynamicPayPlanTPOption,PlanCategory,PlanNum,InsSubNum",
    Of.LINKS: "PayPlanLinkNum,PayPlanNum,LinkType,FKey,AmountOverride",
    Of.CHARGES: "PayPlanChargeNum,PayPlanNum,ChargeDate,Principal,Interest,Note,ChargeType,IsOffset",
    Of.SPLITS: "SplitNum,PayPlanNum,PayPlanChargeNum,SplitAmt,PayNum,UnearnedType,PayPlanDebitType,DatePay",
}
_GROUPS = (
    "SELECT '{of}' AS kind, {group} AS num, {closed} AS closed, COUNT(*) AS n, "
    "SUM(CRC32(CONCAT_WS('|',{columns}))) AS h FROM {table} WHERE {where} GROUP BY {group}"
)


def compare(office: Office, practice_id: int, pair: Sequence[Of], budget: Budget) -> int:
    """Compare two tables with what was kept; list the plans that differ. Returns how many did.

    Each page is stored as it comes: what a spent budget or a killed worker leaves differs again next time.
    """
    width = _highest(practice_id) // 45 + 1
    while (theirs := _their_buckets(office, pair, width, EVERYTHING)) is None:
        width *= 2
    changed = 0
    for of in pair:
        ranges = _differing(theirs[of], _our_buckets(practice_id, of, width, EVERYTHING), width)
        if ranges:
            changed += _compare_plans(office, practice_id, of, _narrow(office, practice_id, of, ranges), budget)
    return changed


def _highest(practice_id: int) -> int:
    found = PlanFingerprint.objects.filter(practice_id=practice_id).aggregate(highest=Max("pay_plan_num"))
    return int(found["highest"] or 0)


def _their_buckets(
    office: Office, tables: Sequence[Of], width: int, ranges: list[Range]
) -> dict[Of, dict[int, Print]] | None:
    """None when they don't fit on one page."""
    group = f"FLOOR(PayPlanNum/{width})"
    parts = [_select(of, group, _where(ranges)) for of in tables]
    rows = office.query(" UNION ALL ".join(parts) + " ORDER BY kind, num LIMIT 100")
    if len(rows) >= PAGE:
        return None
    found: dict[Of, dict[int, Print]] = {of: {} for of in tables}
    for row in rows:
        found[Of(row["kind"])][int(row["num"])] = (int(row["n"]), Decimal(str(row["h"])))
    return found


def _select(of: Of, group: str, where: str) -> str:
    closed = "MIN(IsClosed)" if of == Of.PLAN else "0"
    return _GROUPS.format(of=of.value, group=group, closed=closed, columns=_COLUMNS[of], table=of.label, where=where)


def _where(ranges: list[Range]) -> str:
    return "(" + " OR ".join(f"(PayPlanNum>={low} AND PayPlanNum<{high})" for low, high in ranges) + ")"


def _stored(practice_id: int, of: Of, ranges: list[Range]) -> Q:
    inside = Q(pk=None)
    for low, high in ranges:
        inside |= Q(pay_plan_num__gte=low, pay_plan_num__lt=high)
    return Q(practice_id=practice_id, of=of) & inside


def _our_buckets(practice_id: int, of: Of, width: int, ranges: list[Range]) -> dict[int, Print]:
    rows = (
        PlanFingerprint.objects.filter(_stored(practice_id, of, ranges))
        .values(bucket=F("pay_plan_num") / width)
        .annotate(count=Sum("rows"), total=Sum("checksum"))
    )
    return {row["bucket"]: (row["count"], row["total"]) for row in rows}


def _differing(theirs: dict[int, Print], ours: dict[int, Print], width: int) -> list[Range]:
    """Ranges of plan numbers, neighbors joined."""
    ranges: list[Range] = []
    for bucket in sorted(number for number in theirs.keys() | ours.keys() if theirs.get(number) != ours.get(number)):
        low, high = max(1, bucket * width), min(2**63 - 1, (bucket + 1) * width)
        if ranges and ranges[-1][1] == low:
            ranges[-1] = (ranges[-1][0], high)
        else:
            ranges.append((low, high))
    return ranges


def _narrow(office: Office, practice_id: int, of: Of, ranges: list[Range]) -> list[Range]:
    """Cut the ranges into smaller buckets as long as one more call saves pages of plans."""
    while PlanFingerprint.objects.filter(_stored(practice_id, of, ranges)).count() > PAGE:
        width = sum(high - low for low, high in ranges) // (PAGE - 5 - len(ranges)) + 1
        if len(ranges) > PAGE // 4 or width * 2 > min(high - low for low, high in ranges):
            break
        theirs = _their_buckets(office, [of], width, ranges)
        if theirs is None:
            break
        fewer = _differing(theirs[of], _our_buckets(practice_id, of, width, ranges), width)
        if not fewer or len(fewer) > PAGE // 4:
            break
        ranges = fewer
    return ranges


def _compare_plans(office: Office, practice_id: int, of: Of, ranges: list[Range], budget: Budget) -> int:
    changed, after = 0, 0
    while True:
        prints, _, last = page(office, of, ranges, after)
        changed += take(practice_id, of, prints, ranges, after=after, last=last, now=budget.now)
        if last is None or budget.is_spent:
            return changed
        after = last


def page(office: Office, of: Of, ranges: list[Range], after: int) -> tuple[dict[int, Print], set[int], int | None]:
    """The next 100 plans behind number `after`: their prints, which are closed, the last number (None: the end)."""
    where = f"PayPlanNum>{after} AND {_where(ranges)}"
    rows = office.query(_select(of, "PayPlanNum", where) + " ORDER BY num LIMIT 100")
    prints = {int(row["num"]): (int(row["n"]), Decimal(str(row["h"]))) for row in rows}
    closed = {int(row["num"]) for row in rows if row["closed"]}
    return prints, closed, int(rows[-1]["num"]) if len(rows) >= PAGE else None


def take(
    practice_id: int,
    of: Of,
    theirs: dict[int, Print],
    ranges: list[Range],
    *,
    after: int,
    last: int | None,
    now: datetime,
    queue: bool = True,
) -> int:
    """Keep the prints of one page and list the plans that differ, in one transaction. Returns how many differ.

    `queue` False only keeps them (the baseline of a first sync).
    """
    between = Q(pay_plan_num__gt=after) & (Q() if last is None else Q(pay_plan_num__lte=last))
    stored = PlanFingerprint.objects.filter(_stored(practice_id, of, ranges), between)
    ours = {row.pay_plan_num: (row.rows, row.checksum) for row in stored}
    changed = {number for number in theirs.keys() | ours.keys() if theirs.get(number) != ours.get(number)}
    with transaction.atomic():
        if queue:
            discover.put_down(practice_id, changed, now=now)
        stored.filter(pay_plan_num__in=changed - theirs.keys()).delete()
        keep(practice_id, of, {number: theirs[number] for number in changed & theirs.keys()})
    return len(changed)


def keep(practice_id: int, of: Of, prints: dict[int, Print]) -> None:
    """Store prints by PayPlanNum: (rows, checksum)."""
    PlanFingerprint.objects.bulk_create(
        [
            PlanFingerprint(practice_id=practice_id, of=of, pay_plan_num=number, rows=rows, checksum=checksum)
            for number, (rows, checksum) in sorted(prints.items())
        ],
        update_conflicts=True,
        unique_fields=["practice", "of", "pay_plan_num"],
        update_fields=["rows", "checksum"],
    )


def refresh(office: Office, practice_id: int, plans: Iterable[int]) -> None:
    """One call: keep the prints of plans that are about to be read, so that their news isn't found a second time.

    At most 25 plans. They must stand on the list until they are read: what changes after this call differs again.
    """
    numbers = sorted(set(plans))
    where = f"PayPlanNum IN ({','.join(map(str, numbers))})"
    rows = office.query(" UNION ALL ".join(_select(of, "PayPlanNum", where) for of in _COLUMNS) + " LIMIT 100")
    listed = PlanToRead.objects.filter(practice_id=practice_id, pay_plan_num__in=numbers)
    with transaction.atomic():
        numbers = list(listed.select_for_update().values_list("pay_plan_num", flat=True))
        for of in _COLUMNS:
            prints = {
                int(row["num"]): (int(row["n"]), Decimal(str(row["h"])))
                for row in rows
                if row["kind"] == of.value and int(row["num"]) in numbers
            }
            gone = PlanFingerprint.objects.filter(practice_id=practice_id, of=of, pay_plan_num__in=numbers)
            gone.exclude(pay_plan_num__in=prints).delete()
            keep(practice_id, of, prints)
