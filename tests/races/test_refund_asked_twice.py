"""Worker and reconciler ask for one refund at once: it goes back once. First the control, without its key."""

from __future__ import annotations

import contextlib
import threading
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache

from payments import refunds
from payments.models import LedgerPosting, Payment, Refund
from tests.payments.refunding import paid, reconcile, reserve, returned
from tests.plugins.stripe import Shop
from tests.races.conftest import Together, failures

PART = 50_00


@pytest.fixture(autouse=True)
def both_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither asks before the other one is about to."""
    monkeypatch.setattr("processors.stripe.refunds.RESEND_AFTER_SECONDS", 0)
    cache.clear()
    right, two = refunds.ask, threading.Barrier(2)

    def meet(*arguments: Any) -> Any:
        with contextlib.suppress(threading.BrokenBarrierError):
            two.wait(5.0)
        return right(*arguments)

    monkeypatch.setattr(refunds, "ask", meet)


@pytest.fixture
def refund(part: Any, shop: Shop, now: datetime) -> Refund:
    payment: Payment = paid(part, now)
    return reserve(payment, PART, now)


def worker_and_reconciler(refund: Refund, shop: Shop, now: datetime, together: Together) -> list[Any]:
    return together(lambda: refunds.carry_out(refund.pk, now=now), lambda: reconcile(shop, now))


def test_control_without_one_key_it_goes_back_twice(
    refund: Refund, shop: Shop, now: datetime, together: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this fails, the test below proves nothing."""
    monkeypatch.setattr(Refund, "key", property(lambda _self: f"kp-refund-{uuid4()}"))

    worker_and_reconciler(refund, shop, now, together)

    assert returned(shop) == [PART, PART]


def test_worker_and_reconciler_give_it_back_once(refund: Refund, shop: Shop, now: datetime, together: Together) -> None:
    results = worker_and_reconciler(refund, shop, now, together)

    refund.refresh_from_db()
    assert (failures(results), returned(shop), refund.state) == ([], [PART], "SUCCEEDED")
    assert LedgerPosting.objects.filter(movement="REFUND").count() == 1
