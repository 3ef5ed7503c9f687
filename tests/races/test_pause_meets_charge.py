"""A plan is paused while a worker charges it: the charge was first, or it is not made. With its control."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, datetime

import pytest

from payments import locks, plan_changes
from payments.models import Attempt, DuePart
from payments.plan_changes import By
from tests.payments.making import plan_of
from tests.plugins.stripe import Shop
from tests.races.conftest import Together
from tests.races.test_charge_once import collect, meeting

__all__ = ["meeting"]
DAY = date(2026, 3, 10)


def pausing(part: DuePart, meeting: threading.Event, now: datetime) -> Callable[[], int]:
    """Tries there are when the pause is committed."""

    def pause() -> int:
        assert meeting.wait(10)
        plan_changes.pause(plan_of(part).pk, first=DAY, last=DAY, by=By("user:1", "Asked by phone", now))
        return Attempt.objects.count()

    return pause


def unlocked(due_part_id: int) -> DuePart:
    part = DuePart.objects.select_related("practice", "payer", "installment__plan__practice")
    return part.select_related("installment__plan__autopay__card", "installment__plan__autopay__consent").get(
        pk=due_part_id
    )


def test_control_without_the_lock_a_plan_is_charged_after_its_pause_began(
    part: DuePart, shop: Shop, now: datetime, together: Together, meeting: threading.Event,
    monkeypatch: pytest.MonkeyPatch, out_of_order_on_purpose: None,
) -> None:  # fmt: skip
    monkeypatch.setattr(locks, "due_part", unlocked)

    _, tries_before_pause = together(lambda: collect(part, now), pausing(part, meeting, now))

    assert (tries_before_pause, shop.taken()) == (0, [128_60])


def test_a_pause_waits_for_a_charge_that_was_first_and_stops_the_next(
    part: DuePart, shop: Shop, now: datetime, together: Together, meeting: threading.Event
) -> None:
    _, tries_before_pause = together(lambda: collect(part, now), pausing(part, meeting, now))

    assert (tries_before_pause, shop.taken()) == (1, [128_60])
