"""Cards kept at a reader of the sandbox Stripe: generated from a payment, or saved without one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.contracts.stripe_desk import Desk, open_desk, refused
from tests.contracts.stripe_world import DEBIT, POOR, World, fresh, shared


@pytest.fixture
def shop() -> Iterator[World]:
    yield from fresh(shared())


@pytest.fixture
def desk(shop: World) -> Desk:
    return open_desk(shop)


def test_the_card_is_kept_as_a_generated_one_that_can_be_charged_later(desk: Desk) -> None:
    intent = desk.saving()
    desk.process(intent, allow_redisplay="always")
    desk.news()
    desk.card()
    assert desk.news() == [
        "payment_method.attached",
        "charge.succeeded",
        "payment_intent.succeeded",
        "terminal.reader.action_succeeded",
    ]
    charge = desk.charge(intent)
    made = desk.api.payment_methods.retrieve(charge.payment_method_details.card_present.generated_card)
    assert (made.type, made.customer, made.allow_redisplay) == ("card", desk.shop.customer, "always")
    assert (made.card.brand, made.card.last4, made.card.funding) == ("visa", "4242", "credit")
    assert made.card.fingerprint == charge.payment_method_details.card_present.fingerprint
    assert made.card.generated_from.charge == charge.id
    assert [row.id for row in desk.api.payment_methods.list({"customer": desk.shop.customer, "type": "card"})] == [
        made.id
    ]
    assert desk.shop.charge(made.id, 5000).status == "succeeded"
    desk.shop.control("cards", payment_method=made.id, behaviour="decline:insufficient_funds")
    with pytest.raises(stripe.CardError):
        desk.shop.charge(made.id, 5000)


def test_a_charge_names_its_generated_card_and_does_not_expand_it(desk: Desk) -> None:
    path = "latest_charge.payment_method_details.card_present.generated_card"
    intent = desk.saving()
    desk.process(intent)
    desk.card()
    with refused("parameter_unknown", "expand"):
        desk.api.payment_intents.retrieve(intent.id, {"expand": [path]})


@pytest.mark.parametrize("wallet", ["apple_pay", "google_pay"])
def test_a_phone_pays_and_is_not_kept(desk: Desk, wallet: str) -> None:
    intent = desk.saving()
    desk.process(intent, allow_redisplay="limited")
    assert desk.hold(wallet=wallet)["screen"] == "approved"
    card = desk.charge(intent).payment_method_details.card_present
    assert (card.wallet.type, card.read_method, card.generated_card) == (wallet, "contactless_emv", None)
    assert desk.api.payment_methods.list({"customer": desk.shop.customer}).data == []


@pytest.mark.parametrize("missing", ["customer", "setup_future_usage"])
def test_no_card_is_kept_without_a_customer_and_a_wish(desk: Desk, missing: str) -> None:
    wish: dict[str, Any] = {"customer": desk.shop.customer, "setup_future_usage": "off_session"}
    del wish[missing]
    intent = desk.intent(**wish)
    desk.process(intent)
    desk.card()
    assert desk.charge(intent).payment_method_details.card_present.generated_card is None


def test_the_card_that_was_read_cannot_be_used_again(desk: Desk) -> None:
    read = desk.paid().payment_method
    with refused("payment_method_unexpected_state", "payment_method"):
        desk.api.payment_methods.attach(read, {"customer": desk.shop.customer})
    with refused("payment_method_unexpected_state", "payment_method"):
        desk.shop.intent(read)


def setup(desk: Desk) -> Any:
    params = {"customer": desk.shop.customer, "allowed_payment_method_types": ["card_present"]}
    return desk.api.setup_intents.create(params)


def test_a_card_is_saved_at_the_reader_without_a_payment(desk: Desk) -> None:
    intent = setup(desk)
    assert intent.payment_method_types == ["card_present"]
    desk.news()
    reader = desk.calls.process_setup_intent(desk.id, {"setup_intent": intent.id, "allow_redisplay": "always"})
    assert reader.action.process_setup_intent.to_dict() == {"setup_intent": intent.id, "generated_card": None}
    action = desk.card(DEBIT).action
    assert desk.news() == ["payment_method.attached", "setup_intent.succeeded", "terminal.reader.action_succeeded"]
    made = action.process_setup_intent.generated_card
    expand = ["latest_attempt.payment_method_details.card_present.generated_card", "payment_method"]
    found = desk.api.setup_intents.retrieve(intent.id, {"expand": expand})
    attempt = found.latest_attempt.payment_method_details.card_present
    assert (found.status, found.payment_method.type) == ("succeeded", "card_present")
    assert (attempt.generated_card.id, attempt.generated_card.customer) == (made, desk.shop.customer)
    assert (attempt.generated_card.card.funding, attempt.generated_card.allow_redisplay) == ("debit", "always")
    assert desk.shop.charge(made).status == "succeeded"


def test_a_card_the_bank_refuses_is_not_saved(desk: Desk) -> None:
    intent = setup(desk)
    params = {"setup_intent": intent.id, "allow_redisplay": "always"}
    desk.calls.process_setup_intent(desk.id, params)
    action = desk.card(POOR).action
    assert (action.status, action.failure_code) == ("failed", "setup_intent_authentication_failure")
    found = desk.api.setup_intents.retrieve(intent.id)
    assert (found.status, found.last_setup_error.code) == (
        "requires_payment_method",
        "setup_intent_authentication_failure",
    )
    assert desk.api.payment_methods.list({"customer": desk.shop.customer}).data == []
    desk.calls.process_setup_intent(desk.id, params)
    assert desk.card().action.status == "succeeded"


def test_saving_needs_allow_redisplay_and_no_longer_takes_the_old_parameter(desk: Desk) -> None:
    intent = setup(desk)
    with refused("parameter_missing", "allow_redisplay"):
        desk.calls.process_setup_intent(desk.id, {"setup_intent": intent.id})
    old = {"setup_intent": intent.id, "allow_redisplay": "always", "customer_consent_collected": True}
    with refused("parameter_unknown", "customer_consent_collected"):
        desk.calls.process_setup_intent(desk.id, old)
    assert desk.reader.action is None
