"""Reads one plan from an office, over the network only: its row, charges, splits, and what stands in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from opendental import features, wire
from opendental.client import Office, Row
from opendental.errors import NotFoundInOffice, UnableToReachOffice
from opendental.models import Connection
from opendental.quarantine import Spoiled, key_of
from opendental.wire import ChargeFacts, PlanFacts, SplitFacts, Unreadable
from patients.mirror import PatientFacts
from payplans.models import PayPlan

T = TypeVar("T")
_CHARGES = (
    "SELECT PayPlanChargeNum, ChargeDate, Principal, Interest, Note, ChargeType, IsOffset FROM payplancharge "
    "WHERE PayPlanNum={plan} AND PayPlanChargeNum>{{after}} ORDER BY PayPlanChargeNum LIMIT 100"
)
_SPLITS = (
    "SELECT SplitNum, PayNum, PayPlanNum, PayPlanChargeNum, SplitAmt, PayPlanDebitType, UnearnedType, DatePay "
    "FROM paysplit WHERE PayPlanNum={plan} AND SplitNum>{{after}} ORDER BY SplitNum LIMIT 100"
)
# A deleted person keeps a row (PatStatus 4). A card without a plan is charged for the family's balance, plans included.
_OBSTACLES = (
    "SELECT 'card' AS what, CreditCardNum AS num FROM creditcard WHERE IsRecurringActive=1 AND ChargeAmt>0 "
    "AND (DateStop<'1880-01-01' OR DateStop>=CURDATE()) "
    "AND (PayPlanNum={plan} OR (PayPlanNum=0 AND PatNum IN ({people}))) "
    "UNION SELECT 'gone' AS what, PatNum AS num FROM patient WHERE PatStatus=4 AND PatNum IN ({people}) LIMIT 100"
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
    spoiled_resources: frozenset[str] = frozenset()


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


def details(office: Office, connection: Connection, plan: PlanFacts) -> Reading:
    """Charges, splits and obstacles of a plan whose row was read."""
    if plan.kind == PayPlan.Kind.INSURANCE:
        # Listed, never charged: nothing more of it is needed.
        return Reading(plan, (), (), False, frozenset())
    spoiled: list[Spoiled] = []
    people = {plan.pat_num, plan.guarantor_num}
    charges = _charges(office, connection, plan.pay_plan_num, spoiled)
    splits = _splits(office, connection, plan.pay_plan_num, people, spoiled)
    card, gone = _obstacles(office, connection, plan)
    resources = frozenset(row.resource for row in spoiled)
    return Reading(plan, charges, splits, card, gone, tuple(spoiled), resources)


def rows_of(
    office: Office, connection: Connection, plan: int, people: set[int]
) -> tuple[tuple[ChargeFacts, ...], tuple[SplitFacts, ...]]:
    """Charges and splits of a plan at this moment. Raises Unreadable when a row is not understood."""
    spoiled: list[Spoiled] = []
    charges = _charges(office, connection, plan, spoiled)
    splits = _splits(office, connection, plan, people, spoiled)
    if spoiled:
        raise Unreadable(spoiled[0].reason)
    return charges or (), splits or ()


def _charges(
    office: Office, connection: Connection, plan: int, spoiled: list[Spoiled]
) -> tuple[ChargeFacts, ...] | None:
    if features.at_least(connection, "23.2.28"):
        rows: Iterable[Row] = office.get_all("/payplancharges", PayPlanNum=plan)
    elif features.can_query(connection):
        rows = office.query_all(_CHARGES.format(plan=plan), "PayPlanChargeNum")
    else:
        return None
    read = _read_each(rows, "payplancharges", "PayPlanChargeNum", wire.charge, spoiled)
    return tuple(charge for charge in read if charge is not None)


def _splits(
    office: Office, connection: Connection, plan: int, people: set[int], spoiled: list[Spoiled]
) -> tuple[SplitFacts, ...] | None:
    if features.can_query(connection):
        rows: Iterable[Row] = office.query_all(_SPLITS.format(plan=plan), "SplitNum")
    elif features.can_read_splits(connection):
        rows = _splits_of_people(office, plan, people)
    else:
        return None
    return tuple(_read_each(rows, "paysplits", "SplitNum", wire.split, spoiled))


def _splits_of_people(office: Office, plan: int, people: set[int]) -> list[Row]:
    """There is no filter by plan; the money may stand on the patient's or the guarantor's account."""
    found: dict[str, Row] = {}
    for number in sorted(people):
        try:
            for row in _all_splits(office, number):
                if str(row.get("PayPlanNum")) == str(plan):
                    found[str(row.get("SplitNum"))] = row
        except NotFoundInOffice:
            continue
    return list(found.values())


def _all_splits(office: Office, pat_num: int) -> list[Row]:
    # The order of this list is not defined, so pages may overlap; a row missed that way would be money missed.
    for _ in range(2):
        rows = list(office.get_all("/paysplits", PatNum=pat_num))
        if len({str(row.get("SplitNum")) for row in rows}) == len(rows):
            return rows
    raise UnableToReachOffice("GET /paysplits", explanation="The pages of a long list of splits overlap.")


def _obstacles(office: Office, connection: Connection, plan: PlanFacts) -> tuple[bool | None, frozenset[int]]:
    if not features.can_query(connection):
        return None, frozenset()
    people = ",".join(str(number) for number in sorted({plan.pat_num, plan.guarantor_num}))
    rows = office.query(_OBSTACLES.format(plan=plan.pay_plan_num, people=people))
    gone = frozenset(int(row["num"]) for row in rows if row["what"] == "gone")
    return any(row["what"] == "card" for row in rows), gone


def _read_each(
    rows: Iterable[Row], resource: str, key: str, read: Callable[[dict[str, Any]], T], spoiled: list[Spoiled]
) -> list[T]:
    done: list[T] = []
    for row in rows:
        try:
            done.append(read(row))
        except Unreadable as error:
            spoiled.append(Spoiled(resource, key_of(row, key), str(error)))
    return done


def person(office: Office, pat_num: int) -> PatientFacts | None:
    """One patient; None when Open Dental has deleted or merged them away. Raises Unreadable."""
    try:
        row = office.rows(office.get(f"/patients/{pat_num}"), "/patients")[0]
    except NotFoundInOffice:
        return None
    facts = wire.patient(row)
    return None if facts.status == "Deleted" else facts
