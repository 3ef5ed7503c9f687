"""Short words for the tests of disputes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.cache import cache

from payments import disputes, inbox
from payments.models import Alarm, Dispute, Payment, WebhookEvent
from processors.stripe.account import API_VERSION
from tests.plugins.stripe import Shop


def dispute(shop: Shop, payment: Payment, **wish: Any) -> str:
    """The cardholder's bank disputes the payment; the processor's id of it."""
    return str(shop.control("disputes/open", charge=payment.processor_reference, **wish)["id"])


def go_on(shop: Shop, reference: str, *statuses: str) -> None:
    for status in statuses:
        shop.control(f"disputes/{reference}/finish", status=status)


def hear(shop: Shop, reference: str, now: datetime, kind: str = "updated") -> str:
    """A webhook about it is worked through; the state of the event."""
    event = WebhookEvent.objects.create(
        practice=shop.account.practice, event_id=f"evt_{WebhookEvent.objects.count()}", received_at=now,
        type=f"charge.dispute.{kind}", object_id=reference, api_version=API_VERSION,
    )  # fmt: skip
    inbox.work_through(shop.account.practice_id, now=now)
    event.refresh_from_db()
    return event.state


def list_all(shop: Shop, now: datetime, *, later: timedelta = timedelta(0)) -> int:
    """The list, as if hours had passed since the last one."""
    cache.clear()
    return disputes.reconcile_disputes(shop.account.practice_id, now=now, real_now=datetime.now(UTC) + later)


def open_alarms() -> list[str]:
    return sorted(Alarm.objects.filter(closed_at=None).values_list("kind", flat=True))


def standing() -> tuple[str, int, bool]:
    """(state, withdrawn cents, frozen) of the only dispute."""
    found = Dispute.objects.get()
    return found.state, found.withdrawn_cents, found.is_frozen
