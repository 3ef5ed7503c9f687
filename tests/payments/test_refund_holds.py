"""What was given back is never taken again by itself, whatever else moves the plan."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import transaction

from payments import charging, due_parts
from payments.models import DuePart, Payment
from payplans.models import PayPlan
from tests.payments.making import autopay_of, plan_of
from tests.payments.refunding import give_back, paid
from tests.plugins.stripe import Shop

LATER = timedelta(days=400)


@pytest.fixture(autouse=True)
def stand_ins(nudged: list[int]) -> None:
    """The higher apps."""


@pytest.fixture
def payment(part: DuePart, shop: Shop, now: datetime) -> Payment:
    return paid(part, now)


def reopened(part: DuePart) -> DuePart:
    return DuePart.objects.get(installment=part.installment_id, state="OPEN")


def refresh(plan: PayPlan, now: datetime) -> None:
    with transaction.atomic():
        due_parts.refresh(PayPlan.objects.get(pk=plan.pk), now=now)


def test_a_pay_now_that_fails_does_not_hand_it_to_autopay(
    part: DuePart, payment: Payment, shop: Shop, now: datetime
) -> None:
    give_back(payment, 28_60, now)
    shop.behave(autopay_of(part).card, "decline:insufficient_funds")
    tomorrow = now + timedelta(days=1)

    attempt = charging.collect(reopened(part).pk, channel="PAY_NOW", actor="user:1", now=tomorrow)

    assert attempt.state == "DECLINED"
    assert reopened(part).hold == DuePart.Hold.STAFF
    assert not DuePart.objects.due(now + LATER).exists()


@pytest.mark.parametrize("closed_before", [True, False])
def test_a_plan_that_was_closed_and_opened_again_does_not_either(
    part: DuePart, payment: Payment, shop: Shop, now: datetime, closed_before: bool
) -> None:
    plan = plan_of(part)
    if not closed_before:
        give_back(payment, 128_60, now)
    PayPlan.objects.filter(pk=plan.pk).update(is_closed=True)
    refresh(plan, now)
    if closed_before:
        give_back(payment, 128_60, now)
    PayPlan.objects.filter(pk=plan.pk).update(is_closed=False)

    refresh(plan, now)

    assert (reopened(part).amount_cents, reopened(part).hold) == (128_60, "STAFF")
    assert not DuePart.objects.due(now + LATER).exists()
