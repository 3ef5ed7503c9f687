"""The rows of an account: by three queries where the key may query, else resource by resource for each person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from opendental import features
from opendental.client import Office, Row
from opendental.fields import Fields
from opendental.models import Connection
from payplans.models import PayPlan

# ProcStatus 2: complete. LinkType 1 and 2: an adjustment and a procedure of a payment plan.
_OPEN = (
    "SELECT * FROM (SELECT p.ProcNum, p.PatNum, p.ProcDate, p.ProcFee, p.UnitQty, p.BaseUnits, c.ProcCode AS procCode, "
    "c.Descript AS descript, v.Abbr AS provAbbr, "
    "COALESCE((SELECT SUM(a.AdjAmt) FROM adjustment a WHERE a.ProcNum=p.ProcNum AND a.PatNum=p.PatNum "
    "AND a.ProvNum=p.ProvNum AND a.ClinicNum=p.ClinicNum), 0) AS adjusted, "
    "COALESCE((SELECT SUM(s.SplitAmt) FROM paysplit s WHERE s.ProcNum=p.ProcNum AND s.PayPlanNum=0), 0) AS paid, "
    "COALESCE((SELECT SUM(i.InsPayAmt+i.WriteOff) FROM claimproc i WHERE i.ProcNum=p.ProcNum "
    "AND i.Status IN (1, 4, 5, 7)), 0) AS insured "
    "FROM procedurelog p INNER JOIN procedurecode c ON c.CodeNum=p.CodeNum "
    "LEFT JOIN provider v ON v.ProvNum=p.ProvNum "
    "WHERE p.ProcStatus=2 AND p.PatNum IN ({people}) "
    "AND NOT EXISTS (SELECT 1 FROM payplanlink l WHERE l.LinkType=2 AND l.FKey=p.ProcNum) "
    "AND NOT EXISTS (SELECT 1 FROM payplancharge o WHERE o.ChargeType=1 AND o.ProcNum=p.ProcNum)) t "
    "WHERE t.ProcFee*GREATEST(1, t.UnitQty+t.BaseUnits)+t.adjusted-t.paid-t.insured>0.004 AND t.ProcNum>{{after}} "
    "ORDER BY t.ProcNum LIMIT 100"
)
_CLAIMS = (
    "SELECT ClaimProcNum, ProcNum, Status, InsPayAmt, WriteOff, InsPayEst, WriteOffEst FROM claimproc "
    "WHERE ProcNum IN ({procedures}) AND ClaimProcNum>{{after}} ORDER BY ClaimProcNum LIMIT 100"
)
# At most one row a person and kind. Plans' own adjustments are paid through them.
_LOOSE = (
    "SELECT 'unearned' AS what, PatNum, SUM(SplitAmt) AS amount FROM paysplit WHERE PatNum IN ({people}) "
    "AND UnearnedType<>0 AND UnearnedType<>{hidden} AND ProcNum=0 GROUP BY PatNum "
    "UNION ALL SELECT 'loose' AS what, a.PatNum, SUM(a.AdjAmt-COALESCE((SELECT SUM(s.SplitAmt) FROM paysplit s "
    "WHERE s.AdjNum=a.AdjNum AND s.PayPlanNum=0), 0)) AS amount FROM adjustment a WHERE a.PatNum IN ({people}) "
    "AND a.ProcNum=0 AND NOT EXISTS (SELECT 1 FROM payplanlink l WHERE l.LinkType=1 AND l.FKey=a.AdjNum) "
    "GROUP BY a.PatNum LIMIT 100"
)


@dataclass
class Rows:
    """`procedures` carry the sums `adjusted` and `paid` (dollars); `loose` and `unearned` are cents by PatNum."""

    people: list[int]
    procedures: list[Row] = field(default_factory=list)
    claims: list[Row] = field(default_factory=list)
    loose: dict[int, int] = field(default_factory=dict)
    unearned: dict[int, int] = field(default_factory=dict)
    no_names: str = ""


def read(connection: Connection, office: Office, people: list[int]) -> Rows:
    """Everything about these people (PatNums, in this order). Raises OpenDentalError and Unreadable."""
    rows = Rows(people)
    if features.can_query(connection):
        _by_query(connection, office, rows)
    else:
        _by_resource(connection, office, rows)
    return rows


def _hidden_type(connection: Connection) -> int:
    """What is prepaid on a plan is the plan's."""
    found = connection.preferences.get("DynamicPayPlanPrepaymentUnearnedType", "")
    return int(found) if found.isdigit() else 0


