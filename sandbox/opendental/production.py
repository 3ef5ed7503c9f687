"""What a plan's production is worth today, in the order in which it is charged."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.common.store import Row, Store
from sandbox.opendental.enums import ADJUSTMENT, COMPLETE, DELETED, PROCEDURE
from sandbox.opendental.money import cents
from sandbox.opendental.records import find, where

RECEIVED = (1, 4, 5, 7)  # Received, Supplemental, CapClaim, CapComplete: what was paid counts
EXPECTED = (0, 6, 8)  # NotReceived, Estimate, CapEstimate: what is estimated counts
KIND_ORDER = {3: 0, PROCEDURE: 1, ADJUSTMENT: 2}


@dataclass(frozen=True)
class Link:
    """One procedure or adjustment on a plan; `value` and `original` in cents."""

    number: int
    kind: int
    key: int
    value: int
    original: int
    planned: bool
    date: str
    provider: int
    clinic: int
    patient: int


def links_of(books: Store, plan: int) -> list[Link]:
    """The plan's production: completed before planned, older first, procedures before adjustments."""
    found = [_link(books, row) for row in where(books, "payplanlink", PayPlanNum=plan)]
    return sorted(
        filter(None, found), key=lambda link: (link.planned, link.date, KIND_ORDER.get(link.kind, 3), link.key)
    )


def _link(books: Store, row: Row) -> Link | None:
    if row["LinkType"] == PROCEDURE:
        source = find(books, "procedurelog", row["FKey"])
        original = portion(books, source) if source else 0
    else:
        source = find(books, "adjustment", row["FKey"])
        original = open_adjustment(books, source) if source else 0
    if source is None:
        return None
    planned = row["LinkType"] == PROCEDURE and source["ProcStatus"] != COMPLETE
    made = source["ProcDate"] if row["LinkType"] == PROCEDURE else source["AdjDate"]
    value = cents(row["AmountOverride"]) or original
    where_done = (source["ProvNum"], source["ClinicNum"], source["PatNum"])
    return Link(row["PayPlanLinkNum"], row["LinkType"], row["FKey"], value, original, planned, made, *where_done)


def portion(books: Store, procedure: Row) -> int:
    """The patient's part of a procedure in cents, less what was already paid on it outside plans; never below zero."""
    if procedure["ProcStatus"] == DELETED:
        return 0
    owed = patient_portion(books, procedure)
    paid = books.one(
        "SELECT SUM(SplitAmt) AS paid FROM paysplit WHERE ProcNum=? AND PayPlanNum=0", procedure["ProcNum"]
    )
    return max(0, owed - cents((paid and paid["paid"]) or 0))


def patient_portion(books: Store, procedure: Row) -> int:
    """Fee × units − insurance − write-offs + adjustments attached by the same patient, provider and clinic."""
    fee = cents(procedure["ProcFee"]) * max(1, procedure["UnitQty"] + procedure["BaseUnits"])
    if procedure["ProcStatus"] != COMPLETE:
        fee -= cents(procedure["Discount"]) + cents(procedure["DiscountPlanAmt"])
    attached = where(
        books,
        "adjustment",
        ProcNum=procedure["ProcNum"],
        PatNum=procedure["PatNum"],
        ProvNum=procedure["ProvNum"],
        ClinicNum=procedure["ClinicNum"],
    )
    owed: int = fee - insurance(books, procedure["ProcNum"]) + sum(cents(row["AdjAmt"]) for row in attached)
    return owed


def insurance(books: Store, procedure: int) -> int:
    """Insurance paid or estimated plus write-offs on a procedure, in cents."""
    rows = where(books, "claimproc", ProcNum=procedure)
    claimed = any(row["Status"] in (0, *RECEIVED) for row in rows)
    total = 0
    for row in rows:
        if row["Status"] in RECEIVED:
            total += cents(row["InsPayAmt"]) + cents(row["WriteOff"])
        elif row["Status"] == 0 or (row["Status"] in EXPECTED and not claimed):
            total += cents(row["InsPayEst"]) + max(0, cents(row["WriteOffEst"]))
    return total


def open_adjustment(books: Store, adjustment: Row) -> int:
    """An adjustment less what was paid on it outside plans, in cents; never below zero."""
    paid = books.one("SELECT SUM(SplitAmt) AS paid FROM paysplit WHERE AdjNum=? AND PayPlanNum=0", adjustment["AdjNum"])
    return max(0, cents(adjustment["AdjAmt"]) - cents((paid and paid["paid"]) or 0))
