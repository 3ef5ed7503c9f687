"""Malformed requests: the sandbox Stripe answers each with a plain refusal, never with a failure of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contracts.stripe_world import World, fresh, shared


@pytest.fixture
def shop() -> Iterator[World]:
    yield from fresh(shared())


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "customers", "[a]=1", 400),
        ("POST", "customers", "metadata[a][b]=1", 400),
        ("POST", "customers", "name[first]=Pat", 400),
        ("POST", "customers", "name=Pat&name[first]=Pat", 400),
        ("POST", "customers", "metadata=x", 400),
        ("POST", "customers", "expand=x", 400),
        ("POST", "customers", "expand[]=line_items", 400),
        ("POST", "customers", "expand[]=metadata.a", 400),
        ("POST", "payment_intents", "amount=99999999999999999999999&currency=usd", 400),
        ("POST", "payment_intents", "amount=1_000&currency=usd", 400),
        ("POST", "payment_intents", "amount=500&currency=usd&allowed_payment_method_types[]=", 400),
        ("POST", "payment_intents", "amount=500&currency=usd&allowed_payment_method_types[]=us_bank_account", 400),
        ("POST", "payment_intents", "amount=500&currency=usd&allowed_payment_method_types=card", 400),
        ("POST", "payment_intents", "amount=500&currency=usd&confirm=yes", 400),
        ("POST", "checkout/sessions", "mode=setup&currency=usd&success_url=x&line_items[0]=y", 400),
        ("POST", "checkout/sessions", "mode=payment&success_url=x&line_items[0][quantity]=1", 400),
        ("POST", "webhook_endpoints", "url=ftp://x&enabled_events[]=*", 400),
        ("POST", "webhook_endpoints", "url=http://127.0.0.1:9/&enabled_events[]=payment_intent.*", 400),
        ("GET", "events?created[gt]=99999999999999999999999", "", 400),
        ("GET", "events?created[after]=1", "", 400),
        ("GET", "charges?limit=0", "", 400),
        ("GET", "charges?limit=101", "", 400),
        ("GET", "charges?starting_after=nothing", "", 200),
        ("GET", "charges?expand[]=data", "", 400),
        ("GET", "customers/%00", "", 404),
        ("DELETE", "customers", "", 404),
    ],
)
def test_odd_requests_are_refused_in_stripes_shape_and_change_nothing(
    shop: World, method: str, path: str, body: str, status: int
) -> None:
    before = shop.look("state")["counts"]
    headers = {"Authorization": f"Bearer {shop.key}", "Content-Type": "application/x-www-form-urlencoded"}
    answer = shop.process.http.request(method, f"/v1/{path}", content=body, headers=headers)
    assert answer.status_code == status
    assert status == 200 or answer.json()["error"]["type"] == "invalid_request_error"
    assert shop.look("state")["counts"] == before


def test_card_present_intents_take_no_saved_card(shop: World) -> None:
    intent = shop.intent(allowed_payment_method_types=["card_present", "us_bank_account"])
    assert intent.payment_method_types == ["card_present"]
    headers = {"Authorization": f"Bearer {shop.key}"}
    url = f"/v1/payment_intents/{intent.id}/confirm"
    answer = shop.process.http.post(url, data={"payment_method": shop.card()}, headers=headers)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "payment_method")
    assert shop.books("charges") == []
