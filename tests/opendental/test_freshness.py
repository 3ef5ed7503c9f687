"""How current the plans are, on the connection page and on the plan; the recorded cycles and their bounded history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from opendental import cycles, freshness, nightly, pacing, walks
from opendental.models import Connection, GuarantorTurn, PlanFingerprint, PlanToRead, SyncCycle
from opendental.templatetags import sync
from payplans.models import PayPlan
from practices.models import Membership, Practice
from tests import factories
from tests.opendental.desk import Desk, plan_of
from tests.staff.test_plans_tab import text

HOUR = timedelta(hours=1)


@pytest.fixture
def office(practice: Practice, now: datetime) -> Connection:
    """A connected office without the permission Queries, at its own pace of one question in 5 seconds."""
    return Connection.objects.create(
        practice=practice, base_url="http://127.0.0.1:9", developer_key="dev", customer_key="cust", mode="REMOTE",
        connected_at=now, permissions=["ApiReadAll"], learned_at=now, last_pull_at=now, last_answer_at=now,
    )  # fmt: skip


@pytest.fixture
def browser(practice: Practice, now: datetime, settings: Any, tmp_path: Any) -> Iterator[Client]:
    settings.STATIC_ROOT = tmp_path
    member = factories.MembershipFactory.create(practice=practice, role=Membership.Role.ADMIN)
    client = Client()
    client.force_login(member.user)
    with time_machine.travel(now, tick=False):
        yield client


def cycle(connection: Connection, began_at: datetime, **more: Any) -> SyncCycle:
    numbers = {"seconds": 3.04, "calls": 3, "rows": 165, "changed": 0, "age_seconds": 23.0, **more}
    return SyncCycle.objects.create(practice_id=connection.practice_id, began_at=began_at, **numbers)


def test_a_plan_that_is_read_in_turn_says_how_long_ago_on_its_page_and_on_the_connection_page(
    practice: Practice, office: Connection, browser: Client, now: datetime
) -> None:
    plan = factories.PayPlanFactory.create(patient__practice=practice, synced_at=now - 3 * HOUR)
    factories.PayPlanFactory.create(patient__practice=practice, synced_at=now - timedelta(minutes=5))
    GuarantorTurn.objects.create(practice=practice, guarantor_num=1, has_plans=True, checked_at=now - 3 * HOUR)
    assert "Read from Open Dental 3 h ago" in text(browser.get(f"/plans/{plan.pk}/").content.decode())
    page = text(browser.get("/settings/open-dental/").content.decode())
    assert "Longest unread open plan read 3 h ago" in page
    assert "Read in the last hour 1 plan Read 1 to 6 hours ago 1 plan Read 6 to 24 hours ago 0 plans" in page
    assert f"Plan {plan.pay_plan_num}, {plan.patient.full_name} read 3 h ago" in page
    assert "Every change is known up to" not in page


def test_where_changes_are_found_a_plan_is_as_current_as_the_last_look(
    practice: Practice, office: Connection, browser: Client, now: datetime
) -> None:
    plan = factories.PayPlanFactory.create(patient__practice=practice, synced_at=now - 90 * HOUR)
    Connection.objects.update(permissions=["ApiQueries"], in_step_at=now - timedelta(seconds=40))
    assert "In step with Open Dental as of 40 s ago" in text(browser.get(f"/plans/{plan.pk}/").content.decode())
    page = text(browser.get("/settings/open-dental/").content.decode())
    assert "Every change is known up to 40 s ago" in page
    assert "Longest unread open plan" not in page


def test_the_connection_page_adds_up_the_last_hour_and_lists_the_latest_cycles(
    practice: Practice, office: Connection, browser: Client, now: datetime
) -> None:
    Connection.objects.update(permissions=["ApiQueries"], in_step_at=now)
    cycle(office, now - 2 * HOUR, calls=500)
    cycle(office, now - timedelta(minutes=2), calls=33, changed=4, age_seconds=61.0, waiting=7)
    cycle(office, now - timedelta(minutes=1), problem="The office's Open Dental can't be reached.")
    page = text(browser.get("/settings/open-dental/").content.decode())
    assert "In the last hour 2 looks, 36 questions (1 % of what Open Dental allows), 4 plans read" in page
    assert "Oldest a change was when it was seen 1 min" in page
    assert "2 min ago 33 165 4 7 3.0 s 1 min before Good" in page
    assert "The office's Open Dental can't be reached." in page


def test_without_a_cycle_the_page_says_when_the_first_one_comes(office: Connection, browser: Client) -> None:
    page = text(browser.get("/settings/open-dental/").content.decode())
    assert "No look yet The first one comes within 20 seconds." in page
    assert "Longest unread open plan none yet" in page


def test_a_first_sync_is_shown_with_what_is_left(practice: Practice, office: Connection, now: datetime) -> None:
    Connection.objects.update(permissions=["ApiQueries"])
    office.refresh_from_db()
    PlanToRead.objects.create(practice=practice, pay_plan_num=7, found_at=now, next_at=now, urgency=1)
    shown = freshness.of(office, now)
    assert (shown.first_sync, shown.waiting, shown.in_step_at) == (True, 1, None)
    office.in_step_at = now
    assert freshness.of(office, now).first_sync is False


def test_lengths_of_time_are_said_in_their_largest_unit() -> None:
    lengths = [59, 60, 3_599, 3_600, 86_399, 86_400, 200_000]
    assert [sync.span(float(length)) for length in lengths] == [
        "59 s", "1 min", "59 min", "1 h", "23 h", "1 day", "2 days",
    ]  # fmt: skip


def test_every_cycle_is_recorded_with_its_numbers_also_one_that_failed(desk: Desk) -> None:
    desk.plan(desk.patient())
    desk.wait(seconds=10)
    desk.pull()
    desk.wait(seconds=20)
    desk.pull()
    desk.outside.fault("*", "error_before")
    desk.wait(seconds=20)
    problem = desk.pull().problem
    first, second, third = SyncCycle.objects.order_by("pk")
    assert (first.changed, first.age_seconds, first.problem) == (1, None, "")
    assert (second.calls, second.changed, second.waiting, second.problem) == (3, 0, 0, "")
    assert second.rows == 1 + 2 + 1
    assert (third.calls, third.problem) == (1, problem)
    assert problem
    # The age counts from the last look that brought everything, and a failed one brought nothing.
    assert Connection.objects.get().in_step_at == second.began_at
    assert third.age_seconds is not None
    assert 20 <= third.age_seconds < 40


def test_the_history_of_cycles_is_bounded(
    practice: Practice, office: Connection, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cycles, "KEPT", 3)
    kept = [cycle(office, now + timedelta(seconds=20 * place)).pk for place in range(5)][2:]
    cycles.forget_old(practice.pk)
    assert list(SyncCycle.objects.order_by("pk").values_list("pk", flat=True)) == kept


def test_each_practice_has_a_minute_of_its_own_in_the_local_night(office: Connection, now: datetime) -> None:
    minutes = [nightly.minute_of(Connection(practice_id=number)) for number in range(1, 2_001)]
    assert (min(minutes), max(minutes)) == (0, 179)
    # 2,000 practices over 180 minutes: about 11 in each.
    assert max(minutes.count(minute) for minute in range(180)) <= 30
    zone = office.practice.zone
    begins = datetime(2026, 3, 11, 1, tzinfo=zone) + timedelta(minutes=nightly.minute_of(office))
    office.fully_pulled_at = begins - timedelta(hours=24)
    assert not nightly.is_due(office, begins - timedelta(seconds=1))
    assert nightly.is_due(office, begins)
    assert not nightly.is_due(office, datetime(2026, 3, 11, 6, tzinfo=zone))
    office.fully_pulled_at = begins
    assert not nightly.is_due(office, begins + timedelta(minutes=1))
    # A server that is off at night: by day, after a day and a half.
    assert nightly.is_due(office, begins + timedelta(hours=36))


def test_the_nightly_comparison_finds_what_every_look_missed_and_asks_once_a_hundred_plans(desk: Desk) -> None:
    numbers = [desk.plan(desk.patient(FName=name)) for name in ("Quinn", "Robin", "Sasha")]
    desk.at("2022-07-01 10:00")
    desk.pull()
    PayPlan.objects.filter(pay_plan_num=numbers[1]).update(is_closed=True)
    desk.at("2022-07-02 05:30")
    result = desk.pull()
    assert result.plans == [numbers[1]]
    assert plan_of(numbers[1]).is_closed is False
    # 3 for the cycle, 2 for the night (values, postings recorded twice), 4 for the plan.
    assert result.calls == 9
    desk.wait(minutes=1)
    assert desk.pull().calls == 3


def test_work_that_changed_behind_a_plan_without_a_trace_is_read_the_night_after(desk: Desk) -> None:
    number = desk.plan(desk.patient())
    desk.wait(seconds=10)
    desk.pull()
    desk.at("2022-07-02 05:30")
    assert desk.pull().plans == []
    PlanFingerprint.objects.filter(of="WORK").update(checksum=1)
    desk.at("2022-07-03 05:30")
    assert desk.pull().plans == [number]
    desk.at("2022-07-04 05:30")
    assert desk.pull().plans == []


def test_a_seeded_office_compares_equal_at_night(open_desk: Callable[..., Desk]) -> None:
    """All kinds of plans: what is held of each is what the office shows, so the night reads none of them again."""
    desk = open_desk()
    desk.act("seed", patients=130)
    desk.connect()
    desk.at("2022-07-01 10:00")
    desk.pull()
    assert PayPlan.objects.count() > 10
    desk.at("2022-07-02 05:30")
    assert desk.pull().plans == []


def test_the_rotation_serves_people_without_plans_although_each_cycle_is_cut_short(
    open_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = open_desk(permissions=["ApiReadAll"])
    payers = [desk.patient(FName=name) for name in ("Quinn", "Robin")]
    plans = [desk.plan(payer) for payer in payers]
    others = [desk.patient(FName=name) for name in ("Sasha", "Toby")]
    desk.connect()
    desk.pull()
    assert Connection.objects.get().in_step_at is not None
    monkeypatch.setattr(walks, "CYCLE_SECONDS", 0.0)
    late = desk.plan(others[0])
    seen: list[int] = []
    for _ in range(6):
        desk.wait(minutes=1)
        seen += desk.pull().plans
    assert late in seen
    assert set(plans) <= set(seen)
    assert pacing.interval_of("REMOTE", ["ApiReadAll"]) == 5.0
