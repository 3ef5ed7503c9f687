"""The sandbox Stripe's idempotency store, and what its faults leave behind."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
import stripe

from tests.contracts.stripe_world import LATER_DECLINED, World, client, fresh, shared


@pytest.fixture
def shop() -> Iterator[World]:
    yield from fresh(shared())


def raw(shop: World, path: str, form: dict[str, str], key: str) -> httpx.Response:
    """A plain POST, to see status, headers and body as they are."""
    headers = {"Authorization": f"Bearer {shop.key}", "Idempotency-Key": key}
    return shop.process.http.post(f"/v1/{path}", data=form, headers=headers)


def test_the_same_key_and_body_replay_the_first_answer(shop: World) -> None:
    form = {"amount": "500", "currency": "usd", "customer": shop.customer}
    first = raw(shop, "payment_intents", form, "again")
    second = raw(shop, "payment_intents", form, "again")
    assert (second.status_code, second.content) == (200, first.content)
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["Original-Request"] == first.headers["Request-Id"] != second.headers["Request-Id"]
    assert len(shop.books("payment_intents")) == 1


def test_the_same_key_with_another_body_is_an_idempotency_error(shop: World) -> None:
    options = {"idempotency_key": "one-key"}
    shop.api.payment_intents.create({"amount": 500, "currency": "usd"}, options)
    for call, params in (
        (shop.api.payment_intents.create, {"amount": 501, "currency": "usd"}),
        (shop.api.customers.create, {}),
    ):
        with pytest.raises(stripe.IdempotencyError) as caught:
            call(params, options)
        assert caught.value.http_status == 400
    assert len(shop.books("payment_intents")) == 1


def test_keys_of_two_accounts_do_not_meet(shop: World) -> None:
    other = shop.open_account()
    ids = {
        one.api.payment_intents.create({"amount": 500, "currency": "usd"}, {"idempotency_key": "shared"}).id
        for one in (shop, other)
    }
    assert len(ids) == 2


def test_a_decline_is_saved_under_its_key_and_a_new_key_tries_again(shop: World) -> None:
    card = shop.card(LATER_DECLINED)
    intent = shop.intent(card)
    for _ in range(2):
        with pytest.raises(stripe.CardError):
            shop.api.payment_intents.confirm(intent.id, {"off_session": True}, {"idempotency_key": "cf-1"})
    assert len(shop.books("charges")) == 1
    shop.control("cards", payment_method=card, behaviour="ok")
    params = {"off_session": True, "payment_method": card}
    assert shop.api.payment_intents.confirm(intent.id, params, {"idempotency_key": "cf-2"}).status == "succeeded"
    assert [row["status"] for row in shop.books("charges")] == ["failed", "succeeded"]


def test_a_refused_parameter_is_not_saved_under_the_key(shop: World) -> None:
    options = {"idempotency_key": "corrected"}
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.payment_intents.create({"amount": 10, "currency": "usd"}, options)
    assert shop.api.payment_intents.create({"amount": 1000, "currency": "usd"}, options).amount == 1000


def test_a_wrong_state_is_saved_under_the_key(shop: World) -> None:
    intent = shop.intent()
    form: dict[str, str] = {}
    first = raw(shop, f"payment_intents/{intent.id}/confirm", form, "too-early")
    second = raw(shop, f"payment_intents/{intent.id}/confirm", form, "too-early")
    assert (first.status_code, second.status_code, second.content) == (400, 400, first.content)
    assert second.headers["Idempotent-Replayed"] == "true"


def test_a_key_in_use_answers_409_without_a_code_on_the_exception(shop: World) -> None:
    intent = shop.intent(shop.card())
    shop.control("troubles", kind="hold", match="*/confirm", seconds=0.6)
    options = {"idempotency_key": "busy"}
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(shop.api.payment_intents.confirm, intent.id, {"off_session": True}, options)
        while len(shop.look("requests", key="busy")) == 0:
            pass
        with pytest.raises(stripe.APIError) as caught:
            shop.api.payment_intents.confirm(intent.id, {"off_session": True}, options)
        assert slow.result().status == "succeeded"
    assert (caught.value.http_status, caught.value.code) == (409, None)
    error: Any = caught.value.error
    assert error.code == "idempotency_key_in_use"
    assert len(shop.books("charges")) == 1


def test_a_key_is_forgotten_after_24_hours_and_the_request_runs_anew(shop: World) -> None:
    params, options = {"amount": 500, "currency": "usd"}, {"idempotency_key": "old"}
    first = shop.api.payment_intents.create(params, options).id
    shop.clock.advance(timedelta(hours=23, minutes=59))
    assert shop.api.payment_intents.create(params, options).id == first
    shop.clock.advance(timedelta(minutes=2))
    assert shop.api.payment_intents.create(params, options).id != first


@pytest.mark.parametrize(("kind", "charges"), [("broken_before", 0), ("broken_after", 1)])
def test_a_500_is_saved_and_replayed_and_the_intent_tells_the_truth(shop: World, kind: str, charges: int) -> None:
    intent = shop.intent(shop.card())
    shop.control("troubles", kind=kind, match="*/confirm")
    for _ in range(2):
        with pytest.raises(stripe.APIError) as caught:
            shop.api.payment_intents.confirm(intent.id, {"off_session": True}, {"idempotency_key": "cf"})
        assert caught.value.http_status == 500
    status = "succeeded" if charges else "requires_confirmation"
    assert shop.api.payment_intents.retrieve(intent.id).status == status
    assert len(shop.books("charges")) == charges


@pytest.mark.parametrize(
    ("kind", "charges"), [("drop_before", 0), ("drop_after", 1), ("error_before", 0), ("error_after", 1)]
)
def test_a_lost_answer_leaves_or_spares_the_effect_and_a_resend_charges_once(
    shop: World, kind: str, charges: int
) -> None:
    intent = shop.intent(shop.card())
    shop.process.fault("POST /v1/payment_intents/*/confirm", kind)
    options = {"idempotency_key": "cf"}
    lost = stripe.APIConnectionError if kind.startswith("drop") else stripe.APIError
    with pytest.raises(lost):
        shop.api.payment_intents.confirm(intent.id, {"off_session": True}, options)
    assert len(shop.books("charges")) == charges
    assert shop.api.payment_intents.confirm(intent.id, {"off_session": True}, options).status == "succeeded"
    assert len(shop.books("charges")) == 1


def test_the_librarys_own_retry_sends_the_same_key_and_bytes(shop: World) -> None:
    intent = shop.intent(shop.card())
    shop.process.fault("POST /v1/payment_intents/*/confirm", "drop_after")
    patient = client(shop.url, shop.key, max_network_retries=1)
    assert patient.payment_intents.confirm(intent.id, {"off_session": True}).status == "succeeded"
    sent = shop.look("requests", path=f"/v1/payment_intents/{intent.id}/confirm")
    assert [(row["status"], row["replayed"]) for row in sent] == [(200, 0), (200, 1)]
    assert len({(row["idempotency_key"], row["body"]) for row in sent}) == 1
    assert sent[0]["body"] == "off_session=true"
    assert len(shop.books("charges")) == 1


def test_throttling_looks_like_stripes_and_takes_nothing(shop: World) -> None:
    shop.process.fault("POST /v1/payment_intents", "throttle")
    with pytest.raises(stripe.RateLimitError) as caught:
        shop.intent()
    error: Any = caught.value.error
    assert (caught.value.code, error.code) == (None, "rate_limit")
    assert shop.books("payment_intents") == []


def test_a_key_longer_than_255_characters_is_refused(shop: World) -> None:
    assert raw(shop, "customers", {}, "k" * 256).status_code == 400
    assert raw(shop, "customers", {}, "k" * 255).status_code == 200
