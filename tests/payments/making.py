"""Short words for the tests of the money path."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from cards.models import Autopay
from payments import inbox, outcomes
from payments.models import Attempt, DuePart, WebhookEvent
from payplans.models import Installment, PayPlan
from processors.port import Declined, Outcome
from tests.plugins.stripe import Shop

PAID = "payment_intent.succeeded"
# Posts one event to the practice's endpoint (conftest.py).
Deliver = Callable[..., Any]


def installment_of(part: DuePart) -> Installment:
    """The installment as it is in the database now."""
    assert part.installment_id is not None
    return Installment.objects.get(pk=part.installment_id)


def plan_of(part: DuePart) -> PayPlan:
    return PayPlan.objects.get(installments=part.installment_id)


def autopay_of(part: DuePart) -> Autopay:
    return Autopay.objects.select_related("card", "consent").get(plan=plan_of(part))


def decline(attempt: Attempt, code: str = "insufficient_funds", at: datetime | None = None) -> bool:
    """The bank said no."""
    return settle(attempt, Declined(f"pi_{attempt.pk}", code), at)


def settle(attempt: Attempt, outcome: Outcome, at: datetime | None = None, actor: str = "autopay") -> bool:
    return outcomes.settle(attempt.pk, outcome, now=at or attempt.started_at, actor=actor)


def work(shop: Shop, now: datetime) -> int:
    return inbox.work_through(shop.account.practice_id, now=now)


def event() -> WebhookEvent:
    return WebhookEvent.objects.get()
