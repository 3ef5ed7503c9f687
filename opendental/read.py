"""Reads one plan from an office, over the network only: its row, charges, splits, and what stands in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from opendental import features, wire
from opendental.client import PAGE, Office, Row
from opendental.errors import NotFoundInOffice, UnableToReachOffice
from opendental.models import Connection
from opendental.quarantine import Spoiled, key_of
from opendental.wire import ChargeFacts, PlanFacts, SplitFacts, Unreadable
from patients.mirror import PatientFacts
from payplans.models import PayPlan

T = TypeVar("T")
_CHARGES = (
    "SELECT PayPlanChargeNum, PayPlanNum, ChargeDate, Principal, Interest, Note, ChargeType, IsOffset "
    "FROM payplancharge WHERE PayPlanNum IN ({plans}) AND PayPlanChargeNum>{{after}} "
    "ORDER BY PayPlanChargeNum LIMIT 100"
)
_SPLITS = (
    "SELECT SplitNum, PayNum, PayPlanNum, PayPlanChargeNum, SplitAmt, PayPlanDebitType, UnearnedType, DatePay "
    "FROM paysplit WHERE PayPlanNum IN ({plans}) AND SplitNum>{{after}} ORDER BY SplitNum LIMIT 100"
)
# A deleted person keeps a row (PatStatus 4). A card without a plan is charged for the family's balance, plans included.
_OBSTACLES = (
    "SELECT 'card' AS what, p.PayPlanNum AS plan, 0 AS num FROM payplan p INNER JOIN creditcard c "
    "ON c.IsRecurringActive=1 AND c.ChargeAmt>0 AND (c.DateStop<'1880-01-01' OR c.DateStop>=CURDATE()) "
    "AND (c.PayPlanNum=p.PayPlanNum OR (c.PayPlanNum=0 AND c.PatNum IN (p.PatNum, p.Guarantor))) "
    "WHERE p.PayPlanNum IN ({plans}) "
    "UNION SELECT 'gone' AS what, p.PayPlanNum AS plan, t.PatNum AS num FROM payplan p INNER JOIN patient t "
    "ON t.PatStatus=4 AND t.PatNum IN (p.PatNum, p.Guarantor) WHERE p.PayPlanNum IN ({plans}) LIMIT 100"
)


@dataclass(frozen=True)
class Reading:
    """One plan as the office has it now. None = this office can't tell."""

    plan: PlanFacts
    charges: tuple[ChargeFacts, ...] | None
    splits: tuple[SplitFacts, ...] | None
    office_card_active: bool | None
    gone_people: frozenset[int]
    spoiled: tuple[Spoiled, ...] = ()


class Source:
    """Where rows of one plan come from: the ways differ by version and permissions. None = this office has no way."""

    def __init__(self, office: Office, connection: Connection) -> None:
        self.office = office
        self.connection = connection
        self.can_query = features.can_query(connection)

    def charges(self, plan: int) -> Iterable[Row] | None:
        if features.at_least(self.connection, "23.2.28"):
            return self.office.get_all("/payplancharges", PayPlanNum=plan)
        return self.office.query_all(_CHARGES.format(plans=plan), "PayPlanChargeNum") if self.can_query else None

    def splits(self, plan: int, people: set[int]) -> Iterable[Row] | None:
        if self.can_query:
            return self.office.query_all(_SPLITS.format(plans=plan), "SplitNum")
        return self._splits_of_people(plan, people) if features.can_read_splits(self.connection) else None

    def obstacles(self, plan: int) -> list[Row] | None:
        return self.office.query(_OBSTACLES.format(plans=plan)) if self.can_query else None

    def _splits_of_people(self, plan: int, people: set[int]) -> list[Row]:
        """There is no filter by plan; the money may stand on the patient's or the guarantor's account."""
        found: dict[str, Row] = {}
        for number in sorted(people):
            try:
                rows = _all_splits(self.office, number)
            except NotFoundInOffice:
                continue
            found |= {str(row.get("SplitNum")): row for row in rows if str(row.get("PayPlanNum")) == str(plan)}
        return list(found.values())


