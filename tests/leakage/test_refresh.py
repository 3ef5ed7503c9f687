"""One look after another: nothing twice, sums that equal their rows, one look at a time, other practices untouched."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import psycopg
import pytest
from django.db import connection
from django.db.models import Sum

from core.calendar import local_date
from leakage.models import Leak, LeakDay
from leakage.refresh import _LOCK, Looked, refresh
from payments.models import DuePart, LedgerPosting
from practices import tenancy
from practices.models import Practice
from tests import factories
from tests.leakage.conftest import Look
from tests.leakage.test_causes import fail, installments, pay
from tests.payments.making import installment_of


def test_a_second_look_changes_nothing(practice: Practice, look: Look) -> None:
    for _ in range(3):
        fail(factories.collectable(practice))
    assert look() == Looked(opened=3)
    before = list(Leak.objects.order_by("pk").values())

    assert look() == Looked()

    assert list(Leak.objects.order_by("pk").values()) == before
    assert LeakDay.objects.filter(cause="").count() == 1


def test_only_one_look_is_under_way(practice: Practice, look: Look) -> None:
    fail(factories.collectable(practice))
    settings = connection.settings_dict
    with psycopg.connect(
        host=settings["HOST"], port=settings["PORT"], dbname=settings["NAME"], user=settings["USER"],
        password=settings["PASSWORD"],
    ) as other:  # fmt: skip
        other.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, practice.pk])
        assert look() == Looked(skipped=True)
        assert not Leak.objects.exists()

    assert look() == Looked(opened=1)


def test_another_practice_is_not_looked_at(practice: Practice, look: Look) -> None:
    other = factories.PracticeFactory.create()
    with tenancy.scope(other.pk):
        fail(factories.collectable(other))
    fail(factories.collectable(practice))

    look()

    assert Leak.objects.count() == 1
    with tenancy.scope(other.pk):
        assert not Leak.objects.exists()


def test_it_remembers_the_most_that_leaked_and_since_when(practice: Practice, look: Look, now: datetime) -> None:
    part = fail(factories.collectable(practice))
    look()
    installments(part).update(principal_cents=100_00, due_date=now.date())
    assert look().changed == 1

    leak = Leak.objects.get()
    assert (leak.amount_cents, leak.most_cents) == (100_00, 128_60)


def happen(chance: random.Random, part: DuePart) -> None:
    """Something that may happen to an installment now."""
    installment = installment_of(part)
    match chance.choice(["fail", "hold", "free", "part", "pay", "posting"]):
        case "fail" if installment.is_open:
            fail(part)
        case "hold" if installment.is_open:
            DuePart.objects.filter(pk=part.pk).update(hold=chance.choice(["NEW_CARD", "STAFF", "SKIPPED"]))
        case "free":
            DuePart.objects.filter(pk=part.pk).update(hold="")
        case "part" if installment.owed_cents > 20_00:
            more = chance.randrange(1, 10_00)
            installments(part).update(office_paid_cents=installment.office_paid_cents + more)
        case "pay" if installment.is_open:
            pay(part)
        case "posting":
            states = ["MATCHED", "REFUSED", "MISMATCH"]
            LedgerPosting.objects.filter(plan=installment.plan).update(state=chance.choice(states))


@pytest.mark.parametrize("seed", [1, 2])
def test_over_random_histories_the_days_sums_equal_the_rows_and_nothing_comes_back_twice(
    practice: Practice, now: datetime, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311
    parts = [factories.collectable(practice) for _ in range(5)]
    for step in range(14):
        happen(chance, chance.choice(parts))
        at = now + timedelta(hours=step)
        refresh(practice.pk, at)
        opened = Leak.objects.open()
        today = local_date(at, practice.zone)
        day = LeakDay.objects.get(day=today, cause="")
        assert (day.cents, day.leaks) == (opened.aggregate(cents=Sum("amount_cents"))["cents"] or 0, opened.count())
        by_cause = LeakDay.objects.filter(day=today).exclude(cause="").aggregate(cents=Sum("cents"))["cents"]
        assert day.cents == (by_cause or 0)

    for part in parts:
        installment = installment_of(part)
        back = Leak.objects.filter(outcome="RECOVERED", about__installment=installment.pk)
        came_in = installment.collected_cents + installment.office_paid_cents
        assert (back.aggregate(cents=Sum("back_cents"))["cents"] or 0) <= came_in
