"""Reads patients from an office: those of a plan, those that changed, those that are gone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from opendental import quarantine, read, wire
from opendental.client import Office
from opendental.discover import clock_text
from opendental.fields import Unreadable
from opendental.models import Connection
from opendental.quarantine import Spoiled, key_of
from patients import mirror
from patients.models import Patient

_OVERLAP = timedelta(seconds=5)


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


def changed(office: Office, connection: Connection, *, now: datetime) -> int:
    """Store patients that changed since the last look (all of them at the first). Returns how many were read.

    The cursor is the office's clock of the first page, and moves after the rows are stored.
    """
    since = _overlapped(connection.patients_cursor)
    params = {"DateTStamp": since} if since else {}
    clock, count, page = "", 0, []
    spoiled: list[Spoiled] = []
    for row in office.get_all("/patients/Simple", **params):
        clock = clock or clock_text(row.get("serverDateTime"))
        try:
            page.append(wire.patient(row))
        except Unreadable as error:
            spoiled.append(Spoiled("patients", key_of(row, "PatNum"), str(error)))
        count += 1
        if len(page) >= 500:
            _keep(connection, page, now)
            page = []
    _keep(connection, page, now)
    quarantine.keep(connection.practice_id, spoiled, now=now)
    if clock:
        connection.patients_cursor = clock
        connection.save(update_fields=["patients_cursor"])
    return count


def _keep(connection: Connection, page: list[mirror.PatientFacts], now: datetime) -> None:
    stored = mirror.upsert(connection.practice_id, page, now=now)
    quarantine.release(connection.practice_id, "patients", stored, now=now)


def _overlapped(cursor: str) -> str:
    if not clock_text(cursor):
        return ""
    return (datetime.fromisoformat(cursor) - _OVERLAP).isoformat(" ", "seconds")
