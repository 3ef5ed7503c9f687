"""Short words for the tests of refunds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from payments import charging, refund_news, refunds
from payments.models import DuePart, Payment, Refund
from processors.port import RefundOrder
from processors.stripe import StripeProcessor
from tests.plugins.stripe import Shop

ASK = "POST /v1/refunds"


def paid(part: DuePart, now: datetime) -> Payment:
    """The part is charged and booked; its payment."""
    attempt = charging.collect(part.pk, channel="AUTOPAY", actor="autopay", now=now)
    return Payment.objects.get(attempt=attempt)


def give_back(payment: Payment, cents: int, now: datetime, **more: Any) -> Refund:
    wish = refunds.Wish(**{"cents": cents, "reason": "REQUESTED", "actor": "user:1", **more})
    return refunds.refund(payment.pk, wish, now=now)


def reserve(payment: Payment, cents: int, now: datetime, **more: Any) -> Refund:
    wish = refunds.Wish(**{"cents": cents, "reason": "OTHER", "actor": "user:1", **more})
    return refunds.claim(payment.pk, wish, now=now)


def ask(shop: Shop, refund: Refund) -> Any:
    return StripeProcessor(shop.account).refund(RefundOrder(refund.params, refund.key))


def reconcile(shop: Shop, now: datetime, *, after: timedelta = timedelta(minutes=2)) -> int:
    """One pass, this much real time after the refunds were made."""
    return refund_news.reconcile_refunds(shop.account.practice_id, now=now, real_now=datetime.now(UTC) + after)


def returned(shop: Shop) -> list[int]:
    """Cents of every refund at the processor that did not fail."""
    return [row["amount"] for row in shop.books("refunds") if row["status"] != "failed"]
