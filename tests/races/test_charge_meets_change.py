"""A charge meets something that must stop it, or another answer to itself. Each race with its control.

A control takes one guard away and shows the harm; beside it stands the same race with the guard in place.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from cards.models import Card
from payments import charging, due_parts, inbox, locks, outcomes, reconcile, sweep
from payments.claim import UnableToClaim, claim
from payments.models import Attempt, DuePart, LedgerPosting, Payment, WebhookEvent
from payments.tasks import autopay_one
from payplans.models import Installment, PayPlan
from practices.models import Practice
from processors.port import Declined, Succeeded
from processors.stripe.account import API_VERSION
from tests.payments.making import autopay_of, plan_of
from tests.plugins.stripe import Shop
from tests.races.conftest import Together, failures
from tests.races.test_charge_once import booked_once, collect, meeting, no_locks

__all__ = ["meeting", "no_locks"]
PAID, REFUSED = Succeeded("pi_1", 128_60, "ch_1"), Declined("pi_1", "insufficient_funds")


# Settle beside settle


@pytest.fixture
def side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two settles wait for each other between reading and writing; where a lock keeps one out, the first goes on."""
    right, two = outcomes._apply, threading.Barrier(2)

    def meet(*arguments: Any) -> bool:
        with contextlib.suppress(threading.BrokenBarrierError):
            two.wait(0.7)
        return right(*arguments)

    monkeypatch.setattr(outcomes, "_apply", meet)


@pytest.fixture
def attempt(part: DuePart, now: datetime) -> Attempt:
    return claim(part.pk, channel="AUTOPAY", actor="autopay", now=now)


def unlocked_attempt(pk: int) -> Attempt:
    return Attempt.objects.select_related("due_part__installment").get(pk=pk)


def settle_twice(attempt: Attempt, now: datetime, together: Together) -> list[Any]:
    return together(
        lambda: outcomes.settle(attempt.pk, PAID, now=now, actor="webhook"),
        lambda: outcomes.settle(attempt.pk, REFUSED, now=now, actor="reconciler"),
    )


def test_control_two_settles_without_the_lock_pay_and_fail_the_same_installment(
    attempt: Attempt, now: datetime, together: Together, side_by_side: None, monkeypatch: pytest.MonkeyPatch,
    out_of_order_on_purpose: None,
) -> None:  # fmt: skip
    monkeypatch.setattr(locks, "attempt", unlocked_attempt)

    assert settle_twice(attempt, now, together) == [True, True]


def test_two_settles_with_opposite_news_make_one_state_and_one_alarm(
    attempt: Attempt, now: datetime, together: Together, side_by_side: None
) -> None:
    assert sorted(settle_twice(attempt, now, together)) == [False, True]

    attempt.refresh_from_db()
    assert Payment.objects.count() == (1 if attempt.state == "SUCCEEDED" else 0)
    assert attempt.state in ("SUCCEEDED", "DECLINED")


def test_control_without_the_lock_the_same_news_twice_runs_into_the_database(
    attempt: Attempt, now: datetime, together: Together, side_by_side: None, monkeypatch: pytest.MonkeyPatch,
    out_of_order_on_purpose: None,
) -> None:  # fmt: skip
    """The second guard: one payment per attempt. With the lock nobody ever meets it (test_charge_once.py)."""
    monkeypatch.setattr(locks, "attempt", unlocked_attempt)

    results = together(*[lambda: outcomes.settle(attempt.pk, PAID, now=now, actor="test")] * 2)

    assert [type(error) for error in failures(results)] == [IntegrityError]
    assert Payment.objects.count() == 1


# Card and plan


def removal(part: DuePart, meeting: threading.Event) -> Callable[[], int]:
    def remove() -> int:
        assert meeting.wait(10)
        Card.objects.filter(pk=autopay_of(part).card.pk).update(state=Card.State.REMOVED)
        return Attempt.objects.count()

    return remove


