"""Payment intents in the sandbox Stripe: states, off-session confirms, declines, what the library sees of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.contracts.stripe_world import LATER_DECLINED, VISA, World, client, fresh, shared


@pytest.fixture
def shop() -> Iterator[World]:
    yield from fresh(shared())


def refused(call: Any, *arguments: Any) -> Any:
    """The error object of a call that must be refused with 400 or 404."""
    with pytest.raises(stripe.InvalidRequestError) as caught:
        call(*arguments)
    return caught.value.error


def declined(shop: World, card: str) -> Any:
    with pytest.raises(stripe.CardError) as caught:
        shop.charge(card)
    return caught.value


def test_an_intent_is_created_then_confirmed_off_session_and_charges_once(shop: World) -> None:
    card = shop.card()
    params: dict[str, Any] = {
        "allowed_payment_method_types": ["card"],
        "description": "Account balance",
        "metadata": {"attempt": "7f3"},
    }
    intent = shop.intent(card, **params)
    assert (intent.status, intent.latest_charge, intent.amount_received) == ("requires_confirmation", None, 0)
    assert intent.payment_method_types == ["card"]
    assert shop.books("charges") == []
    done = shop.api.payment_intents.confirm(intent.id, {"off_session": True, "expand": ["latest_charge"]})
    assert (done.status, done.amount_received, done.metadata["attempt"]) == ("succeeded", 12860, "7f3")
    charge = done.latest_charge
    assert (charge.paid, charge.captured, charge.status, charge.payment_intent) == (True, True, "succeeded", intent.id)
    assert (charge.outcome.type, charge.payment_method_details.card.last4) == ("authorized", "4242")
    assert [(row["amount"], row["customer"], row["metadata"]) for row in shop.books("charges")] == [
        (12860, shop.customer, {"attempt": "7f3"})
    ]


def test_create_with_confirm_does_both_steps_in_one_call(shop: World) -> None:
    done = shop.intent(shop.card(), confirm=True, off_session=True)
    assert (done.status, done.amount_received) == ("succeeded", 12860)


def test_expanding_reaches_the_fee_of_the_charge(shop: World) -> None:
    paid = shop.charge(shop.card())
    wish = {"expand": ["latest_charge.balance_transaction", "payment_method", "customer"]}
    found = shop.api.payment_intents.retrieve(paid.id, wish)
    entry = found.latest_charge.balance_transaction
    assert (entry.amount, entry.fee, entry.net, entry.source) == (12860, 403, 12457, found.latest_charge.id)
    assert (found.payment_method.card.brand, found.customer.id) == ("visa", shop.customer)
    assert [one.id for one in shop.api.balance_transactions.list({"source": found.latest_charge.id}).data] == [entry.id]
    error = refused(shop.api.payment_intents.retrieve, paid.id, {"expand": ["amount"]})
    assert "cannot be expanded" in error.message


def test_a_decline_is_a_402_that_leaves_the_intent_open_for_another_card(shop: World) -> None:
    bad, good = shop.card(LATER_DECLINED), shop.card()
    error = declined(shop, bad).error
    assert (error.type, error.code, error.decline_code) == ("card_error", "card_declined", "generic_decline")
    intent = error.payment_intent
    assert (intent.status, intent.payment_method, intent.latest_charge) == (
        "requires_payment_method",
        None,
        error.charge,
    )
    assert intent.last_payment_error.decline_code == "generic_decline"
    assert intent.last_payment_error.payment_method.id == bad
    assert error.payment_method.id == bad
    charge = shop.api.charges.retrieve(error.charge)
    assert (charge.status, charge.paid, charge.failure_code) == ("failed", False, "card_declined")
    assert (charge.outcome.type, charge.outcome.reason) == ("issuer_declined", "generic_decline")
    retried = shop.api.payment_intents.confirm(intent.id, {"payment_method": good, "off_session": True})
    assert (retried.status, retried.last_payment_error) == ("succeeded", None)
    assert [row["status"] for row in shop.books("charges")] == ["failed", "succeeded"]


@pytest.mark.parametrize(
    ("number", "code", "decline", "advice", "network", "network_advice"),
    [
        ("4000000000009995", "card_declined", "insufficient_funds", "try_again_later", "51", None),
        ("4000000000009987", "card_declined", "lost_card", "do_not_try_again", "41", None),
        ("4000000000009979", "card_declined", "stolen_card", "do_not_try_again", "43", None),
        ("4000000000000069", "expired_card", "expired_card", "confirm_card_data", "54", None),
        ("4000000000000127", "incorrect_cvc", "incorrect_cvc", "confirm_card_data", "N7", None),
        ("4000000000000119", "processing_error", "processing_error", "try_again_later", "96", None),
        ("4000000000000341", "card_declined", "generic_decline", None, "01", None),
        ("4000000000091001", "card_declined", "do_not_honor", None, "05", None),
        ("4000000000091019", "card_declined", "generic_decline", "do_not_try_again", "01", None),
        ("4000000000091027", "card_declined", "generic_decline", "try_again_later", "01", None),
        ("4000000000091035", "card_declined", "generic_decline", "confirm_card_data", "01", None),
        ("4000000000091084", "card_declined", "a_code_of_tomorrow", None, None, None),
        ("4000002500003155", "authentication_required", "authentication_required", None, "1A", None),
        ("5200000000005006", "card_declined", "generic_decline", "do_not_try_again", "01", "03"),
        ("5200000000005022", "card_declined", "insufficient_funds", "try_again_later", "51", "25"),
    ],
)
def test_each_card_number_declines_with_its_own_codes(
    shop: World,
    number: str,
    code: str,
    decline: str,
    advice: str | None,
    network: str | None,
    network_advice: str | None,
) -> None:
    error = declined(shop, shop.card(number)).error
    seen = (error.code, error.decline_code, error.advice_code, error.network_decline_code, error.network_advice_code)
    assert seen == (code, decline, advice, network, network_advice)
    outcome = shop.api.charges.retrieve(error.charge).outcome
    assert (outcome.advice_code, outcome.network_decline_code, outcome.network_advice_code) == (
        advice,
        network,
        network_advice,
    )


@pytest.mark.parametrize(
    ("number", "reason"),
    [("4000000000091043", "previously_declined_do_not_retry"), ("4100000000000019", "highest_risk_level")],
)
def test_a_block_by_the_processor_itself_never_reached_the_network(shop: World, number: str, reason: str) -> None:
    error = declined(shop, shop.card(number)).error
    assert (error.code, error.decline_code, error.network_decline_code) == ("card_declined", "generic_decline", None)
    outcome = shop.api.charges.retrieve(error.charge).outcome
    assert (outcome.type, outcome.network_status, outcome.reason) == ("blocked", "not_sent_to_network", reason)


def test_on_session_the_bank_may_ask_the_cardholder_first(shop: World) -> None:
    intent = shop.intent(shop.card("4000002500003155"))
    asked = shop.api.payment_intents.confirm(intent.id)
    assert (asked.status, asked.latest_charge, asked.next_action.type) == ("requires_action", None, "use_stripe_sdk")
    shop.control(f"intents/{intent.id}/finish", outcome="succeeded")
    assert shop.api.payment_intents.retrieve(intent.id).status == "succeeded"


@pytest.mark.parametrize(
    ("outcome", "status", "cents", "event"),
    [
        ("succeeded", "succeeded", 12860, "payment_intent.succeeded"),
        ("decline:insufficient_funds", "requires_payment_method", 0, "payment_intent.payment_failed"),
    ],
)
def test_a_processing_payment_is_decided_later(shop: World, outcome: str, status: str, cents: int, event: str) -> None:
    waiting = shop.charge(shop.card("4000000000091076"))
    assert (waiting.status, waiting.amount_received) == ("processing", 0)
    assert shop.api.charges.retrieve(waiting.latest_charge).status == "pending"
    assert refused(shop.api.payment_intents.confirm, waiting.id).code == "payment_intent_unexpected_state"
    shop.control(f"intents/{waiting.id}/finish", outcome=outcome)
    found = shop.api.payment_intents.retrieve(waiting.id)
    assert (found.status, found.amount_received) == (status, cents)
    assert shop.events()[-1] == event
    assert len(shop.books("charges")) == 1


def test_a_paid_intent_can_be_neither_confirmed_nor_canceled_nor_repriced(shop: World) -> None:
    paid = shop.charge(shop.card())
    for call, params in (
        (shop.api.payment_intents.confirm, {"off_session": True}),
        (shop.api.payment_intents.cancel, {}),
        (shop.api.payment_intents.update, {"amount": 100}),
    ):
        error = refused(call, paid.id, params)
        assert (error.code, error.payment_intent.status) == ("payment_intent_unexpected_state", "succeeded")
    assert shop.api.payment_intents.update(paid.id, {"metadata": {"note": "late"}}).metadata["note"] == "late"
    assert len(shop.books("charges")) == 1


def test_a_canceled_intent_takes_no_money(shop: World) -> None:
    intent = shop.intent(shop.card())
    canceled = shop.api.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
    assert refused(shop.api.payment_intents.confirm, intent.id).code == "payment_intent_unexpected_state"
    assert shop.books("charges") == []
    assert shop.events()[-1] == "payment_intent.canceled"


def test_an_intent_without_a_card_cannot_be_confirmed(shop: World) -> None:
    intent = shop.intent()
    assert intent.status == "requires_payment_method"
    assert refused(shop.api.payment_intents.confirm, intent.id).code == "payment_intent_unexpected_state"
    assert shop.books("charges") == []


def test_manual_capture_takes_the_money_at_the_capture(shop: World) -> None:
    intent = shop.intent(shop.card(), capture_method="manual", confirm=True, off_session=True)
    assert (intent.status, intent.amount_capturable, intent.amount_received) == ("requires_capture", 12860, 0)
    captured = shop.api.payment_intents.capture(intent.id, {"amount_to_capture": 10000})
    assert (captured.status, captured.amount_received, captured.amount_capturable) == ("succeeded", 10000, 0)
    assert shop.api.charges.retrieve(captured.latest_charge).amount_captured == 10000


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"payment_method_types": ["card"]}, "payment_method_types_no_longer_supported"),
        ({"colour": "blue"}, "parameter_unknown"),
        ({"amount": 49}, "amount_too_small"),
        ({"amount": 100_000_000}, "amount_too_large"),
        ({"amount": 10.5}, "parameter_invalid_integer"),
        ({"currency": ""}, "parameter_invalid_empty"),
        ({"currency": "eur"}, None),
        ({"customer": "cus_nobody"}, "resource_missing"),
        ({"payment_method": "pm_nothing"}, "resource_missing"),
        ({"statement_descriptor": "Acme"}, None),
        ({"capture_method": "someday"}, None),
        ({"metadata": {"k": "v" * 501}}, None),
        ({"off_session": True}, None),
    ],
)
def test_wrong_parameters_are_refused_and_nothing_is_made(
    shop: World, params: dict[str, Any], code: str | None
) -> None:
    error = refused(shop.api.payment_intents.create, {"amount": 500, "currency": "usd", **params})
    assert (error.type, error.code) == ("invalid_request_error", code)
    assert shop.books("payment_intents") == []


def test_the_smallest_and_the_largest_amount_are_taken_and_a_suffix_is_allowed(shop: World) -> None:
    small = shop.intent(cents=50, statement_descriptor_suffix="DENTAL")
    assert (small.amount, small.statement_descriptor_suffix) == (50, "DENTAL")
    assert shop.intent(cents=99_999_999).amount == 99_999_999


def test_a_required_parameter_is_named_when_missing(shop: World) -> None:
    error = refused(shop.api.payment_intents.create, {"currency": "usd"})
    assert (error.code, error.param) == ("parameter_missing", "amount")


def test_intents_are_listed_by_customer_and_time_over_pages(shop: World) -> None:
    other = shop.api.customers.create().id
    shop.api.payment_intents.create({"amount": 100, "currency": "usd", "customer": other})
    ids = [shop.intent(cents=100 + number).id for number in range(3)]
    listed = shop.api.payment_intents.list({"customer": shop.customer, "limit": 2})
    assert ([one.id for one in listed.data], listed.has_more) == (ids[:0:-1], True)
    assert [one.id for one in listed.auto_paging_iter()] == ids[::-1]
    created = listed.data[0].created
    window = {"customer": shop.customer, "created": {"gte": created - 60, "lte": created + 60}}
    assert len(shop.api.payment_intents.list(window).data) == 3
    assert shop.api.payment_intents.list({**window, "created": {"gt": created + 60}}).data == []
    back = shop.api.payment_intents.list({"customer": shop.customer, "ending_before": ids[0], "limit": 1})
    assert ([one.id for one in back.data], back.has_more) == ([ids[1]], True)


def test_an_unknown_id_is_a_404(shop: World) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.api.payment_intents.retrieve("pi_nothing")
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")


@pytest.mark.parametrize("key", ["sk_live_1234567890", "pk_test_1234567890", "nonsense", "sk_test_"])
def test_keys_that_are_not_test_secrets_are_refused(shop: World, key: str) -> None:
    with pytest.raises(stripe.AuthenticationError) as caught:
        client(shop.url, key).customers.create()
    assert caught.value.http_status == 401
    assert key not in str(caught.value)
    assert shop.process.http.get("/v1/customers").status_code == 401


def test_keys_can_be_revoked_or_left_without_rights(shop: World) -> None:
    shop.control("accounts", account_key=shop.key, state="restricted")
    with pytest.raises(stripe.PermissionError):
        shop.api.customers.list()
    shop.control("accounts", account_key=shop.key, state="revoked")
    with pytest.raises(stripe.AuthenticationError):
        shop.api.customers.list()


def test_accounts_do_not_see_each_other_and_connected_ones_have_their_own_objects(shop: World) -> None:
    stranger = shop.open_account()
    with pytest.raises(stripe.InvalidRequestError):
        stranger.api.customers.retrieve(shop.customer)
    practice = client(shop.url, shop.key, stripe_account="acct_1Riverside")
    assert practice.accounts.retrieve_current().id == "acct_1Riverside"
    assert practice.customers.list().data == []
    own = practice.customers.create().id
    assert practice.customers.retrieve(own).id == own
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.customers.retrieve(own)
    with pytest.raises(stripe.PermissionError):
        client(shop.url, stranger.key, stripe_account="acct_1Riverside").customers.list()


def test_an_unknown_address_is_refused_in_the_same_shape(shop: World) -> None:
    answer = shop.process.http.get("/v1/subscriptions")
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "invalid_request_error")


def test_a_confirm_charges_the_visa_number_under_its_customer_only(shop: World) -> None:
    card, stranger = shop.card(VISA), shop.api.customers.create().id
    error = refused(
        shop.api.payment_intents.create,
        {"amount": 500, "currency": "usd", "customer": stranger, "payment_method": card},
    )
    assert error.param == "payment_method"
    assert shop.books("charges") == []
