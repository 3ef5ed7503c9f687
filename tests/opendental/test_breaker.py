"""The breaker of an office: opens after repeated silence, costs nothing while open, probes and closes by itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import httpx
import pytest

from benchmarks import offices
from core import clock
from opendental import breaker, client, errors, pages, recheck, tasks
from opendental.models import Connection
from ops import ports
from payments import upward
from payments.models import Alarm, DuePart, LedgerPosting
from payments.upward import UnableToRecheck
from practices.models import Event, Practice
from tests import factories
from tests.opendental.desk import collect

SECOND = timedelta(seconds=1)
AWAY = "Open Dental has not been reached since 11:00 AM"
Stage = tuple[offices.Running, Connection]


@pytest.fixture
def office(practice: Practice, now: datetime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """An office that answers in no time, and limits short enough for tests."""
    short = {"connect": 1, "write": 1, "pool": 1}
    monkeypatch.setattr(client, "FIRST", httpx.Timeout(**short, read=0.3))
    monkeypatch.setattr(client, "PROBE", httpx.Timeout(**short, read=0.2))
    monkeypatch.setattr(upward.handlers, "nudge", lambda practice_id: None)
    at(monkeypatch, now)
    with offices.Running(ports.free_port()) as running:
        connection = Connection.objects.create(
            practice=practice, base_url=running.address("maple"), developer_key="d", customer_key="c", mode="SERVICE",
            connected_at=now, version="25.4.10", permissions=["ApiQueries", "ApiPayments"], pay_type_num=1,
        )  # fmt: skip
        yield running, connection


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr(clock, "now", lambda: moment)


def pull(practice: Practice) -> str:
    return str(tasks.pull_one(practice_id=practice.pk))


def state(connection: Connection) -> tuple[int, datetime | None, datetime | None]:
    found = Connection.objects.get(pk=connection.pk)
    return found.failures, found.away_since, found.next_try_at


def test_two_jobs_without_an_answer_open_it_and_the_third_costs_no_question(
    office: Stage, practice: Practice, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, connection = office
    running.offices.behavior["maple"] = offices.HANGS
    assert "No answer in time" in pull(practice)
    assert state(connection) == (1, now, None)
    at(monkeypatch, now + 20 * SECOND)
    assert pull(practice) == AWAY
    assert state(connection) == (2, now, now + 40 * SECOND)
    asked, started = running.offices.asked["maple"], time.monotonic()
    at(monkeypatch, now + 39 * SECOND)
    assert pull(practice) == AWAY
    assert (running.offices.asked["maple"], asked) == (2, 2)
    assert time.monotonic() - started < 0.2
    assert Event.objects.get(kind="office_away").text == f"{AWAY}. What waits for it is tried again by itself"


def test_it_probes_by_itself_with_growing_pauses_and_closes_at_the_first_answer(
    office: Stage, practice: Practice, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, connection = office
    running.offices.behavior["maple"] = offices.HANGS
    pauses, moment = [], now
    for _ in range(8):
        at(monkeypatch, moment)
        pull(practice)
        pauses.append(((state(connection)[2] or moment) - moment).total_seconds())
        moment = state(connection)[2] or moment
    assert pauses == [0, 20, 40, 80, 160, 300, 300, 300]
    assert running.offices.asked["maple"] == 8
    running.offices.behavior["maple"] = offices.HEALTHY
    at(monkeypatch, moment)
    assert pull(practice) == ""
    assert state(connection) == (0, None, None)
    assert Event.objects.filter(kind="office_back").count() == 1


def test_a_refused_connection_opens_it_too_and_a_refused_key_does_not(
    office: Stage, practice: Practice, now: datetime
) -> None:
    _, connection = office
    for _ in range(3):
        breaker.missed(connection, errors.NotAllowed("GET /x"), now=now)
        breaker.missed(connection, errors.Refused("GET /x"), now=now)
        breaker.missed(connection, errors.Busy("GET /x", retry_after=5), now=now)
    assert state(connection) == (0, None, None)
    Connection.objects.update(base_url=f"http://127.0.0.1:{ports.free_port()}/closed")
    pull(practice)
    pull(practice)
    assert state(connection) == (2, now, now + 20 * SECOND)


def test_one_answer_between_failures_starts_the_count_anew(office: Stage, now: datetime) -> None:
    _, connection = office
    for _ in range(4):
        breaker.missed(connection, errors.UnableToReachOffice("GET /x"), now=now)
        breaker.reached(connection, now=now)
    assert state(connection) == (0, None, None)
    assert Event.objects.count() == 0


def test_an_office_that_asks_to_slow_down_is_left_alone_as_long_as_it_says(
    office: Stage, practice: Practice, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, connection = office
    running.offices.behavior["maple"] = offices.THROTTLES
    assert pull(practice).startswith("Open Dental asks us to slow down")
    assert state(connection) == (0, None, now + 30 * SECOND)
    at(monkeypatch, now + 29 * SECOND)
    assert pull(practice) == "Open Dental asks us to slow down until 11:00 AM"
    assert running.offices.asked["maple"] == 1


def test_postings_wait_with_the_reason_and_the_next_look_and_go_on_when_it_is_back(
    office: Stage, practice: Practice, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, connection = office
    posting = collect(factories.collectable(practice).installment, now=now)  # type: ignore[arg-type]
    LedgerPosting.objects.update(plan=None)
    open_it(connection, now)
    assert tasks.post_one(practice_id=practice.pk) == 0
    posting.refresh_from_db()
    assert (posting.state, posting.state_reason, posting.next_at) == ("QUEUED", AWAY, now + 20 * SECOND)
    assert running.offices.asked["maple"] == 0
    at(monkeypatch, now + 20 * SECOND)
    assert breaker.probe(connection, now=now + 20 * SECOND) == ""
    posting.refresh_from_db()
    assert posting.next_at == now + 20 * SECOND
    assert tasks.post_one(practice_id=practice.pk) == 1
    posting.refresh_from_db()
    assert (posting.state, posting.state_reason, len(running.offices.payments)) == ("MATCHED", "", 1)


def open_it(connection: Connection, now: datetime) -> None:
    for _ in range(breaker.OPENS_AT):
        breaker.missed(connection, errors.UnableToReachOffice("GET /x"), now=now)


def test_nothing_is_posted_to_an_office_that_was_missed_just_now(
    office: Stage, practice: Practice, now: datetime
) -> None:
    running, connection = office
    collect(factories.collectable(practice).installment, now=now)  # type: ignore[arg-type]
    breaker.missed(connection, errors.UnableToReachOffice("GET /x"), now=now)
    assert tasks.post_one(practice_id=practice.pk) == 0
    assert running.offices.asked["maple"] == 0


def test_a_charge_is_refused_at_once_with_the_reason_and_is_let_go_when_the_office_is_back(
    office: Stage, practice: Practice, now: datetime
) -> None:
    running, connection = office
    part = factories.collectable(practice)
    open_it(connection, now)
    with pytest.raises(UnableToRecheck, match=AWAY):
        recheck.recheck(part.pk, now=now)
    assert running.offices.asked["maple"] == 0
    DuePart.objects.update(wait_reason=AWAY, leased_until=now + timedelta(hours=1))
    other = factories.collectable(practice)
    DuePart.objects.filter(pk=other.pk).update(wait_reason="Autopay is off", leased_until=now + timedelta(hours=1))
    breaker.reached(connection, now=now)
    part.refresh_from_db()
    other.refresh_from_db()
    assert (part.leased_until, other.leased_until) == (None, now + timedelta(hours=1))


def test_an_hour_without_an_answer_is_an_alarm_that_closes_itself(office: Stage, now: datetime) -> None:
    _, connection = office
    open_it(connection, now)
    assert Alarm.objects.count() == 0
    later = now + timedelta(hours=1)
    breaker.missed(connection, errors.UnableToReachOffice("GET /x"), now=later)
    breaker.missed(connection, errors.UnableToReachOffice("GET /x"), now=later)
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.text) == (
        "OFFICE_AWAY",
        f"{AWAY}: payments are not charged and not posted. It is tried again by itself.",
    )
    breaker.reached(connection, now=later)
    alarm.refresh_from_db()
    assert (alarm.closed_at, alarm.closed_by) == (later, "sync")


def test_silent_offices_are_tried_one_after_another(office: Stage, practice: Practice, now: datetime) -> None:
    running, connection = office
    open_it(connection, now)
    with breaker._sick_bay:
        assert breaker.probe(connection, now=now + 20 * SECOND) == AWAY
    assert running.offices.asked["maple"] == 0
    assert breaker.probe(connection, now=now + 20 * SECOND) == ""
    assert running.offices.asked["maple"] == 1


def test_only_one_process_asks_at_the_time_of_the_next_try(office: Stage, now: datetime) -> None:
    running, connection = office
    open_it(connection, now)
    same = Connection.objects.get()
    running.offices.behavior["maple"] = offices.HANGS
    assert breaker.probe(connection, now=now + 20 * SECOND) == AWAY
    assert breaker.probe(same, now=now + 20 * SECOND) == AWAY
    assert running.offices.asked["maple"] == 1


def test_a_clock_that_was_set_back_does_not_keep_it_open(office: Stage, now: datetime) -> None:
    _, connection = office
    open_it(connection, now + timedelta(days=30))
    assert breaker.probe(connection, now=now) == ""
    assert state(connection) == (0, None, None)


def test_the_first_question_of_a_job_is_given_up_soon_and_a_write_is_not(office: Stage) -> None:
    _, connection = office
    asked = client.Office(connection)
    assert asked._limits("GET", "/patients") is client.FIRST
    assert asked._limits("PUT", "/queries/ShortQuery") is client.FIRST
    assert asked._limits("POST", "/payments") is client.PATIENT
    asked.query("SELECT 1")
    assert asked._limits("GET", "/patients") is client.PATIENT


def test_the_connection_page_says_since_when_until_when_and_what_waits(
    office: Stage, practice: Practice, now: datetime
) -> None:
    _, connection = office
    collect(factories.collectable(practice).installment, now=now)  # type: ignore[arg-type]
    DuePart.objects.filter(pk=factories.collectable(practice).pk).update(wait_reason=AWAY)
    open_it(connection, now)
    shown = pages.health(practice)["away"]
    assert shown.text == AWAY
    assert (shown.since, shown.next_try_at, shown.postings, shown.charges) == (now, now + 20 * SECOND, 1, 1)


@pytest.mark.parametrize(("state", "waiting"), [("UNCLEAR", 1), ("BY_HAND", 0), ("WITHDRAWN", 0), ("REFUSED", 0)])
def test_only_postings_that_go_on_by_themselves_are_said_to_wait(
    office: Stage, practice: Practice, now: datetime, state: str, waiting: int
) -> None:
    _, connection = office
    collect(factories.collectable(practice).installment, now=now)  # type: ignore[arg-type]
    LedgerPosting.objects.update(state=state)
    open_it(connection, now)
    assert pages.health(practice)["away"].postings == waiting
