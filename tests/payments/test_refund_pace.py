"""Refunds keep the account's pace, and wait with everything else while the account takes nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.core.cache import cache

from payments import circuit
from payments.models import Alarm, DuePart, Payment, Refund
from processors import breaker
from processors.limits import Lane
from processors.models import ProcessorAccount
from tests.payments.refunding import ASK, give_back, paid, reconcile, returned
from tests.plugins.stripe import Shop


@pytest.fixture
def payment(part: DuePart, shop: Shop, now: datetime, nudged: list[int], monkeypatch: pytest.MonkeyPatch) -> Payment:
    monkeypatch.setattr("processors.stripe.refunds.RESEND_AFTER_SECONDS", 0)
    cache.clear()
    return paid(part, now)


def asked(shop: Shop) -> int:
    return len([one for one in shop.requests("/v1/refunds") if one["method"] == "POST"])


def begin(payment: Payment, now: datetime) -> int:
    return give_back(payment, 28_60, now).pk


def test_a_refund_waits_for_its_turn_and_obeys_slow_down(
    payment: Payment, shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns, pushed = list[str](), list[float]()
    monkeypatch.setattr("processors.stripe.in_turn.SLOW_DOWN_SECONDS", (0.0, 0.0))
    monkeypatch.setattr(Lane, "wait", lambda lane: turns.append(lane.key.rpartition(":")[2]))
    monkeypatch.setattr(Lane, "push", lambda _lane, seconds: pushed.append(seconds))
    shop.fault(ASK, "throttle", times=2)

    refund = give_back(payment, 28_60, now)

    assert (refund.state, returned(shop)) == ("SUCCEEDED", [28_60])
    assert (turns, len(pushed)) == (["refund"] * 3, 2)


def test_refunds_that_are_not_taken_open_the_circuit_and_the_next_one_waits_until_it_closes(
    payment: Payment, shop: Shop, now: datetime
) -> None:
    shop.control("accounts", account_key=shop.account.secret_key, state="revoked")
    states = [give_back(payment, 10_00, now).state for _ in range(3)]
    assert (states, ProcessorAccount.objects.get().failures) == (["NOT_TAKEN"] * 3, 3)
    assert Alarm.objects.get(key="processor", closed_at=None).text.startswith("Refunds are not taken")
    before = asked(shop)

    waiting = give_back(payment, 20_00, now)
    shop.control("accounts", account_key=shop.account.secret_key, state="active")
    reconcile(shop, now)

    waiting.refresh_from_db()
    assert (waiting.state, waiting.state_reason) == ("STARTED", circuit.refusal(payment.practice_id, now))
    assert (asked(shop), returned(shop)) == (before, [])

    breaker.works(payment.practice_id)
    reconcile(shop, now + timedelta(minutes=1))

    waiting.refresh_from_db()
    assert (waiting.state, waiting.state_reason, returned(shop)) == ("SUCCEEDED", "", [20_00])


def test_a_refund_that_is_taken_says_that_the_account_works_and_one_refused_for_its_own_sake_says_nothing(
    payment: Payment, shop: Shop, now: datetime
) -> None:
    ProcessorAccount.objects.update(failures=2, away_since=now)
    Payment.objects.update(processor_reference="pi_nowhere")
    assert Refund.objects.get(pk=begin(payment, now)).state == "NOT_TAKEN"
    assert ProcessorAccount.objects.get().failures == 2

    Payment.objects.update(processor_reference=payment.processor_reference)
    assert Refund.objects.get(pk=begin(payment, now)).state == "SUCCEEDED"

    assert (ProcessorAccount.objects.get().failures, ProcessorAccount.objects.get().away_since) == (0, None)