class Batch(Source):
    """The rows of many plans, fetched together by SQL: a first load would take four calls a plan otherwise."""

    SIZE = 15

    def __init__(self, office: Office, connection: Connection, plans: Sequence[int]) -> None:
        super().__init__(office, connection)
        listed = ",".join(str(number) for number in plans)
        self._charges = _by_plan(office.query_all(_CHARGES.format(plans=listed), "PayPlanChargeNum"), "PayPlanNum")
        self._splits = _by_plan(office.query_all(_SPLITS.format(plans=listed), "SplitNum"), "PayPlanNum")
        rows = office.query(_OBSTACLES.format(plans=listed))
        # A full page may hide the obstacles of some plan: then each plan is asked for by itself.
        self._obstacles = None if len(rows) >= PAGE else _by_plan(rows, "plan")

    def charges(self, plan: int) -> Iterable[Row] | None:
        return self._charges.get(plan, [])

    def splits(self, plan: int, people: set[int]) -> Iterable[Row] | None:
        return self._splits.get(plan, [])

    def obstacles(self, plan: int) -> list[Row] | None:
        return super().obstacles(plan) if self._obstacles is None else self._obstacles.get(plan, [])


def _by_plan(rows: Iterable[Row], column: str) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(int(row[column]), []).append(row)
    return found


def plan_row(office: Office, connection: Connection, pay_plan_num: int, pat_num: int) -> Row | None:
    """The plan's row, None when Open Dental has no such plan. `pat_num` may be out of date or 0.

    Raises NotFoundInOffice when the patient is not there any more and nothing else leads to the plan.
    """
    if features.at_least(connection, "24.4.30"):
        try:
            return office.rows(office.get(f"/payplans/{pay_plan_num}"), "/payplans")[0]
        except NotFoundInOffice:
            return None
    if features.can_query(connection):
        found = office.query(f"SELECT PatNum FROM payplan WHERE PayPlanNum={pay_plan_num}")  # noqa: S608
        if not found:
            return None
        pat_num = int(found[0]["PatNum"])
    rows = office.get_all("/payplans", PatNum=pat_num)
    return next((row for row in rows if str(row.get("PayPlanNum")) == str(pay_plan_num)), None)


def details(source: Source, plan: PlanFacts) -> Reading:
    """Charges, splits and obstacles of a plan whose row was read."""
    if plan.kind == PayPlan.Kind.INSURANCE:
        # Listed, never charged: nothing more of it is needed.
        return Reading(plan, (), (), False, frozenset())
    spoiled: list[Spoiled] = []
    charges = _charges(source, plan.pay_plan_num, spoiled)
    splits = _splits(source, plan.pay_plan_num, {plan.pat_num, plan.guarantor_num}, spoiled)
    obstacles = source.obstacles(plan.pay_plan_num)
    gone = frozenset(int(row["num"]) for row in obstacles or [] if row["what"] == "gone")
    card = None if obstacles is None else any(row["what"] == "card" for row in obstacles)
    return Reading(plan, charges, splits, card, gone, tuple(spoiled))


def _charges(source: Source, plan: int, spoiled: list[Spoiled]) -> tuple[ChargeFacts, ...] | None:
    rows = source.charges(plan)
    if rows is None:
        return None
    read = _read_each(rows, "payplancharges", "PayPlanChargeNum", wire.charge, plan, spoiled)
    return tuple(charge for charge in read if charge is not None)


def _splits(source: Source, plan: int, people: set[int], spoiled: list[Spoiled]) -> tuple[SplitFacts, ...] | None:
    rows = source.splits(plan, people)
    return None if rows is None else tuple(_read_each(rows, "paysplits", "SplitNum", wire.split, plan, spoiled))


def _all_splits(office: Office, pat_num: int) -> list[Row]:
    # The order of this list is not defined, so pages may overlap; a row missed that way would be money missed.
    for _ in range(2):
        rows = list(office.get_all("/paysplits", PatNum=pat_num))
        if len({str(row.get("SplitNum")) for row in rows}) == len(rows):
            return rows
    raise UnableToReachOffice("GET /paysplits", explanation="The pages of a long list of splits overlap.")


def _read_each(
    rows: Iterable[Row],
    resource: str,
    key: str,
    read: Callable[[dict[str, Any]], T],
    plan: int,
    spoiled: list[Spoiled],
) -> list[T]:
    done: list[T] = []
    for row in rows:
        try:
            done.append(read(row))
        except Unreadable as error:
            spoiled.append(Spoiled(resource, f"{plan}/{key_of(row, key)}"[:40], str(error)))
    return done


def person(office: Office, pat_num: int) -> PatientFacts | None:
    """One patient; None when Open Dental has deleted or merged them away. Raises Unreadable."""
    try:
        row = office.rows(office.get(f"/patients/{pat_num}"), "/patients")[0]
    except NotFoundInOffice:
        return None
    facts = wire.patient(row)
    return None if facts.status == "Deleted" else facts
