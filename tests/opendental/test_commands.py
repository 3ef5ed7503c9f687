"""The operators' commands and the beat's tasks."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from opendental import tasks
from opendental.models import Connection
from payments.models import LedgerPosting
from payplans.models import PayPlan
from practices import tenancy
from practices.models import Event, PaymentSettings, Practice
from tests import factories
from tests.opendental.desk import Desk, collect, installments


def told(command: str, **options: Any) -> str:
    out = StringIO()
    call_command(command, stdout=out, **options)
    return out.getvalue()


def test_a_practice_is_made_with_its_settings(transactional_db: None) -> None:
    told("create_practice", slug="maple", name="Maple Grove Dental", timezone="America/New_York", state="NY")
    practice = Practice.objects.get(slug="maple")
    with tenancy.scope(practice.pk):
        assert PaymentSettings.objects.get().charge_hour == 10
        assert Event.objects.get().kind == "practice_created"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"slug": "maple", "timezone": "Mars/Olympus"}, "is not a time zone"),
        ({"slug": "not a slug", "timezone": "UTC"}, "slug"),
        ({"slug": "maple", "timezone": "UTC", "state": "Oregon"}, "at most 2"),
    ],
)
def test_a_practice_that_makes_no_sense_is_not_made(
    transactional_db: None, options: dict[str, str], words: str
) -> None:
    with pytest.raises(CommandError) as caught:
        told("create_practice", name="Maple Grove Dental", **options)
    assert words in str(caught.value)
    assert Practice.objects.count() == 0


def test_connecting_by_command_says_what_is_missing(desk: Desk) -> None:
    desk.act("settings", permissions=["ApiReadAll"])
    keys = {"base_url": f"{desk.outside.url}/api/v1", "developer_key": "dev-sandbox", "customer_key": desk.key}
    lines = told("connect_opendental", practice=desk.practice.slug, **keys).splitlines()
    assert lines[0] == f"{desk.practice.slug}: connected to Open Dental 25.4.48.0."
    assert any("permission Payments" in line for line in lines)
    found = json.loads(told("connect_opendental", practice=desk.practice.slug, json=True, **keys))
    assert (found["version"], len(found["missing"])) == ("25.4.48.0", 2)


def test_connecting_again_to_the_same_office_goes_on_where_it_was(desk: Desk) -> None:
    desk.plan(desk.patient())
    desk.pull()
    before = Connection.objects.get().cursor
    desk.connect()
    assert Connection.objects.get().cursor == before != ""


def test_connecting_with_a_wrong_key_fails_and_leaves_the_old_one(desk: Desk) -> None:
    keys = {"base_url": f"{desk.outside.url}/api/v1", "developer_key": "dev-sandbox", "customer_key": "nobody"}
    with pytest.raises(CommandError):
        told("connect_opendental", practice=desk.practice.slug, **keys)
    assert Connection.objects.get().customer_key == desk.key


def test_keys_stand_encrypted_in_the_database(desk: Desk) -> None:
    stored = Connection.objects.extra(select={"raw": "customer_key"}).values_list("raw", flat=True).get()  # noqa: S610
    assert desk.key not in stored


def test_pull_and_post_by_command_say_what_they_did(desk: Desk) -> None:
    number = desk.plan(desk.patient(), DatePayPlanStart="2022-07-01")
    desk.at("2022-07-01 10:00")
    pulled = json.loads(told("pull", practice=desk.practice.slug, json=True))
    assert (pulled["practice"], pulled["changed"], pulled["problems"]) == (desk.practice.slug, 1, 0)
    collect(installments(number)[0], now=desk.now())
    with_clock_of_the_desk(desk)
    posted = json.loads(told("post_ledger", practice=desk.practice.slug, json=True))
    assert posted == {"practice": desk.practice.slug, "worked": 1, "matched": 1}


def with_clock_of_the_desk(desk: Desk) -> None:
    """Commands read real time; what waits has waited since 2022, so its time has come."""
    assert LedgerPosting.objects.get().next_at <= desk.now()


def test_pull_by_command_fails_when_the_office_is_away(desk: Desk) -> None:
    desk.act("offline", offline=True)
    with pytest.raises(CommandError):
        told("pull", practice=desk.practice.slug)


def test_a_practice_without_a_connection_is_told_so(practice: Practice) -> None:
    with pytest.raises(CommandError):
        told("pull", practice=practice.slug)
    assert tasks.pull_one(practice_id=practice.pk) == "not connected"
    assert tasks.post_one(practice_id=practice.pk) == 0
    assert tasks.learn_one(practice_id=practice.pk) == "not connected"


def test_tasks_work_in_their_own_practice_only(desk: Desk) -> None:
    number = desk.plan(desk.patient())
    other = factories.PracticeFactory()
    assert tasks.pull_one(practice_id=desk.practice.pk) == ""
    assert PayPlan.objects.get().pay_plan_num == number
    with tenancy.scope(other.pk):
        assert PayPlan.objects.count() == 0


def test_learning_again_sees_a_new_version(desk: Desk) -> None:
    desk.act("settings", version="25.4.60.0")
    assert tasks.learn_one(practice_id=desk.practice.pk) == ""
    assert Connection.objects.get().version == "25.4.60.0"


def test_learning_from_an_office_that_is_away_keeps_what_is_known(desk: Desk) -> None:
    desk.act("offline", offline=True)
    assert tasks.learn_one(practice_id=desk.practice.pk).startswith("The office's Open Dental can't be reached")
    found = Connection.objects.get()
    assert found.version == "25.4.48.0"
    assert found.problem.startswith("The office's Open Dental can't be reached")


def test_the_beat_starts_one_task_for_each_active_practice(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    factories.PracticeFactory(is_active=False)
    started: list[dict[str, int]] = []
    for task in (tasks.pull_one, tasks.post_one, tasks.learn_one):
        monkeypatch.setattr(task, "apply_async", lambda kwargs, **_: started.append(kwargs))
    for everybody in (tasks.pull_all, tasks.post_all, tasks.learn_all):
        everybody()
    assert started == [{"practice_id": desk.practice.pk}] * 3
