"""Two clerks give the same money back at once: it goes back once. First the control: without the guards, twice."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, transaction

from opendental import discover, refund_by_hand
from payments import locks, refund_news, refund_outcomes, refunds
from payments.models import LedgerPosting, Payment, Refund
from payments.refunds import UnableToRefund
from processors.port import Failed, Succeeded
from processors.stripe import StripeProcessor
from tests.payments.making import installment_of, plan_of
from tests.payments.refunding import give_back, paid, reconcile, reserve, returned
from tests.plugins.stripe import Shop
from tests.races.conftest import Together, _as_owner, failures

BOTH = 100_00


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("processors.stripe.refunds.RESEND_AFTER_SECONDS", 0)
    cache.clear()


@pytest.fixture
def payment(part: Any, shop: Shop, now: datetime) -> Payment:
    return paid(part, now)


@pytest.fixture
def side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two claims wait for each other between looking and writing; where a lock keeps one out, the first goes on."""
    right, two = refunds._refuse_unless_refundable, threading.Barrier(2)

    def meet(*arguments: Any) -> None:
        right(*arguments)
        with contextlib.suppress(threading.BrokenBarrierError):
            two.wait(1.0)

    monkeypatch.setattr(refunds, "_refuse_unless_refundable", meet)


@pytest.fixture
def no_lock(monkeypatch: pytest.MonkeyPatch, out_of_order_on_purpose: None) -> None:
    monkeypatch.setattr(locks, "payment", lambda pk: Payment.objects.select_related("attempt").get(pk=pk))


@contextlib.contextmanager
def without_trigger() -> Iterator[None]:
    """As the owner: the database no longer adds up; the trigger is back afterwards."""
    _as_owner("ALTER TABLE payments_refund DISABLE TRIGGER refunds_within_payment")
    try:
        yield
    finally:
        connection.cursor().execute("DELETE FROM payments_refund")
        _as_owner("ALTER TABLE payments_refund ENABLE TRIGGER refunds_within_payment")


def both(payment: Payment, now: datetime, together: Together) -> list[Any]:
    return together(*[lambda: reserve(payment, BOTH, now)] * 2)


def test_control_without_lock_and_trigger_two_refunds_take_more_than_was_paid(
    payment: Payment, now: datetime, together: Together, side_by_side: None, no_lock: None
) -> None:
    """If this fails, the tests below prove nothing."""
    with without_trigger():
        assert failures(both(payment, now, together)) == []
        assert Refund.refundable_cents(payment) == 128_60 - 2 * BOTH


def test_the_trigger_alone_holds(
    payment: Payment, now: datetime, together: Together, side_by_side: None, no_lock: None
) -> None:
    results = both(payment, now, together)

    assert [type(error) for error in failures(results)] == [UnableToRefund]
    assert Refund.refundable_cents(payment) == 28_60


def test_the_lock_alone_holds(payment: Payment, now: datetime, together: Together, side_by_side: None) -> None:
    with without_trigger():
        results = both(payment, now, together)

        assert [type(error) for error in failures(results)] == [UnableToRefund]
        assert Refund.refundable_cents(payment) == 28_60


def test_eight_clerks_give_back_what_there_is(payment: Payment, shop: Shop, now: datetime, together: Together) -> None:
    results = together(*[lambda: give_back(payment, 30_00, now)] * 8)

    assert failures(results, UnableToRefund) == []
    assert returned(shop) == [30_00] * 4
    assert LedgerPosting.objects.filter(movement="REFUND").count() == 4


def test_reply_webhook_and_reconciler_settle_a_refund_once(
    part: Any, payment: Payment, shop: Shop, now: datetime, together: Together
) -> None:
    refund = reserve(payment, BOTH, now)
    processor = StripeProcessor(shop.account)
    answer = refunds.ask(processor, refund)
    assert isinstance(answer, Succeeded)

    results = together(
        lambda: refund_outcomes.settle_refund(refund.pk, answer, now=now, actor="user:1"),
        lambda: refund_news.heard(processor, answer.reference, now),
        lambda: refund_news.heard(processor, answer.reference, now),
        lambda: reconcile(shop, now),
    )

    assert failures(results) == []
    assert (Refund.objects.get().state, LedgerPosting.objects.filter(movement="REFUND").count()) == ("SUCCEEDED", 1)
    assert installment_of(part).collected_cents == 28_60


def test_one_refund_made_at_the_processor_heard_four_times_at_once_is_recorded_once(
    payment: Payment, shop: Shop, now: datetime, together: Together
) -> None:
    processor = StripeProcessor(shop.account)
    made = processor._client.refunds.create({"payment_intent": payment.processor_reference, "amount": 5_00})

    results = together(*[lambda: refund_news.heard(processor, made.id, now)] * 4)

    assert failures(results) == []
    assert Refund.objects.count() == LedgerPosting.objects.filter(movement="REFUND").count() == 1


def test_sync_and_poster_recognize_two_refunds_of_one_plan_at_once(
    part: Any, payment: Payment, now: datetime, together: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    for cents in (10_00, 20_00):
        refund = reserve(payment, cents, now)
        refund_outcomes.settle_refund(refund.pk, Succeeded(f"re_{cents}", cents), now=now, actor="user:1")
    LedgerPosting.objects.filter(movement="REFUND").update(state="BY_HAND")
    first, second = LedgerPosting.objects.filter(movement="REFUND").order_by("pk")
    plan, right = plan_of(part), discover.put_down
    poster_has_second, sync_put_down = threading.Event(), threading.Event()

    def put_down(*arguments: Any, **more: Any) -> None:
        if threading.current_thread().name == "poster":
            poster_has_second.set()
            sync_put_down.wait(1.0)
        right(*arguments, **more)
        sync_put_down.set()

    def poster() -> bool:
        threading.current_thread().name = "poster"
        return refund_by_hand.entered(second, 9000 + second.pk, now)

    def sync() -> None:
        poster_has_second.wait(10)
        with transaction.atomic():
            refund_by_hand.recognize(plan, now=now)

    monkeypatch.setattr(discover, "put_down", put_down)
    monkeypatch.setattr(refund_by_hand, "on_plan", lambda posting: [9000 + posting.pk])
    results = together(poster, sync)

    assert results == [True, None]
    numbers = [LedgerPosting.objects.get(pk=one.pk).pay_num for one in (first, second)]
    assert numbers == [9000 + first.pk, 9000 + second.pk]


def test_success_and_late_failure_at_once_end_as_failed_whoever_was_first(
    part: Any, payment: Payment, now: datetime, together: Together
) -> None:
    refund = reserve(payment, BOTH, now)
    settle = refund_outcomes.settle_refund

    together(
        lambda: settle(refund.pk, Succeeded("re_1", BOTH), now=now, actor="webhook"),
        lambda: settle(refund.pk, Failed("re_1", "declined"), now=now, actor="reconciler"),
    )

    refund.refresh_from_db()
    assert (refund.state, installment_of(part).collected_cents) == ("FAILED", 128_60)
    assert not LedgerPosting.objects.filter(movement="REFUND").exclude(state="WITHDRAWN").exists()