def test_control_without_the_lock_on_the_card_it_is_charged_after_it_was_removed(
    part: DuePart, shop: Shop, now: datetime, together: Together, meeting: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """With the lock the removal waits: test_charge_once.py, test_a_removal_waits_for_a_claim_that_was_first."""
    monkeypatch.setattr(locks, "card", lambda card: card)

    _, tries_before_removal = together(lambda: collect(part, now), removal(part, meeting))

    assert (tries_before_removal, shop.taken()) == (0, [128_60])


def closing(part: DuePart, now: datetime, meeting: threading.Event, lock: bool) -> Callable[[], int]:
    """The sync closes the plan while a claim has looked and not written; returns how many tries it saw in flight."""

    def close() -> int:
        assert meeting.wait(10)
        with transaction.atomic():
            if lock:
                locks.installments(plan_of(part).pk)
            seen = Attempt.objects.count()
            PayPlan.objects.update(is_closed=True)
            Installment.objects.filter(status="PENDING").update(status="CANCELED")
            due_parts.refresh(plan_of(part), now=now)
        return seen

    return close


def test_control_without_locks_a_plan_is_charged_after_it_was_closed(
    part: DuePart, shop: Shop, now: datetime, together: Together, meeting: threading.Event, no_locks: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(locks, "installments", lambda pk: list(Installment.objects.filter(plan_id=pk).order_by("pk")))

    _, seen = together(lambda: collect(part, now), closing(part, now, meeting, lock=False))

    assert (seen, shop.taken()) == (0, [128_60])


def test_a_plan_is_closed_only_after_a_claim_that_was_first_so_that_the_sync_sees_it(
    part: DuePart, shop: Shop, now: datetime, together: Together, meeting: threading.Event
) -> None:
    attempt, seen = together(lambda: collect(part, now), closing(part, now, meeting, lock=True))

    assert (seen, attempt.state, shop.taken()) == (1, "SUCCEEDED", [128_60])
    assert Payment.objects.count() == LedgerPosting.objects.count() == 1


# Everybody


def everybody(part: DuePart, shop: Shop, practice: Practice, now: datetime) -> Iterator[Callable[[], object]]:
    """Eight workers of sweeps, two people at Pay Now, the webhook's task, the reconciler, all for one installment."""
    soon = datetime.now(UTC) + timedelta(minutes=2)

    def webhook() -> None:
        for number, row in enumerate(shop.books("payment_intents") * 2):
            event = {"api_version": API_VERSION, "received_at": now, "type": "payment_intent.succeeded"}
            with contextlib.suppress(IntegrityError), transaction.atomic():
                WebhookEvent.objects.create(practice=practice, event_id=f"e{number}", object_id=row["id"], **event)
        inbox.work_through(practice.pk, now=now)

    for _ in range(8):
        yield lambda: autopay_one(practice_id=practice.pk, due_part_id=part.pk)
    yield lambda: sweep.sweep(now=now, hand_over=lambda pk: charging.collect(pk, channel="AUTOPAY", actor="s", now=now))
    yield lambda: collect(part, now, "PAY_NOW")
    yield lambda: collect(part, now, "PAY_NOW")
    yield webhook
    yield lambda: reconcile.reconcile(practice.pk, now=now, real_now=soon)


def test_eight_sweeps_pay_now_the_webhook_and_the_reconciler_at_once_charge_once(
    part: DuePart, shop: Shop, practice: Practice, now: datetime, together: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control stands first in test_charge_once.py: without the guards two workers are enough to charge twice."""
    monkeypatch.setattr("core.clock.now", lambda: now)

    results = together(*everybody(part, shop, practice, now))

    assert failures(results, UnableToClaim) == []
    # The reconciler may have canceled the first intent before it was confirmed: then nobody has paid yet.
    reconcile.reconcile(practice.pk, now=now, real_now=datetime.now(UTC) + timedelta(minutes=2))
    if not shop.taken():
        collect(part, now + timedelta(minutes=1), "PAY_NOW")
    assert shop.taken() == [128_60]
    booked_once(part)
