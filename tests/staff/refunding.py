"""Short words for the tests of refunds at the desk."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.test import Client

from opendental import refund_by_hand
from payments import tasks
from payments.models import LedgerPosting, Payment
from tests.staff.test_plans_tab import text

# What the page handed to a worker (conftest.py); `work` does it as a worker would.
Orders = list[dict[str, Any]]


def work(orders: Orders) -> None:
    while orders:
        tasks.refund_one(**orders.pop(0))


def url(payment: Payment) -> str:
    return f"/payments/{payment.pk}/refund/"


def wish(amount: str, **more: Any) -> dict[str, Any]:
    return {"amount": amount, "reason": "REQUESTED", "note": "", "newest": 0, **more}


def attempt_page(client: Client, payment: Payment) -> str:
    return client.get(f"/payments/attempts/{payment.attempt_id}/").content.decode()


def ordered(client: Client, payment: Payment, amount: str, orders: Orders, **more: Any) -> str:
    """The order is given and carried out; what its page says then."""
    answer = client.post(url(payment), wish(amount, **more))
    assert answer.status_code == 302, text(answer.content.decode())
    work(orders)
    return text(client.get(answer["Location"]).content.decode())


def by_hand(payment: Payment, now: datetime) -> LedgerPosting:
    """The poster finds that Open Dental lets no program enter the refund."""
    LedgerPosting.objects.filter(movement="PAYMENT").update(state="MATCHED", pay_num=56734, route="CHARGE_ROWS")
    posting = LedgerPosting.objects.get(movement="REFUND")
    refund_by_hand.hand_over(posting, now=now)
    return posting
