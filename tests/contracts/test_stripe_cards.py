"""Customers, saved cards and setup intents in the sandbox Stripe, and how a saved card's behaviour changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe

from sandbox.stripe.cards import CARDS, luhn
from tests.contracts.stripe_world import AMEX, DEBIT, POOR, VISA, World, fresh, shared


@pytest.fixture
def shop() -> Iterator[World]:
    yield from fresh(shared())


def refused(call: Any, *arguments: Any) -> Any:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        call(*arguments)
    return caught.value.error


def decline_code(shop: World, card: str) -> str:
    with pytest.raises(stripe.CardError) as caught:
        shop.charge(card)
    error: Any = caught.value.error
    return str(error.decline_code)


def test_customers_are_created_read_changed_listed_and_deleted(shop: World) -> None:
    first = shop.customer
    made = shop.api.customers.create(
        {"name": "Pat Example", "email": "pat@example.com", "metadata": {"a": "1", "b": "2"}}
    )
    changed = shop.api.customers.update(made.id, {"name": "Pat Sample", "metadata": {"a": "", "c": "3"}})
    assert (changed.name, changed.metadata.to_dict()) == ("Pat Sample", {"b": "2", "c": "3"})
    assert shop.api.customers.retrieve(made.id).email == "pat@example.com"
    assert [one.id for one in shop.api.customers.list().data] == [made.id, first]
    assert [one.id for one in shop.api.customers.list({"email": "pat@example.com"}).data] == [made.id]
    assert shop.api.customers.delete(made.id).deleted is True
    assert shop.api.customers.retrieve(made.id).deleted is True
    assert refused(shop.api.customers.update, made.id, {"name": "x"}).code == "resource_missing"
    assert shop.events() == ["customer.created", "customer.created", "customer.updated", "customer.deleted"]


def test_a_saved_card_shows_what_the_office_may_know_and_no_number(shop: World) -> None:
    card = shop.api.payment_methods.retrieve(shop.card(DEBIT))
    assert (card.customer, card.type, card.card.brand, card.card.last4) == (shop.customer, "card", "visa", "5556")
    assert (card.card.funding, card.card.exp_month, card.card.exp_year) == ("debit", 12, 2040)
    everything = b"".join(path.read_bytes() for path in shop.clock.path.parent.glob("stripe.sqlite3*"))
    assert card.id.encode() in everything
    assert [number for number in CARDS if number.encode() in everything] == []


@pytest.mark.parametrize(
    ("number", "brand", "funding"),
    [
        ("5555555555554444", "mastercard", "credit"),
        ("5105105105105100", "mastercard", "prepaid"),
        (AMEX, "amex", "credit"),
        (VISA, "visa", "credit"),
    ],
)
def test_brand_and_funding_follow_the_number(shop: World, number: str, brand: str, funding: str) -> None:
    card = shop.api.payment_methods.retrieve(shop.card(number)).card
    assert (card.brand, card.funding, card.last4) == (brand, funding, number[-4:])


def test_every_test_number_has_a_right_check_digit() -> None:
    assert [number for number in CARDS if not luhn(number)] == []


def test_the_same_number_has_the_same_fingerprint_within_an_account_only(shop: World) -> None:
    def mark(one: World, number: str) -> str:
        return str(one.api.payment_methods.retrieve(one.card(number)).card.fingerprint)

    assert mark(shop, VISA) == mark(shop, VISA) != mark(shop, DEBIT)
    assert mark(shop, VISA) != mark(shop.open_account(), VISA)


def test_cards_are_listed_by_customer_in_both_ways(shop: World) -> None:
    cards = [shop.card(), shop.card(DEBIT)]
    listed = shop.api.payment_methods.list({"customer": shop.customer, "type": "card"})
    assert [one.id for one in listed.data] == cards[::-1]
    assert [one.id for one in shop.api.customers.payment_methods.list(shop.customer).data] == cards[::-1]
    assert shop.api.customers.payment_methods.retrieve(shop.customer, cards[0]).id == cards[0]


def test_a_detached_card_can_be_neither_charged_nor_attached_again(shop: World) -> None:
    card = shop.card()
    assert shop.api.payment_methods.detach(card).customer is None
    assert shop.api.payment_methods.list({"customer": shop.customer}).data == []
    error = refused(
        shop.api.payment_intents.create,
        {"amount": 500, "currency": "usd", "customer": shop.customer, "payment_method": card},
    )
    assert error.code == "payment_method_unexpected_state"
    refused(shop.api.payment_methods.attach, card, {"customer": shop.customer})
    refused(shop.api.payment_methods.detach, card)
    assert shop.events()[-1] == "payment_method.detached"
    assert shop.books("charges") == []


def test_a_test_token_attaches_a_fresh_card(shop: World) -> None:
    card = shop.api.payment_methods.attach("pm_card_visa", {"customer": shop.customer})
    assert (card.customer, card.card.last4) == (shop.customer, "4242")
    assert shop.charge(card.id).status == "succeeded"


def test_a_card_can_be_relabeled_and_its_expiry_moved(shop: World) -> None:
    card = shop.card()
    changed = shop.api.payment_methods.update(
        card, {"card": {"exp_month": 4, "exp_year": 2041}, "billing_details": {"name": "Pat Example"}}
    )
    assert (changed.card.exp_month, changed.card.exp_year, changed.billing_details.name) == (4, 2041, "Pat Example")
    event = shop.api.events.list({"type": "payment_method.updated"}).data[0]
    assert event.data.previous_attributes.card.exp_year == 2040


def test_a_setup_intent_saves_a_card_for_off_session_use(shop: World) -> None:
    setup = shop.api.setup_intents.create(
        {"customer": shop.customer, "usage": "off_session", "allowed_payment_method_types": ["card"]}
    )
    assert setup.status == "requires_payment_method"
    done = shop.api.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa", "expand": ["payment_method"]})
    assert (done.status, done.payment_method.customer) == ("succeeded", shop.customer)
    assert shop.charge(done.payment_method.id).status == "succeeded"
    assert refused(shop.api.setup_intents.cancel, setup.id).code == "setup_intent_unexpected_state"
    assert [one.id for one in shop.api.setup_intents.list({"customer": shop.customer}).data] == [setup.id]


def test_a_canceled_setup_intent_saves_nothing(shop: World) -> None:
    setup = shop.api.setup_intents.create({"customer": shop.customer})
    assert shop.api.setup_intents.cancel(setup.id).status == "canceled"
    error = refused(shop.api.setup_intents.confirm, setup.id, {"payment_method": "pm_card_visa"})
    assert error.code == "setup_intent_unexpected_state"
    assert shop.api.payment_methods.list({"customer": shop.customer}).data == []


def test_a_card_that_cannot_be_saved_is_refused_while_saving(shop: World) -> None:
    wish = {"account_key": shop.key, "customer": shop.customer, "number": "4000000000000002"}
    answer = shop.process.http.post("/_sandbox/save_card", json=wish)
    assert (answer.status_code, answer.json()["error"]["decline_code"]) == (402, "generic_decline")
    assert shop.api.payment_methods.list({"customer": shop.customer}).data == []


def test_a_cards_behaviour_can_be_changed_for_good(shop: World) -> None:
    card = shop.card()
    shop.control("cards", payment_method=card, behaviour="decline:insufficient_funds")
    assert [decline_code(shop, card) for _ in range(2)] == ["insufficient_funds", "insufficient_funds"]
    shop.control("cards", payment_method=card, behaviour="ok")
    assert shop.charge(card).status == "succeeded"


def test_a_card_can_decline_twice_and_then_work(shop: World) -> None:
    card = shop.card()
    shop.control("cards", payment_method=card, behaviour="decline:do_not_honor:try_again_later:05:24", times=2)
    assert [decline_code(shop, card) for _ in range(2)] == ["do_not_honor", "do_not_honor"]
    assert shop.charge(card).status == "succeeded"


def test_a_card_that_declines_can_be_made_to_work_once(shop: World) -> None:
    card = shop.card(POOR)
    shop.control("cards", payment_method=card, behaviour="ok", times=1)
    assert shop.charge(card).status == "succeeded"
    assert decline_code(shop, card) == "insufficient_funds"


def test_an_unknown_behaviour_is_refused(shop: World) -> None:
    card = shop.card()
    for wrong in ("explode", "decline", "decline:", "decline:do_not_honor:whatever", "ok:1"):
        answer = shop.process.http.post("/_sandbox/cards", json={"payment_method": card, "behaviour": wrong})
        assert answer.status_code == 400
    assert shop.charge(card).status == "succeeded"


def test_an_expired_card_declines_and_a_renewed_one_works_again(shop: World) -> None:
    card = shop.card()
    shop.control("cards/expire", payment_method=card)
    assert decline_code(shop, card) == "expired_card"
    shop.control("cards/expire", payment_method=card, exp_month=1, exp_year=2045, announce=True)
    assert shop.charge(card).status == "succeeded"
    assert "payment_method.automatically_updated" in shop.events()


def test_a_card_expires_as_the_business_clock_passes_its_month(shop: World) -> None:
    today = datetime.now(UTC)
    wish = {"account_key": shop.key, "customer": shop.customer, "number": VISA}
    card = shop.control("save_card", **wish, exp_month=today.month, exp_year=today.year)["payment_method"]
    assert shop.charge(card).status == "succeeded"
    shop.clock.advance(timedelta(days=32))
    assert decline_code(shop, card) == "expired_card"
