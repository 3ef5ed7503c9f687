"""The circuit breaker of each office: once it could not be reached repeatedly, no job waits for it till a probe works.

Its state stands on the Connection, where all processes and people see it. pybreaker would hold a lock around the call,
so that jobs wait for each other, and its pauses don't grow.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Least

from core import pauses
from core.calendar import moment_words
from opendental import features, outbox
from opendental.client import Office
from opendental.errors import Busy, OpenDentalError, Throttled, UnableToReachOffice
from opendental.models import Connection
from payments import catch_up, upward
from payments.models import Alarm
from practices.models import Event

# Jobs in a row that could not reach the office.
OPENS_AT = 2
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(seconds=20), timedelta(minutes=5)
# Away for so long, a person should know.
ALARM_AFTER = timedelta(hours=1)
ALARM = "office-away"
NOT_REACHED = "Open Dental has not been reached since"
_MOST_FAILURES = 1000
# Silent offices are tried one after another, so that they never hold more than one thread of a worker.
_sick_bay = threading.BoundedSemaphore(1)


def waits_for_office() -> Q:
    """Due parts that could not be rechecked because the office was not reached."""
    return Q(wait_reason__startswith=NOT_REACHED) | Q(wait_reason__startswith=UnableToReachOffice.plain)


def is_open(connection: Connection) -> bool:
    return connection.failures >= OPENS_AT


def refusal(connection: Connection, now: datetime) -> str:
    """Why the office must not be asked now, for staff; '' = it may."""
    if is_open(connection) and connection.away_since is not None:
        return f"{NOT_REACHED} {moment_words(connection.away_since, connection.practice.zone, now)}"
    if _pauses(connection, now) and connection.next_try_at is not None:
        until = moment_words(connection.next_try_at, connection.practice.zone, now)
        return f"Open Dental asks us to slow down until {until}"
    return ""


def probe(connection: Connection, *, now: datetime) -> str:
    """Before polling: an office that could not be reached is asked something light, one at a time. '' = go on.

    Otherwise the reason to leave it alone. Returns at once unless this very job is the one that asks.
    """
    if not is_open(connection) and (reason := refusal(connection, now)):
        return reason
    if not connection.failures:
        return ""
    with _bed() as mine:
        if not mine or _pauses(connection, now) or not _claim(connection, now):
            return refusal(connection, now) or "Other offices are being tried first"
        return _ask(connection, now)


def holds_postings(connection: Connection, *, now: datetime) -> bool:
    """Before posting: what is due is put off until the next look at the office, and says why."""
    if reason := refusal(connection, now):
        outbox.hold(connection.practice_id, reason, now=now, until=connection.next_try_at or now)
    # Whether an office that was missed just now is there again is found out by reading, not by sending money.
    return bool(reason) or connection.failures > 0


@contextmanager
def _bed() -> Iterator[bool]:
    mine = _sick_bay.acquire(blocking=False)
    try:
        yield mine
    finally:
        if mine:
            _sick_bay.release()


def _pauses(connection: Connection, now: datetime) -> bool:
    return pauses.lasts(connection.next_try_at, now, longest=LONGEST_PAUSE)


def _claim(connection: Connection, now: datetime) -> bool:
    """One probe at a time over all processes. Should this one be killed, the next comes after the pause."""
    seen = Connection.objects.filter(pk=connection.pk, next_try_at=connection.next_try_at)
    return seen.update(next_try_at=now + pause(connection.failures)) == 1


def _ask(connection: Connection, now: datetime) -> str:
    office = Office(connection)
    try:
        if features.can_query(connection):
            office.query("SELECT NOW() AS t")
        else:
            office.get("/preferences", PrefName="ProgramVersion")
    except OpenDentalError as error:
        missed(connection, error, now=now)
        return refusal(connection, now) or error.reason
    reached(connection, now=now)
    return ""


def pause(failures: int) -> timedelta:
    """How long an office is left alone after so many failures in a row: 20 s, 40 s, … 5 minutes."""
    return pauses.growing(failures - OPENS_AT + 1, shortest=SHORTEST_PAUSE, longest=LONGEST_PAUSE)


def missed(connection: Connection, error: Exception, *, now: datetime) -> None:
    """A job failed. Only an office that could not be reached counts; one that refuses or denies has answered."""
    if isinstance(error, Busy):
        return
    if isinstance(error, Throttled):
        _set(connection, next_try_at=now + timedelta(seconds=error.retry_after))
    elif isinstance(error, UnableToReachOffice):
        _count(connection, now)
    elif isinstance(error, OpenDentalError):
        reached(connection, now=now)


@transaction.atomic
def _count(connection: Connection, now: datetime) -> None:
    """In one transaction, which the row's lock keeps apart from reached(): no alarm is raised after it was closed."""
    # Two jobs may fail at once: each counts.
    _set(
        connection,
        failures=Least(F("failures") + 1, Value(_MOST_FAILURES)),
        away_since=Coalesce(F("away_since"), Value(now)),
    )
    _set(connection, next_try_at=now + pause(connection.failures) if is_open(connection) else None)
    reason = refusal(connection, now)
    if connection.failures == OPENS_AT:
        _note(connection, "office_away", f"{reason}. What waits for it is tried again by itself", now)
    if connection.away_since is not None and now - connection.away_since >= ALARM_AFTER:
        text = f"{reason}: payments are not charged and not posted. It is tried again by itself."
        Alarm.raise_once(connection.practice_id, kind="OFFICE_AWAY", key=ALARM, text=text, about={}, now=now)


def reached(connection: Connection, *, now: datetime) -> None:
    """The office has answered: what waited for it goes on."""
    if not connection.failures and connection.next_try_at is None:
        return
    if _is_back(connection, now):
        outbox.let_go(connection.practice_id, NOT_REACHED, now=now)
        catch_up.let_go(waits_for_office(), now=now)
    upward.handlers.nudge(connection.practice_id)


@transaction.atomic
def _is_back(connection: Connection, now: datetime) -> bool:
    """Everything is as if nothing had been. True when the breaker was open; then its alarm closes with it."""
    was_away = Connection.objects.filter(pk=connection.pk, failures__gte=OPENS_AT).update(failures=0) == 1
    _set(connection, failures=0, away_since=None, next_try_at=None)
    if was_away:
        Alarm.close(connection.practice_id, key=ALARM, now=now, actor="sync")
        _note(connection, "office_back", "Open Dental is reached again", now)
    return was_away


def _set(connection: Connection, **changes: object) -> None:
    Connection.objects.filter(pk=connection.pk).update(**changes)
    connection.refresh_from_db(fields=["failures", "away_since", "next_try_at"])


def _note(connection: Connection, kind: str, text: str, now: datetime) -> None:
    Event.record(connection.practice_id, kind=kind, actor="sync", now=now, about={}, text=text)
