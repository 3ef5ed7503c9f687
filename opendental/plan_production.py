"""What a new plan may collect: a patient's finished and planned work and loose charges that are on no plan yet.

Its value is Open Dental's (opendental-api 5.1): the patient's portion less what was paid on it outside plans.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from opendental import account_rows, breaker, features, plan_refusals
from opendental.account import insurance
from opendental.client import Office, Row
from opendental.errors import OpenDentalError, TooOldVersion
from opendental.fields import Fields, Unreadable
from opendental.models import Connection
from payments.upward import UnableToReadAccount
from payplans.models import PayPlan
from payplans.schedule import LinkKind, Production

CATEGORIES = 47
_DONE, _PLANNED = "C", "TP"


@dataclass(frozen=True)
class Work:
    """One procedure or adjustment (`number` in its table) and what the patient still owes of it, in cents."""

    kind: LinkKind
    number: int
    day: date | None
    code: str
    description: str
    value_cents: int
    is_complete: bool = True

    @property
    def key(self) -> str:
        """As the form names it: "Procedure:848"."""
        return f"{self.kind.value}:{self.number}"

    def production(self) -> Production:
        return Production(self.value_cents, self.is_complete, self.key, self.day or date.min, self.kind, self.number)


@dataclass(frozen=True)
class Offer:
    """Everything that can be put on a plan of this patient now, and the office's categories of plans by DefNum."""

    read_at: datetime
    works: tuple[Work, ...]
    categories: tuple[tuple[int, str], ...] = ()


def read(practice_id: int, pat_num: int, now: datetime) -> Offer:
    """As Open Dental has it now. Raises UnableToReadAccount with a sentence for staff."""
    connection = Connection.objects.filter(practice_id=practice_id).first()
    if connection is None:
        raise UnableToReadAccount("Open Dental is not connected.")
    if reason := breaker.refusal(connection, now) or plan_refusals.before(connection):
        raise UnableToReadAccount(reason)
    try:
        office = Office(connection, urgent=True)
        return Offer(now, tuple(_works(connection, office, pat_num)), _categories(connection, office))
    except OpenDentalError as error:
        breaker.missed(connection, error, now=now)
        by_hand = f" {plan_refusals.BY_HAND}" if isinstance(error, TooOldVersion) else ""
        raise UnableToReadAccount(f"{error.reason}{by_hand}") from error
    except Unreadable as error:
        raise UnableToReadAccount(f"Open Dental's answer about this account can't be understood: {error}.") from error


def _categories(connection: Connection, office: Office) -> tuple[tuple[int, str], ...]:
    if not features.at_least(connection, "25.3.31"):
        return ()
    rows = [Fields(row) for row in office.get_all("/definitions", Category=CATEGORIES)]
    return tuple((row.key("DefNum"), row.text("ItemName")[:80]) for row in rows if not row.flag("isHidden"))


def _works(connection: Connection, office: Office, pat_num: int) -> list[Work]:
    splits = [Fields(row) for row in office.get_all("/paysplits", PatNum=pat_num)]
    adjustments = [Fields(row) for row in office.get_all("/adjustments", PatNum=pat_num)]
    claims = defaultdict[int, list[Fields]](list)
    for claim in map(Fields, office.get_all("/claimprocs", PatNum=pat_num)):
        claims[claim.integer("ProcNum", 0)].append(claim)
    taken = _on_plans(connection, office, pat_num)
    paid = account_rows.paid_outside_plans(splits, "ProcNum")
    found = [
        _procedure(row, claims[row.key("ProcNum")], adjustments, paid[row.key("ProcNum")])
        for row in map(Fields, office.get_all("/procedurelogs", PatNum=pat_num))
        if row.text("ProcStatus") in (_DONE, _PLANNED)
    ]
    found += _loose(adjustments, account_rows.paid_outside_plans(splits, "AdjNum"))
    free = [one for one in found if one.value_cents > 0 and one.key not in taken]
    return sorted(free, key=lambda one: (not one.is_complete, one.day or date.min, one.number))


def _procedure(row: Fields, claims: list[Fields], adjustments: list[Fields], paid_cents: int) -> Work:
    is_complete = row.text("ProcStatus") == _DONE
    units = max(1, row.integer("UnitQty", 0) + row.integer("BaseUnits", 0))
    adjusted = sum(one.cents("AdjAmt") for one in adjustments if account_rows.is_of(one, row))
    value = row.cents("ProcFee") * units + adjusted - sum(insurance(claims)) - paid_cents
    if not is_complete and row.text("Discount"):
        value -= row.cents("Discount")
    return Work(
        LinkKind.PROCEDURE, row.key("ProcNum"), row.day("ProcDate"), row.text("procCode")[:20],
        row.text("descript")[:200], max(0, value), is_complete,
    )  # fmt: skip


def _loose(adjustments: Iterable[Fields], paid: dict[int, int]) -> list[Work]:
    """Positive ones that hang on no procedure: the others Open Dental puts on no plan."""
    return [
        Work(
            LinkKind.ADJUSTMENT, one.key("AdjNum"), one.day("AdjDate"), "", one.text("adjType")[:200],
            max(0, one.cents("AdjAmt") - paid[one.key("AdjNum")]),
        )
        for one in adjustments
        if not one.integer("ProcNum", 0) and one.cents("AdjAmt") > 0
    ]  # fmt: skip


def _on_plans(connection: Connection, office: Office, pat_num: int) -> set[str]:
    """Keys of what other plans of this patient collect, where the office tells; else Open Dental refuses it later."""
    plans = PayPlan.objects.filter(practice_id=connection.practice_id, patient__pat_num=pat_num, gone_at=None)
    numbers = list(plans.filter(kind=PayPlan.Kind.DYNAMIC).values_list("pay_plan_num", flat=True))
    return {_key(row) for row in _links(connection, office, numbers)} if numbers else set()


def procedures_on(connection: Connection, office: Office, pay_plan_num: int) -> list[int]:
    """ProcNums of the work on this plan, where the office tells; [] where it does not. Raises OpenDentalError."""
    linked = map(Fields, _links(connection, office, [pay_plan_num]))
    return sorted(one.key("FKey") for one in linked if one.choice("LinkType", _LINK_TYPES) == "Procedure")


def _links(connection: Connection, office: Office, plans: list[int]) -> list[Row]:
    if features.can_query(connection):
        listed = ",".join(map(str, plans))
        sql = f"SELECT PayPlanLinkNum, LinkType, FKey FROM payplanlink WHERE PayPlanNum IN ({listed})"  # noqa: S608
        return list(
            office.query_all(f"{sql} AND PayPlanLinkNum>{{after}} ORDER BY PayPlanLinkNum LIMIT 100", "PayPlanLinkNum")
        )
    if not features.at_least(connection, "25.3.29"):
        return []
    return [row for plan in plans for row in office.get_all("/payplanlinks", PayPlanNum=plan)]


_LINK_TYPES = ("None", "Adjustment", "Procedure", "OrthoCase")


def _key(row: Row) -> str:
    fields = Fields(row)
    return f"{fields.choice('LinkType', _LINK_TYPES)}:{fields.key('FKey')}"
