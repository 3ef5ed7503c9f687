"""The plan after an outage: its order, its pace, its hours; and that the sweep keeps the order and texts the hours."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command

from core import clock
from notifications import send
from notifications.models import Message, MessagingAccount
from opendental.models import Connection
from payments import catch_up, sweep, tasks
from payments.models import DuePart, LedgerPosting
from practices.models import Practice
from processors.models import ProcessorAccount
from tests import factories
from tests.opendental.desk import collect
from tests.payments import refunding
from tests.plugins.stripe import Shop, chargeable

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
NO_PACE = catch_up.Pace()


@pytest.fixture(autouse=True)
def stand_ins(nudged: list[int], now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: now)


def due(practice: Practice, at: datetime, *, like: DuePart | None = None) -> DuePart:
    """A due part of a new person, or another one of the same person."""
    part = factories.collectable(practice)
    changes = {"next_try_at": at} | ({"payer_id": like.payer_id} if like else {})
    DuePart.objects.filter(pk=part.pk).update(**changes)
    return part


def numbers(plan: catch_up.Plan) -> list[int]:
    return [turn.due_part.pk for turn in plan.turns]


def test_everybody_s_oldest_comes_before_anybody_s_second(practice: Practice, now: datetime) -> None:
    first = due(practice, now - 3 * DAY)
    second, third = due(practice, now - 2 * DAY, like=first), due(practice, now - DAY, like=first)
    other = due(practice, now - DAY)
    plan = catch_up.plan(practice, begins_at=now, pace=NO_PACE, shown=50)
    assert numbers(plan) == [first.pk, other.pk, second.pk, third.pk]
    handed: list[int] = []
    sweep.sweep(now=now, hand_over=handed.append)
    assert handed == numbers(plan)


def test_only_what_is_due_then_and_held_by_nobody_is_counted(practice: Practice, now: datetime) -> None:
    waits, leased = due(practice, now - DAY), due(practice, now - DAY)
    DuePart.objects.filter(pk=waits.pk).update(wait_reason="Away", leased_until=now + timedelta(hours=1))
    DuePart.objects.filter(pk=leased.pk).update(leased_until=now + 9 * MINUTE)
    later, held = due(practice, now + MINUTE), due(practice, now - DAY)
    held.set_hold("STAFF")
    plan = catch_up.plan(practice, begins_at=now, pace=NO_PACE, shown=1)
    assert (plan.charges.count, plan.charges.cents, numbers(plan)) == (2, 2 * 128_60, [waits.pk])
    assert catch_up.plan(practice, begins_at=now + MINUTE, pace=NO_PACE, shown=50).charges.count == 3
    assert later.pk in numbers(catch_up.plan(practice, begins_at=now + MINUTE, pace=NO_PACE, shown=50))


def test_postings_go_first_and_both_take_the_time_that_the_office_s_pace_costs(
    practice: Practice, now: datetime
) -> None:
    for _ in range(3):
        collect(factories.collectable(practice).installment, now=now)  # type: ignore[arg-type]
    LedgerPosting.objects.filter(pk=LedgerPosting.objects.latest("pk").pk).update(state="MATCHED")
    for _ in range(60):
        due(practice, now)
    plan = catch_up.plan(practice, begins_at=now, pace=catch_up.Pace(5.0, 4.0), shown=2)
    first, then = now + timedelta(seconds=10), now + timedelta(seconds=10 + 60 * 4)
    assert plan.postings == catch_up.Step(2, 2 * 128_60, now, first)
    assert plan.charges == catch_up.Step(60, 60 * 128_60, first, then)
    assert [turn.at for turn in plan.turns] == [first, first + timedelta(seconds=4)]
    fast = catch_up.plan(practice, begins_at=now, pace=NO_PACE, shown=0).charges
    assert fast.ends_at - fast.begins_at == timedelta(seconds=60 / 25)


def test_refunds_are_postings_too_but_nothing_that_was_taken(shop: Shop, part: DuePart, now: datetime) -> None:
    refunding.give_back(refunding.paid(part, now), 40_00, now)
    plan = catch_up.plan(part.practice, begins_at=now, pace=NO_PACE, shown=0)
    assert (plan.postings.count, plan.postings.cents) == (2, 128_60)


@pytest.mark.parametrize(
    ("hour", "day", "from_hour"), [(7, 10, 12), (6, 10, 12), (15, 10, 15), (1, 10, 12)]
)  # UTC; New York is four hours behind, quiet from 21 to 8
def test_texts_wait_for_the_morning(practice: Practice, hour: int, day: int, from_hour: int) -> None:
    begins_at = datetime(2026, 3, day, hour, tzinfo=UTC)
    plan = catch_up.plan(practice, begins_at=begins_at, pace=NO_PACE, shown=0)
    assert plan.texts_from == datetime(2026, 3, day, from_hour, tzinfo=UTC)


def test_what_is_charged_at_night_after_an_outage_is_told_in_the_morning(
    shop: Shop, practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    night, morning = datetime(2026, 3, 11, 6, 30, tzinfo=UTC), datetime(2026, 3, 11, 12, 0, tzinfo=UTC)
    MessagingAccount.objects.create(
        practice=practice, base_url="http://127.0.0.1:9", sid="AC1", token="t", from_number="+15555550100",
        connected_at=night,
    )  # fmt: skip
    part = chargeable(shop, practice)
    monkeypatch.setattr(clock, "now", lambda: night)
    assert tasks.autopay_one(practice_id=practice.pk, due_part_id=part.pk) == "SUCCEEDED"
    texts = Message.objects.filter(channel="SMS")
    assert texts.count() > 0
    assert {message.not_before for message in texts} == {morning}
    assert send.send_due(practice.pk, night) == 0
    assert set(texts.values_list("state", "sends")) == {("QUEUED", 0)}


def test_the_command_begins_when_the_office_and_the_processor_are_tried_next(
    shop: Shop, practice: Practice, now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    due(practice, now - DAY)
    Connection.objects.create(
        practice=practice, base_url="http://127.0.0.1:9", developer_key="d", customer_key="c", mode="REMOTE",
        permissions=["ApiPayments"], connected_at=now, failures=4, away_since=now - DAY, next_try_at=now + MINUTE,
    )  # fmt: skip
    ProcessorAccount.objects.update(failures=3, away_since=now, next_try_at=now + 2 * MINUTE)
    call_command("catch_up", practice=practice.slug, json=True)
    shown = json.loads(capsys.readouterr().out)
    assert (shown["office_away_since"], shown["processor_away_since"]) == (str(now - DAY), str(now))
    assert shown["charges"] == {
        "count": 1, "amount": "$128.60", "from": str(now + 2 * MINUTE), "until": str(now + 2 * MINUTE + MINUTE / 15)
    }  # fmt: skip
    assert [turn["at"] for turn in shown["order"]] == [str(now + 2 * MINUTE)]
