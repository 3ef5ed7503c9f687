"""Procedures, adjustments and insurance estimates entering the books, and what follows for plans and balances."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox.opendental import aging, enums, plans
from sandbox.opendental.office import Office
from sandbox.opendental.records import change, find, insert, stamp


def add_procedure(office: Office, values: dict[str, Any], now: datetime) -> int:
    """Insert a procedure (database values); its number."""
    stamps = {"DateTStamp": stamp(now), "SecDateEntry": stamp(now), "DateEntryC": now.date().isoformat()}
    standard = {
        "ProvNum": 1,
        "UnitQty": 1,
        "DateTP": now.date().isoformat(),
        "ProcTime": "00:00:00",
        "ProcTimeEnd": "00:00:00",
    }
    number = insert(office.books, "procedurelog", **{**standard, **values}, **stamps)
    aging.refresh(office, values["PatNum"], now.date())
    return number


def edit_procedure(office: Office, number: int, values: dict[str, Any], now: datetime) -> None:
    change(office.books, "procedurelog", number, **values, DateTStamp=stamp(now))
    _follow(office, enums.PROCEDURE, number, now)


def add_adjustment(office: Office, values: dict[str, Any], now: datetime) -> int:
    """Insert an adjustment (database values); its number."""
    number = insert(office.books, "adjustment", **values, DateEntry=now.date().isoformat(), SecDateTEdit=stamp(now))
    _adjusted(office, number, now)
    return number


def edit_adjustment(office: Office, number: int, values: dict[str, Any], now: datetime) -> None:
    change(office.books, "adjustment", number, **values, SecDateTEdit=stamp(now))
    _adjusted(office, number, now)


def _adjusted(office: Office, number: int, now: datetime) -> None:
    row = find(office.books, "adjustment", number)
    if row is not None and row["ProcNum"]:
        _follow(office, enums.PROCEDURE, row["ProcNum"], now)
    _follow(office, enums.ADJUSTMENT, number, now)


def add_insurance(office: Office, values: dict[str, Any], now: datetime) -> int:
    """Insert an insurance estimate or payment on a procedure; its number."""
    stamps = {"DateEntry": now.date().isoformat(), "DateCP": now.date().isoformat(), "SecDateTEdit": stamp(now)}
    number = insert(office.books, "claimproc", **values, **stamps)
    _follow(office, enums.PROCEDURE, values["ProcNum"], now)
    return number


def _follow(office: Office, kind: int, key: int, now: datetime) -> None:
    plans.refresh_linked(office.books, kind, key)
    row = find(office.books, "procedurelog" if kind == enums.PROCEDURE else "adjustment", key)
    if row is not None:
        aging.refresh(office, row["PatNum"], now.date())
