"""A real process is killed at every point between claim and settle: afterwards one charge, one posting, one message."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from notifications.models import Kind, Message
from payments import inbox
from payments.claim import claim
from payments.models import Alarm, Allocation, Attempt, DuePart, LedgerPosting, Payment, WebhookEvent
from practices.models import Event
from processors.stripe import ProcessorEvent
from processors.stripe.account import API_VERSION
from tests.payments.making import autopay_of, installment_of
from tests.payments.test_reconcile import ask
from tests.plugins.stripe import Shop

Killed = Callable[..., None]
Later = Callable[..., None]
# Where it dies → the attempts afterwards, oldest first, when the card works.
COLLECTING = {
    "after the recheck": ["SUCCEEDED"],
    "in the claim's transaction": ["SUCCEEDED"],
    "after the claim": ["NOT_TAKEN", "SUCCEEDED"],
    "while create is answered": ["NOT_TAKEN", "SUCCEEDED"],
    "after create": ["NOT_TAKEN", "SUCCEEDED"],
    "after the id is stored": ["NOT_TAKEN", "SUCCEEDED"],
    "after confirm was sent": ["SUCCEEDED"],
    "after the answer, before settle": ["SUCCEEDED"],
    "in settle, first row written": ["SUCCEEDED"],
    "in settle, before its commit": ["SUCCEEDED"],
    "after settle, before the end": ["SUCCEEDED"],
}
CHARGED_ALREADY = list(COLLECTING)[6:]


def attempts() -> list[str]:
    return list(Attempt.objects.order_by("pk").values_list("state", flat=True))


def nothing_is_stuck(shop: Shop) -> None:
    assert not Attempt.objects.filter(state__in=["STARTED", "PENDING", "UNKNOWN"]).exists()
    assert not WebhookEvent.objects.exclude(state__in=["DONE", "IGNORED"]).exists()
    assert not Alarm.objects.exists()
    assert set(shop.intents()) <= {"succeeded", "canceled"}


def paid_exactly_once(shop: Shop, part: DuePart) -> None:
    assert shop.taken() == [128_60]
    assert (Payment.objects.count(), Allocation.objects.count(), LedgerPosting.objects.count()) == (1, 1, 1)
    assert Message.objects.filter(kind=Kind.PAYMENT_SUCCESSFUL).count() == 1
    assert Message.objects.filter(kind=Kind.PAYMENT_FAILED).count() == 0
    assert Event.objects.filter(kind="payment_succeeded").count() == 1
    assert (installment_of(part).status, installment_of(part).collected_cents) == ("PAID", 128_60)
    assert DuePart.objects.get().state == "PAID"
    nothing_is_stuck(shop)


@pytest.mark.parametrize("point", COLLECTING)
def test_a_worker_killed_while_it_collects_charges_exactly_once(
    part: DuePart, shop: Shop, killed: Killed, later: Later, point: str
) -> None:
    killed("collect", at=point, part=part.pk)
    assert shop.taken() == ([128_60] if point in CHARGED_ALREADY else [])

    # A sweep at once, before anybody could find out: it must not charge beside an attempt whose fate is open.
    later(minutes=0)
    assert len(shop.taken()) <= 1
    for minutes in (2, 8, 20):
        later(minutes=minutes)

    assert attempts() == COLLECTING[point]
    paid_exactly_once(shop, part)


@pytest.mark.parametrize("point", COLLECTING)
def test_a_worker_killed_while_the_card_declines_counts_one_try_and_tells_once(
    part: DuePart, shop: Shop, killed: Killed, later: Later, point: str
) -> None:
    shop.behave(autopay_of(part).card, "decline:insufficient_funds")
    killed("collect", at=point, part=part.pk)
    for minutes in (0, 2, 8, 20):
        later(minutes=minutes)

    assert attempts() == [state.replace("SUCCEEDED", "DECLINED") for state in COLLECTING[point]]
    assert (len(shop.books("charges")), shop.taken()) == (1, [])
    assert Message.objects.filter(kind=Kind.PAYMENT_FAILED).count() == 1
    assert Event.objects.filter(kind="payment_declined").count() == 1
    assert (installment_of(part).status, Payment.objects.count()) == ("FAILED", 0)
    if point != "after settle, before the end":
        nothing_is_stuck(shop)


@pytest.mark.parametrize(
    "point",
    [
        "in a webhook's task, before settle",
        "in a webhook's task, in settle",
        "in a webhook's task, after settle",
    ],
)
def test_a_worker_killed_in_a_webhook_books_the_success_once(
    part: DuePart, shop: Shop, killed: Killed, later: Later, now: datetime, nudged: list[int], point: str
) -> None:
    reference = charged_unseen(shop, part, now)
    WebhookEvent.objects.create(
        practice=part.practice, event_id="evt_1", type="payment_intent.succeeded", object_id=reference,
        api_version=API_VERSION, received_at=now,
    )  # fmt: skip

    killed("inbox", at=point)
    for minutes in (0, 2, 8):
        later(minutes=minutes)

    assert attempts() == ["SUCCEEDED"]
    assert WebhookEvent.objects.get().state == "DONE"
    paid_exactly_once(shop, part)


@pytest.mark.parametrize(
    ("point", "stored"), [("in a webhook, before it is stored", 0), ("in a webhook, after it is stored", 1)]
)
def test_a_web_process_killed_while_it_takes_a_webhook_gets_it_again_and_books_once(
    part: DuePart, shop: Shop, killed: Killed, later: Later, now: datetime, nudged: list[int], point: str, stored: int
) -> None:
    reference = charged_unseen(shop, part, now)
    event = ProcessorEvent("evt_1", "payment_intent.succeeded", reference, API_VERSION, "", False)

    killed("deliver", at=point, event=vars(event))
    assert WebhookEvent.objects.count() == stored
    # No answer reached the processor, so it delivers again.
    assert inbox.store(shop.account, event, now=now) is (stored == 0)
    later(minutes=0)

    assert WebhookEvent.objects.get().state == "DONE"
    paid_exactly_once(shop, part)


def charged_unseen(shop: Shop, part: DuePart, now: datetime) -> str:
    """The money moved; no worker lives to tell."""
    ask(shop, claim(part.pk, channel="AUTOPAY", actor="autopay", now=now))
    return Attempt.objects.get().reference
