"""Events and signed webhooks of the sandbox Stripe, and everything that can go wrong on their way."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import stripe

from tests.contracts.stripe_world import VERSION, Listener, World, client, fresh, shared, wait_for

SECRET = "whsec_contract_tests"
PAID = "payment_intent.succeeded"


@pytest.fixture
def shop() -> Iterator[World]:
    yield from fresh(shared())


@pytest.fixture
def hook(shop: World) -> Iterator[Listener]:
    """An endpoint of the shop that wants every event."""
    listener = Listener()
    shop.control("webhooks", url=listener.url, secret=SECRET, account_key=shop.key)
    yield listener
    listener.close()


def event_of(body: bytes, header: str, secret: str = SECRET) -> Any:
    """Verified by the library, as the product does it."""
    return stripe.StripeClient("sk_test_unused").construct_event(body, header, secret)


def deliveries(shop: World, kind: str) -> list[dict[str, Any]]:
    found = {event.id for event in shop.api.events.list({"type": kind, "limit": 100}).data}
    return [row for row in shop.look("deliveries") if row["event"] in found]


def test_a_charge_sends_signed_events_that_the_library_verifies(shop: World, hook: Listener) -> None:
    paid = shop.charge(shop.card())
    wait_for(lambda: PAID in hook.types)
    body, header = hook.got[hook.types.index(PAID)]
    event = event_of(body, header)
    assert (event.type, event.api_version, event.data.object.id) == (PAID, VERSION, paid.id)
    assert event.data.object.status == "succeeded"
    sent_at = int(header.split(",")[0].removeprefix("t="))
    assert abs(time.time() - sent_at) < 30
    for wrong_body, wrong_secret in ((body + b" ", SECRET), (body, "whsec_other")):
        with pytest.raises(stripe.SignatureVerificationError):
            event_of(wrong_body, header, wrong_secret)


def test_signatures_use_real_time_while_created_follows_the_business_clock(shop: World, hook: Listener) -> None:
    shop.clock.advance(timedelta(days=40))
    shop.charge(shop.card())
    wait_for(lambda: PAID in hook.types)
    event = event_of(*hook.got[hook.types.index(PAID)])
    assert event.created - time.time() > 39 * 86_400


def test_an_event_names_the_request_that_caused_it(shop: World) -> None:
    intent = shop.intent(shop.card())
    shop.api.payment_intents.confirm(intent.id, {"off_session": True}, {"idempotency_key": "cf-77"})
    event = shop.api.events.list({"type": PAID}).data[0]
    assert event.request.idempotency_key == "cf-77"
    logged = shop.look("requests", key="cf-77")
    assert [row["request"] for row in logged] == [event.request.id]


def test_an_endpoint_made_by_the_api_gets_its_types_in_its_own_version(shop: World) -> None:
    listener = Listener()
    endpoint = shop.api.webhook_endpoints.create(
        {"url": listener.url, "enabled_events": [PAID], "api_version": "2026-08-26.dahlia"}
    )
    assert endpoint.secret.startswith("whsec_")
    assert getattr(shop.api.webhook_endpoints.retrieve(endpoint.id), "secret", None) is None
    assert [one.id for one in shop.api.webhook_endpoints.list().data] == [endpoint.id]
    shop.charge(shop.card())
    wait_for(lambda: listener.types == [PAID])
    assert event_of(*listener.got[0], endpoint.secret).api_version == "2026-08-26.dahlia"
    assert shop.api.webhook_endpoints.delete(endpoint.id).deleted is True
    shop.charge(shop.card())
    assert deliveries(shop, PAID)[-1]["status"] == "delivered"
    assert (len(deliveries(shop, PAID)), len(listener.got)) == (1, 1)
    listener.close()


def test_a_refusing_endpoint_is_tried_again_and_the_tries_are_logged(shop: World) -> None:
    listener = Listener(codes=[500, 503])
    fields = {"url": listener.url, "secret": SECRET, "account_key": shop.key, "enabled_events": [PAID]}
    shop.control("webhooks", **fields)
    shop.charge(shop.card())
    wait_for(lambda: len(listener.got) == 3)
    wait_for(lambda: deliveries(shop, PAID)[0]["status"] == "delivered")
    assert [one["code"] for one in deliveries(shop, PAID)[0]["log"]] == [500, 503, 200]
    assert len({body for body, _ in listener.got}) == 1
    listener.close()


def test_an_event_that_nobody_took_is_listed_as_undelivered_until_it_is_resent(shop: World) -> None:
    listener = Listener()
    shop.control("webhooks", url=listener.url, secret=SECRET, account_key=shop.key, enabled_events=[PAID])
    shop.control("webhook-faults", kind="lose", times=1)
    shop.charge(shop.card())
    missed = shop.api.events.list({"delivery_success": False, "types": [PAID]}).data
    assert [(event.type, event.pending_webhooks) for event in missed] == [(PAID, 1)]
    assert listener.got == []
    assert shop.control("webhooks/resend", event=missed[0].id) == {"deliveries": 1}
    wait_for(lambda: listener.types == [PAID])
    wait_for(lambda: shop.api.events.list({"delivery_success": False, "types": [PAID]}).data == [])
    assert missed[0].id in [event.id for event in shop.api.events.list({"delivery_success": True}).data]
    listener.close()


def test_a_duplicated_event_arrives_twice_with_the_same_id(shop: World, hook: Listener) -> None:
    card = shop.card()
    shop.control("webhook-faults", kind="duplicate", times=1, type=PAID)
    shop.charge(card)
    wait_for(lambda: hook.types.count(PAID) == 2)
    bodies = [json.loads(body) for body, _ in hook.got if json.loads(body)["type"] == PAID]
    assert bodies[0]["id"] == bodies[1]["id"]


def test_a_late_event_arrives_after_its_delay(shop: World, hook: Listener) -> None:
    card = shop.card()
    shop.control("webhook-faults", kind="late", times=1, seconds=0.5, type=PAID)
    begun = time.monotonic()
    shop.charge(card)
    wait_for(lambda: PAID in hook.types)
    assert time.monotonic() - begun > 0.45


def test_a_reordered_event_is_overtaken_by_the_next_one(shop: World, hook: Listener) -> None:
    card = shop.card()
    wait_for(lambda: "setup_intent.succeeded" in hook.types)
    shop.control("webhook-faults", kind="reorder", times=1, type="payment_intent.created")
    shop.charge(card)
    wait_for(lambda: "payment_intent.created" in hook.types)
    assert hook.types.index("payment_intent.created") > hook.types.index("charge.succeeded")


def test_connected_accounts_events_reach_the_platform_and_name_the_account(shop: World) -> None:
    listener, own = Listener(), Listener()
    shop.control("webhooks", url=listener.url, secret=SECRET, account_key=shop.key, connect=True)
    shop.control("webhooks", url=own.url, secret=SECRET, account_key=shop.key)
    client(shop.url, shop.key, stripe_account="acct_1Hillside").customers.create()
    wait_for(lambda: listener.types == ["customer.created"])
    assert event_of(*listener.got[0]).account == "acct_1Hillside"
    assert own.got == []
    listener.close()
    own.close()


def test_events_are_listed_by_type_and_kept_for_30_days(shop: World) -> None:
    shop.charge(shop.card())
    listed = shop.api.events.list({"types": [PAID, "charge.*"]}).data
    assert [event.type for event in listed] == [PAID, "charge.succeeded"]
    assert shop.api.events.retrieve(listed[0].id).type == PAID
    since = listed[0].created
    assert shop.api.events.list({"created": {"gt": since + 60}}).data == []
    shop.clock.advance(timedelta(days=31))
    # Payouts of the month between may have their own by now.
    assert [event.type for event in shop.api.events.list().data if event.created <= since + 60] == []