def _by_query(connection: Connection, office: Office, rows: Rows) -> None:
    people = ",".join(map(str, rows.people))
    rows.procedures = list(office.query_all(_OPEN.format(people=people), "ProcNum"))
    if numbers := ",".join(str(Fields(row).key("ProcNum")) for row in rows.procedures):
        rows.claims = list(office.query_all(_CLAIMS.format(procedures=numbers), "ClaimProcNum"))
    for row in map(Fields, office.query(_LOOSE.format(people=people, hidden=_hidden_type(connection)))):
        kept = rows.unearned if row.text("what") == "unearned" else rows.loose
        kept[row.key("PatNum")] = row.cents("amount")


def _by_resource(connection: Connection, office: Office, rows: Rows) -> None:
    planned = _on_plans(connection, office, rows)
    for number in rows.people:
        splits = [Fields(row) for row in office.get_all("/paysplits", PatNum=number)]
        adjustments = [Fields(row) for row in office.get_all("/adjustments", PatNum=number)]
        rows.claims += office.get_all("/claimprocs", PatNum=number)
        paid = paid_outside_plans(splits, "ProcNum")
        for row in _completed(connection, office, number):
            facts = Fields(row)
            key = facts.key("ProcNum")
            own = [one for one in adjustments if is_of(one, facts)]
            if key not in planned["Procedure"]:
                adjusted = sum(one.cents("AdjAmt") for one in own)
                rows.procedures.append({**row, "adjusted": adjusted / 100, "paid": paid[key] / 100})
        _loose(connection, rows, number, splits, adjustments, planned["Adjustment"])


def _completed(connection: Connection, office: Office, pat_num: int) -> Iterable[Row]:
    only = {"ProcStatus": "C"} if features.at_least(connection, "25.2.21") else {}
    found = office.get_all("/procedurelogs", PatNum=pat_num, **only)
    return (row for row in found if Fields(row).text("ProcStatus") == "C")


def is_of(adjustment: Fields, procedure: Fields) -> bool:
    same = ("ProcNum", "PatNum", "ProvNum", "ClinicNum")
    return all(adjustment.integer(name, 0) == procedure.integer(name, 0) for name in same)


def paid_outside_plans(splits: list[Fields], key: str) -> defaultdict[int, int]:
    """Cents by the number that a split names as `key`."""
    found = defaultdict[int, int](int)
    for split in splits:
        if not split.integer("PayPlanNum", 0):
            found[split.integer(key, 0)] += split.cents("SplitAmt")
    return found


def _loose(
    connection: Connection, rows: Rows, pat_num: int, splits: list[Fields], adjustments: list[Fields], planned: set[int]
) -> None:
    hidden = _hidden_type(connection)
    kept = [
        one for one in splits if one.integer("UnearnedType", 0) not in (0, hidden) and not one.integer("ProcNum", 0)
    ]
    rows.unearned[pat_num] = sum(one.cents("SplitAmt") for one in kept)
    free = [one for one in adjustments if not one.integer("ProcNum", 0) and one.key("AdjNum") not in planned]
    paid = paid_outside_plans(splits, "AdjNum")
    rows.loose[pat_num] = sum(one.cents("AdjAmt") - paid[one.key("AdjNum")] for one in free)


def _on_plans(connection: Connection, office: Office, rows: Rows) -> dict[str, set[int]]:
    """Numbers of procedures and adjustments that the family's plans collect. Only 25.3.29 and later tell."""
    found: dict[str, set[int]] = {"Procedure": set(), "Adjustment": set()}
    plans = PayPlan.objects.filter(practice_id=connection.practice_id, patient__pat_num__in=rows.people, gone_at=None)
    for plan in plans.exclude(kind=PayPlan.Kind.INSURANCE):
        if plan.kind == PayPlan.Kind.OLD or not features.at_least(connection, "25.3.29"):
            rows.no_names = "This office's Open Dental does not tell which procedures are on a payment plan."
            return found
        for row in map(Fields, office.get_all("/payplanlinks", PayPlanNum=plan.pay_plan_num)):
            found.setdefault(row.text("LinkType"), set()).add(row.key("FKey"))
    return found
