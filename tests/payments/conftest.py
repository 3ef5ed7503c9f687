"""The practice's webhook endpoint, and a sender that signs like the processor."""

from __future__ import annotations

import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import stripe
from django.test import Client

from core import clock
from practices import tenancy
from processors.stripe.account import API_VERSION
from tests.payments.making import PAID, Deliver
from tests.plugins.stripe import WEBHOOK_SECRET, Shop


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """For which practices the view asked a worker to come."""
    calls: list[int] = []

    def hand_out(_: object, practice_ids: list[int], *, priority: int) -> None:
        assert priority == 0, "what has just happened goes before the rounds"
        calls.extend(practice_ids)

    monkeypatch.setattr("payments.webhook_views.rounds.hand_out", hand_out)
    return calls


@pytest.fixture
def deliver(
    shop: Shop, woken: list[int], now: datetime, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> Deliver:
    """Post an event to the practice's endpoint, signed as the processor signs."""
    settings.STATIC_ROOT = tmp_path
    monkeypatch.setattr(clock, "now", lambda: now)
    client, slug = Client(), shop.account.practice.slug

    def send(
        kind: str = PAID, reference: str = "pi_1", *, event: str = "evt_1", secret: str = WEBHOOK_SECRET, age: int = 0,
        **more: Any,
    ) -> Any:  # fmt: skip
        body = json.dumps(
            {"id": event, "type": kind, "data": {"object": {"id": reference}}, "api_version": API_VERSION,
             "livemode": False, **more}
        )  # fmt: skip
        header = stripe.WebhookSignature.generate_signature_header(body, secret, int(time.time()) - age)
        # As in production: the view itself finds the practice.
        with tenancy.scope(0):
            return client.post(
                f"/webhooks/stripe/{slug}/", body, content_type="application/json", headers={"Stripe-Signature": header}
            )

    return send
