"""The Stripe adapter against the sandbox: asking what became of an attempt, canceling, testing the connection."""

from __future__ import annotations

from uuid import uuid4

import pytest

from cards.models import Card
from processors.port import (
    NotTaken,
    Succeeded,
    UnableToReachProcessor,
    Unknown,
)
from processors.stripe import StripeProcessor
from tests.plugins.stripe import Shop
from tests.processors.making import CREATE, Notebook, asked_for, charge, question


def test_looking_up_cancels_an_intent_that_was_never_confirmed(shop: Shop, card: Card) -> None:
    wish = asked_for(card)
    shop.fault(CREATE, "drop_after", times=2)
    processor = StripeProcessor(shop.account)
    assert processor.charge(wish, Notebook().remember) == Unknown("The processor did not answer")

    found = processor.look_up(question("", card, wish.create_params["metadata"]["attempt"]))

    assert found == NotTaken("Canceled at the processor")
    assert (shop.intents(), shop.taken()) == (["canceled"], [])


def test_looking_up_finds_an_intent_by_metadata_behind_a_hundred_others(shop: Shop, card: Card) -> None:
    processor, wish = StripeProcessor(shop.account), asked_for(card)
    outcome = processor.charge(wish, Notebook().remember)
    form = {"amount": "500", "currency": "usd", "customer": card.customer}
    for _ in range(101):
        shop.process.http.post("/v1/payment_intents", data=form, auth=(shop.account.secret_key, ""))

    assert processor.look_up(question("", card, wish.create_params["metadata"]["attempt"])) == outcome


def test_looking_up_what_never_arrived_is_not_taken(shop: Shop, card: Card) -> None:
    charge(shop, card)

    found = StripeProcessor(shop.account).look_up(question("", card, str(uuid4())))

    assert found == NotTaken("The processor never got the request")


@pytest.mark.parametrize("fault", ["drop_before", "error_before", "throttle"])
def test_looking_up_in_vain_is_unknown_and_keeps_the_reference(shop: Shop, card: Card, fault: str) -> None:
    answer = charge(shop, card)
    assert isinstance(answer, Succeeded)
    shop.fault("GET /v1/payment_intents/*", fault, times=2)

    found = StripeProcessor(shop.account).look_up(question(answer.reference, card))

    assert isinstance(found, Unknown)
    assert found.reference == answer.reference


def test_an_intent_of_another_account_is_unknown_never_not_taken(shop: Shop, card: Card) -> None:
    found = StripeProcessor(shop.account).look_up(question("pi_of_somebody_else", card))

    assert found == Unknown("The processor refuses the request (resource_missing)", "pi_of_somebody_else")


def test_canceling_is_quiet_about_what_is_final_and_about_trouble(shop: Shop, card: Card) -> None:
    processor = StripeProcessor(shop.account)
    answer = charge(shop, card)
    assert isinstance(answer, Succeeded)

    processor.cancel(answer.reference)
    shop.fault("POST /v1/payment_intents/*/cancel", "error_before", times=2)
    processor.cancel(answer.reference)

    assert shop.intents() == ["succeeded"]


@pytest.mark.parametrize("state", ["revoked", "restricted"])
def test_testing_a_connection_says_in_plain_words_what_is_wrong(shop: Shop, state: str) -> None:
    processor = StripeProcessor(shop.account)
    assert processor.test().startswith("acct_")
    shop.control("accounts", account_key=shop.account.secret_key, state=state)

    with pytest.raises(UnableToReachProcessor, match="secret key|permission"):
        processor.test()
