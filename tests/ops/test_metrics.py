"""The numbers of /metrics are those of the books of all practices, and the same in every process."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from core import clock
from kasperpay import beat
from opendental.models import Connection
from opendental.tasks import pull_one
from payments import reconcile
from payments.claim import claim
from payments.models import Alarm, DuePart
from payments.tasks import autopay_one
from practices import tenancy
from practices.models import Practice
from processors.port import Declined, Succeeded
from tests import factories
from tests.ops.test_health import fresh, numbers
from tests.payments.making import settle

__all__ = ["fresh"]


@pytest.fixture(autouse=True)
def stand_still(now: datetime, nudged: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: now)


def other_practice() -> Practice:
    found: Practice = factories.PracticeFactory()
    with tenancy.scope(found.pk):
        factories.PaymentSettingsFactory(practice=found)
    return found


def test_attempts_postings_and_alarms_of_all_practices_are_counted(practice: Practice, now: datetime) -> None:
    for where in (practice, other_practice()):
        with tenancy.scope(where.pk):
            tries = [
                claim(factories.collectable(where).pk, channel="AUTOPAY", actor="autopay", now=now) for _ in range(3)
            ]
            settle(tries[0], Succeeded("pi_1", 128_60), now - timedelta(seconds=90))
            settle(tries[1], Declined("pi_2", "insufficient_funds"))
            factories.collectable(where)
            Alarm.raise_once(where.pk, kind="CONTRADICTION", key="c", text="", about={}, now=now)

    seen = numbers()

    assert seen['kasperpay_practices{state="active"}'] == 2
    assert seen['kasperpay_attempts_last_day{outcome="SUCCEEDED"}'] == 2
    assert seen['kasperpay_attempts_last_day{outcome="DECLINED"}'] == 2
    assert seen['kasperpay_attempts_open{state="STARTED"}'] == 2
    assert seen['kasperpay_attempts_open{state="UNKNOWN"}'] == 0
    assert seen['kasperpay_postings_waiting{state="QUEUED"}'] == 2
    assert seen["kasperpay_posting_oldest_seconds"] == 90
    assert seen["kasperpay_due_waiting"] == 2
    assert seen["kasperpay_due_oldest_waiting_seconds"] == 3600
    assert seen['kasperpay_alarms_open{kind="CONTRADICTION"}'] == 2


def test_the_age_of_the_sync_is_that_of_the_offices(practice: Practice, now: datetime) -> None:
    for minutes, problem, next_try_at in ((1, "", None), (30, "slow", None), (60, "gone", now)):
        where = other_practice()
        with tenancy.scope(where.pk):
            Connection.objects.create(
                practice=where, base_url="http://127.0.0.1:9", developer_key="d", customer_key="c", mode="REMOTE",
                connected_at=now, last_answer_at=now - timedelta(minutes=minutes), problem=problem,
                next_try_at=next_try_at,
            )  # fmt: skip

    seen = numbers()

    assert [seen[f'kasperpay_offices{{state="{state}"}}'] for state in ("well", "problem", "away")] == [1, 1, 1]
    assert seen['kasperpay_sync_age_seconds{quantile="1"}'] == 3600
    assert seen['kasperpay_sync_age_seconds{quantile="0.5"}'] == 1800


def test_the_function_gives_nothing_but_numbers_and_known_words(practice: Practice, part: DuePart) -> None:
    with tenancy.scope(0), connection.cursor() as cursor:
        cursor.execute("SELECT name, label FROM kasperpay_numbers(now())")
        labels = {label for _name, label in cursor.fetchall()}
        cursor.execute("SELECT count(*) FROM payments_duepart")
        visible = cursor.fetchone()

    assert labels == {
        "", "active", "well", "recovering", "STARTED", "PENDING", "UNKNOWN", "QUEUED", "SENDING", "UNCLEAR", "POSTED"
    }  # fmt: skip
    # The door shows numbers; the rows stay behind the policy.
    assert visible == (0,)


def test_charges_are_counted_and_timed_over_all_workers(practice: Practice, part: DuePart) -> None:
    for _ in range(2):
        autopay_one.apply(kwargs={"practice_id": practice.pk, "due_part_id": part.pk})

    seen = numbers()

    assert seen['kasperpay_charges_total{outcome="SUCCEEDED"}'] == 1
    assert seen['kasperpay_charges_total{outcome="REFUSED"}'] == 1
    assert seen["kasperpay_charge_seconds_count"] == seen['kasperpay_charge_seconds_bucket{le="+Inf"}'] == 2
    assert 0 < seen["kasperpay_charge_seconds_sum"] < 120


def test_the_depth_of_the_queues_is_told(transactional_db: None) -> None:
    pull_one.apply_async(kwargs={"practice_id": 1}, priority=6)
    pull_one.apply_async(kwargs={"practice_id": 1})
    beat.broker().lpush("charges", "a", "b")

    seen = numbers()

    assert seen['kasperpay_queue_depth{queue="charges"}'] == 2
    assert seen['kasperpay_queue_depth{queue="default"}'] == 2


def test_an_unknown_outcome_is_counted_until_it_is_found(
    practice: Practice, part: DuePart, shop: Any, now: datetime
) -> None:
    shop.fault("POST /v1/payment_intents/*/confirm", "drop_after", times=2)
    autopay_one.apply(kwargs={"practice_id": practice.pk, "due_part_id": part.pk})
    before = numbers()
    reconcile.reconcile(practice.pk, now=now)

    assert before['kasperpay_attempts_open{state="UNKNOWN"}'] == 1
    assert numbers()['kasperpay_attempts_open{state="UNKNOWN"}'] == 0
