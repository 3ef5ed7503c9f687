"""Payments taken and cards saved at a reader of the sandbox Stripe, asked for by the official library."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import stripe

from tests.contracts.stripe_desk import Desk, open_desk, refused
from tests.contracts.stripe_world import AMEX, DEBIT, POOR, VISA, Listener, World, fresh, shared, wait_for

PHYSICAL = "4000000000091100"


@pytest.fixture
def shop() -> Iterator[World]:
    yield from fresh(shared())


@pytest.fixture
def desk(shop: World) -> Desk:
    return open_desk(shop)


def test_a_payment_is_taken_at_the_reader(desk: Desk) -> None:
    intent = desk.intent(metadata={"attempt": "a1"})
    assert (intent.payment_method_types, intent.status) == (["card_present"], "requires_payment_method")
    desk.news()
    reader = desk.process(intent, enable_customer_cancellation=True, skip_tipping=True, allow_redisplay="limited")
    assert reader.action.to_dict() == {
        "type": "process_payment_intent",
        "status": "in_progress",
        "failure_code": None,
        "failure_message": None,
        "process_payment_intent": {
            "payment_intent": intent.id,
            "process_config": {"enable_customer_cancellation": True, "skip_tipping": True},
        },
    }
    assert desk.news() == []
    assert desk.card().action.status == "succeeded"
    paid = desk.api.payment_intents.retrieve(intent.id)
    assert (paid.status, paid.amount_received, paid.metadata.to_dict()) == ("succeeded", 12800, {"attempt": "a1"})
    assert desk.news() == ["charge.succeeded", "payment_intent.succeeded", "terminal.reader.action_succeeded"]


def test_the_charge_tells_what_the_reader_read(desk: Desk) -> None:
    charge = desk.paid()
    card = charge.payment_method_details.card_present
    assert (charge.payment_method_details.type, charge.amount, charge.captured) == ("card_present", 12800, True)
    assert (card.brand, card.last4, card.funding, card.read_method) == ("visa", "4242", "credit", "contact_emv")
    assert (card.reader, card.location, card.generated_card, card.wallet) == (desk.id, desk.location, None, None)
    assert (card.amount_authorized, card.capture_before, card.network) == (12800, None, "visa")
    assert card.receipt.application_preferred_name == "VISA CREDIT"
    method = desk.api.payment_methods.retrieve(charge.payment_method)
    assert (method.type, method.customer, method.card_present.last4) == ("card_present", None, "4242")
    entry = desk.api.balance_transactions.retrieve(charge.balance_transaction)
    assert (entry.amount, entry.fee, entry.net) == (12800, 401, 12399)
    assert desk.shop.books("charges")[0]["fingerprint"] == card.fingerprint


@pytest.mark.parametrize(
    ("number", "read"),
    [
        (DEBIT, ("visa", "debit", "5556")),
        ("5105105105105100", ("mastercard", "prepaid", "5100")),
        (AMEX, ("amex", "credit", "0005")),
    ],
)
def test_other_cards_are_read_as_what_they_are(desk: Desk, number: str, read: tuple[str, str, str]) -> None:
    card = desk.paid(number=number).payment_method_details.card_present
    assert (card.brand, card.funding, card.last4) == read


@pytest.mark.parametrize(
    ("number", "code", "decline_code"),
    [
        ("4000000000000002", "card_declined", "generic_decline"),
        (POOR, "card_declined", "insufficient_funds"),
        ("4000000000009987", "card_declined", "lost_card"),
        ("4000000000009979", "card_declined", "stolen_card"),
        ("4000000000000069", "expired_card", "expired_card"),
        ("4000000000000119", "processing_error", "processing_error"),
    ],
)
def test_after_a_decline_the_same_intent_takes_another_card(
    desk: Desk, number: str, code: str, decline_code: str
) -> None:
    intent = desk.intent()
    desk.process(intent)
    desk.news()
    action = desk.card(number).action
    assert (action.status, action.failure_code) == ("failed", code)
    assert (action.api_error.type, action.api_error.decline_code) == ("card_error", decline_code)
    assert desk.news() == ["charge.failed", "payment_intent.payment_failed", "terminal.reader.action_failed"]
    after = desk.api.payment_intents.retrieve(intent.id)
    assert (after.status, after.payment_method) == ("requires_payment_method", None)
    assert after.last_payment_error.decline_code == decline_code
    assert desk.process(intent).action.status == "in_progress"
    assert desk.card().action.status == "succeeded"
    assert [row["status"] for row in desk.shop.books("charges")] == ["failed", "succeeded"]


@pytest.mark.parametrize(
    ("cents", "decline_code"),
    [
        (12801, "call_issuer"),
        (12805, "generic_decline"),
        (12855, "incorrect_pin"),
        (12860, "online_or_offline_pin_required"),
        (12865, "withdrawal_count_limit_exceeded"),
        (12875, "pin_try_exceeded"),
        (12800, None),
    ],
)
def test_the_amount_decides_for_the_physical_test_card_only(desk: Desk, cents: int, decline_code: str | None) -> None:
    intent = desk.intent(cents)
    desk.process(intent)
    action = desk.card(PHYSICAL).action
    assert (action.api_error.decline_code if decline_code else action.status) == (decline_code or "succeeded")
    if decline_code:
        desk.process(intent)
        assert desk.card(VISA).action.status == "succeeded"


@pytest.mark.parametrize(
    ("how", "method", "receipt"),
    [("tap", "contactless_emv", True), ("insert", "contact_emv", True), ("swipe", "magnetic_stripe_track2", False)],
)
def test_the_reader_tells_how_the_card_was_read(desk: Desk, how: str, method: str, receipt: bool) -> None:
    intent = desk.intent()
    desk.process(intent)
    assert desk.hold(how=how)["screen"] == "approved"
    card = desk.charge(intent).payment_method_details.card_present
    assert (card.read_method, card.receipt is not None) == (method, receipt)


def test_nothing_is_read_when_no_card_is_asked_for_or_the_number_is_no_test_card(desk: Desk) -> None:
    with refused(None):
        desk.card()
    desk.process(desk.intent())
    with refused("incorrect_number", "card_present"):
        desk.card("4111111111111111")
    assert desk.reader.action.status == "in_progress"
    assert desk.shop.books("charges") == []


def test_a_manual_capture_waits_and_lapses_after_two_days(desk: Desk) -> None:
    intents = [desk.intent(capture_method="manual") for _ in range(2)]
    for intent in intents:
        desk.process(intent)
        desk.card()
        assert desk.status(intent) == "requires_capture"
    charge = desk.charge(intents[0])
    assert charge.payment_method_details.card_present.capture_before == charge.created + 2 * 86_400
    assert desk.api.payment_intents.capture(intents[0].id).status == "succeeded"
    desk.news()
    desk.shop.clock.advance(timedelta(days=2, seconds=1))
    with pytest.raises(stripe.InvalidRequestError):
        desk.api.payment_intents.capture(intents[1].id)
    wait_for(lambda: desk.status(intents[1]) == "canceled")
    assert desk.api.payment_intents.retrieve(intents[1].id).cancellation_reason == "automatic"
    assert desk.news() == ["charge.expired", "payment_intent.canceled"]
    assert [row["captured"] for row in desk.shop.books("charges")] == [True, False]


def test_only_an_open_intent_for_readers_is_processed(desk: Desk) -> None:
    done = desk.intent()
    desk.process(done)
    desk.card()
    canceled = desk.intent()
    desk.api.payment_intents.cancel(canceled.id)
    for intent in (done, canceled):
        with refused("intent_invalid_state", "payment_intent"):
            desk.process(intent)
    with refused("payment_intent_invalid_parameter", "payment_intent"):
        desk.process(desk.shop.intent())
    with refused("resource_missing", "payment_intent"):
        desk.calls.process_payment_intent(desk.id, {"payment_intent": "pi_3nothing"})
    assert desk.reader.action.process_payment_intent.payment_intent == done.id


@pytest.mark.parametrize("verb", ["process_payment_intent", "collect_payment_method"])
def test_an_intent_canceled_while_the_reader_waits_is_not_charged(desk: Desk, verb: str) -> None:
    intent = desk.intent()
    getattr(desk.calls, verb)(desk.id, {"payment_intent": intent.id})
    desk.api.payment_intents.cancel(intent.id)
    action = desk.card().action
    assert (action.status, action.failure_code) == ("failed", "payment_intent_unexpected_state")
    assert (desk.status(intent), desk.shop.books("charges")) == ("canceled", [])


def test_the_same_key_gives_the_saved_answer_and_does_not_wake_the_reader(desk: Desk) -> None:
    intent, key = desk.intent(), {"idempotency_key": "process-1"}
    first = desk.process(intent, key, enable_customer_cancellation=True)
    desk.shop.control(f"readers/{desk.id}/cancel")
    again = desk.process(intent, key, enable_customer_cancellation=True)
    assert again.to_dict() == first.to_dict()
    assert desk.reader.action.failure_code == "customer_canceled"
    with refused(None):
        desk.card()
    assert desk.process(intent, {"idempotency_key": "process-2"}).action.status == "in_progress"
    assert desk.card().action.status == "succeeded"


def test_one_intent_at_two_readers_is_charged_once(desk: Desk) -> None:
    other, intent = open_desk(desk.shop), desk.intent()
    desk.process(intent)
    other.process(intent)
    assert other.card().action.status == "succeeded"
    assert desk.card().action.failure_code == "payment_intent_unexpected_state"
    assert [row["status"] for row in desk.shop.books("charges")] == ["succeeded"]


def test_a_command_replaces_the_one_before_while_no_card_was_read(desk: Desk) -> None:
    first, second = desk.intent(1000), desk.intent(2000)
    desk.process(first)
    desk.news()
    desk.process(second)
    desk.card()
    assert (desk.status(first), desk.status(second)) == ("requires_payment_method", "succeeded")
    assert desk.news() == ["charge.succeeded", "payment_intent.succeeded", "terminal.reader.action_succeeded"]


def test_cancel_action_frees_the_reader_and_tells_nobody(desk: Desk) -> None:
    intent = desk.intent()
    desk.process(intent)
    desk.news()
    assert desk.calls.cancel_action(desk.id).action is None
    assert (desk.news(), desk.status(intent)) == ([], "requires_payment_method")
    with refused(None):
        desk.card()
    assert desk.process(intent).action.status == "in_progress"


def test_a_cart_is_shown_and_tells_nobody(desk: Desk) -> None:
    cart = {
        "currency": "usd",
        "total": 12800,
        "line_items": [{"amount": 12800, "description": "Account balance", "quantity": 1}],
    }
    action = desk.calls.set_reader_display(desk.id, {"type": "cart", "cart": cart}).action
    assert (action.type, action.status, action.set_reader_display.cart.total) == (
        "set_reader_display",
        "succeeded",
        12800,
    )
    assert (desk.news(), desk.shop.look("readers")[0]["screen"]) == ([], "cart")


def collect(desk: Desk, number: str = DEBIT) -> Any:
    intent = desk.intent()
    desk.calls.collect_payment_method(desk.id, {"payment_intent": intent.id})
    desk.card(number)
    return intent


def test_a_card_is_looked_at_before_it_is_charged(desk: Desk) -> None:
    intent = collect(desk)
    assert desk.news() == ["terminal.reader.action_updated"]
    action = desk.reader.action
    assert (action.type, action.status) == ("collect_payment_method", "succeeded")
    assert action.collect_payment_method.payment_method.card_present.funding == "debit"
    assert (desk.status(intent), desk.shop.books("charges")) == ("requires_confirmation", [])
    desk.api.payment_intents.update(intent.id, {"amount": 12500})
    action = desk.calls.confirm_payment_intent(desk.id, {"payment_intent": intent.id}).action
    assert (action.type, action.status) == ("confirm_payment_intent", "succeeded")
    assert desk.charge(intent).amount == 12500
    assert desk.news() == ["charge.succeeded", "payment_intent.succeeded", "terminal.reader.action_succeeded"]


def test_a_collected_card_is_let_go_after_30_seconds_or_a_cancel(desk: Desk) -> None:
    late, canceled = collect(desk), None
    desk.shop.clock.advance(timedelta(seconds=31))
    with refused("intent_invalid_state", "payment_intent"):
        desk.calls.confirm_payment_intent(desk.id, {"payment_intent": late.id})
    wait_for(lambda: desk.status(late) == "requires_payment_method")
    canceled = collect(desk)
    desk.calls.cancel_action(desk.id)
    assert desk.status(canceled) == "requires_payment_method"
    assert desk.shop.books("charges") == []


def test_a_declined_confirmation_ends_like_any_decline(desk: Desk) -> None:
    intent = collect(desk, POOR)
    action = desk.calls.confirm_payment_intent(desk.id, {"payment_intent": intent.id}).action
    assert (action.status, action.failure_code, action.api_error.decline_code) == (
        "failed",
        "card_declined",
        "insufficient_funds",
    )
    assert desk.status(intent) == "requires_payment_method"


def test_the_practice_is_told_by_a_signed_webhook(desk: Desk) -> None:
    listener = Listener()
    try:
        desk.shop.control("webhooks", account_key=desk.shop.key, url=listener.url, secret="whsec_readers")
        desk.process(desk.intent())
        desk.card()
        wait_for(lambda: "terminal.reader.action_succeeded" in listener.types)
        body, signature = listener.got[listener.types.index("terminal.reader.action_succeeded")]
        event: Any = stripe.Webhook.construct_event(body, signature, "whsec_readers")
        assert (event.data.object.id, event.data.object.action.status) == (desk.id, "succeeded")
    finally:
        listener.close()


def test_a_payment_at_the_reader_is_given_back_like_any_other(desk: Desk) -> None:
    charge = desk.paid()
    refund = desk.api.refunds.create({"payment_intent": charge.payment_intent, "amount": 800})
    assert (refund.status, desk.api.charges.retrieve(charge.id).amount_refunded) == ("succeeded", 800)
