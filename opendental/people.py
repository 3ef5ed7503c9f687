"""Reads patients from an office: those of a plan, those that changed, those that are gone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from opendental import features, quarantine, read, walks, wire
from opendental.client import PAGE, Office, Row
from opendental.discover import clock_text, overlapped
from opendental.fields import Unreadable
from opendental.models import Connection
from opendental.quarantine import Spoiled, key_of
from opendental.walks import Budget
from patients import mirror
from patients.models import Patient

WALK = "patients"
# A place in the list is no PatNum: the office may be given the permission Queries in the middle of the walk.
_BY_OFFSET = "patients by offset"
_LONG_AGO = "1880-01-01 00:00:00"
# The list without SQL has no key to go on from: a patient deleted meanwhile moves it up by one.
_STEP_BACK = 10
_PATIENTS = (
    "SELECT PatNum, Guarantor, FName, LName, Preferred, Birthdate, WirelessPhone, HmPhone, WkPhone, Email, Zip, "
    "Language, TxtMsgOk, PatStatus, ClinicNum, EstBalance, BalTotal, NOW() AS serverDateTime "
    "FROM patient WHERE DateTStamp>='{since}' AND PatNum>{after} ORDER BY PatNum LIMIT 100"
)


def of_plan(
    office: Office, practice_id: int, pat_nums: Iterable[int], gone: frozenset[int], *, now: datetime
) -> dict[int, Patient]:
    """Our rows of these patients, by PatNum. Unknown ones are asked for; gone ones are marked. Raises Unreadable."""
    wanted = set(pat_nums)
    mirror.mark_gone(practice_id, gone, now=now)
    found = {row.pat_num: row for row in Patient.objects.filter(practice_id=practice_id, pat_num__in=wanted)}
    for number in sorted(wanted - found.keys()):
        facts = read.person(office, number)
        if facts is None:
            found[number] = mirror.placeholder(practice_id, number, now=now)
        else:
            found |= mirror.upsert(practice_id, [facts], now=now)
    return found


def walk(office: Office, connection: Connection, budget: Budget) -> None:
    """Store patients that changed since the last walk (all of them at the first), page by page.

    Goes on where it stopped. The cursor is the office's clock of the first page and moves when the walk is over.
    """
    by_key = features.can_query(connection)
    name, turn = (WALK, _page_by_key) if by_key else (_BY_OFFSET, _page_by_offset)
    begun = {"since": overlapped(connection.patients_cursor), "after": 0, "clock": ""}
    place = {**begun, **(walks.place(connection, name) or {})}
    while True:
        rows, after = turn(office, place)
        place["clock"] = place["clock"] or clock_text(rows[0].get("serverDateTime") if rows else "")
        _store(connection, rows, budget.now)
        place["after"] = after
        if len(rows) < PAGE:
            connection.patients_cursor = place["clock"] or connection.patients_cursor
            connection.save(update_fields=["patients_cursor"])
            walks.end(connection, name)
            return
        walks.keep(connection, name, **place)
        if budget.is_spent:
            return


def _page_by_key(office: Office, place: dict[str, Any]) -> tuple[list[Row], int]:
    rows = office.query(_PATIENTS.format(since=place["since"] or _LONG_AGO, after=place["after"]))
    return rows, int(rows[-1]["PatNum"]) if rows else 0


def _page_by_offset(office: Office, place: dict[str, Any]) -> tuple[list[Row], int]:
    wanted = {"DateTStamp": place["since"]} if place["since"] else {}
    at = max(0, place["after"] - _STEP_BACK)
    rows = office.rows(office.get("/patients/Simple", **wanted, **({"Offset": at} if at else {})), "/patients/Simple")
    return rows, at + len(rows)


def _store(connection: Connection, rows: list[Row], now: datetime) -> None:
    practice_id = connection.practice_id
    known: list[mirror.PatientFacts] = []
    gone: list[int] = []
    spoiled: list[Spoiled] = []
    for row in rows:
        try:
            facts = wire.patient(row)
        except Unreadable as error:
            spoiled.append(Spoiled("patients", key_of(row, "PatNum"), str(error)))
            continue
        if facts.status == "Deleted":
            gone.append(facts.pat_num)
        else:
            known.append(facts)
    stored = mirror.upsert(practice_id, known, now=now)
    mirror.mark_gone(practice_id, gone, now=now)
    quarantine.release(practice_id, "patients", stored, now=now)
    quarantine.keep(practice_id, spoiled, now=now)
