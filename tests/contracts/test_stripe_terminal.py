"""The sandbox Stripe's locations and readers, and payments taken at a reader, spoken to by the official library."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import stripe

from tests.contracts.stripe_desk import ADDRESS, Desk, open_desk
from tests.contracts.stripe_world import AMEX, DEBIT, POOR, VISA, Listener, World, fresh, shared, wait_for

PHYSICAL = "4000000000091100"


@pytest.fixture
def shop() -> Iterator[World]:
    yield from fresh(shared())


@pytest.fixture
def desk(shop: World) -> Desk:
    return open_desk(shop)


def refused(code: str | None, param: str | None = None) -> Any:
    """The call inside is answered with HTTP 400, this code and this parameter."""

    def check(error: stripe.InvalidRequestError) -> bool:
        return (error.http_status, error.code, error.param) == (400, code, param)

    return pytest.raises(stripe.InvalidRequestError, check=check)


def test_a_location_is_made_changed_listed_and_deleted(shop: World) -> None:
    calls = shop.api.terminal.locations
    made = calls.create({"display_name": "North", "address": ADDRESS, "metadata": {"clinic": "1"}})
    assert (made.id[:4], made.display_name, made.address.to_dict(), made.metadata.to_dict(), made.livemode) == (
        "tml_",
        "North",
        {**ADDRESS, "line2": None},
        {"clinic": "1"},
        False,
    )
    calls.update(made.id, {"display_name": "South", "address": {"line1": "2 Sample Street"}})
    found = calls.retrieve(made.id)
    assert (found.display_name, found.address.line1, found.address.city) == ("South", "2 Sample Street", "Springfield")
    assert [row.id for row in calls.list().data] == [made.id]
    assert calls.delete(made.id).deleted is True
    assert calls.retrieve(made.id).to_dict() == {"id": made.id, "object": "terminal.location", "deleted": True}
    assert calls.list().data == []


@pytest.mark.parametrize(
    ("wrong", "code", "param"),
    [
        ({"display_name": None}, "parameter_missing", "display_name"),
        ({"address": {**ADDRESS, "postal_code": None}}, "parameter_missing", "address[postal_code]"),
        ({"address": None}, "parameter_missing", "address[country]"),
        ({"address": {**ADDRESS, "country": "ZZ"}}, "terminal_location_country_unsupported", "address[country]"),
    ],
)
def test_a_location_needs_a_name_and_a_whole_address(shop: World, wrong: dict[str, Any], code: str, param: str) -> None:
    params = {"display_name": "North", "address": ADDRESS, **wrong}
    with refused(code, param):
        shop.api.terminal.locations.create({name: value for name, value in params.items() if value})
    assert shop.api.terminal.locations.list().data == []


@pytest.mark.parametrize(
    ("code", "device_type"),
    [("simulated-wpe", "simulated_wisepos_e"), ("simulated-s700", "simulated_stripe_s700")],
)
def test_a_simulated_reader_is_registered_by_its_test_code(shop: World, code: str, device_type: str) -> None:
    desk = open_desk(shop, code)
    reader = desk.reader
    assert (reader.id[:4], reader.device_type, reader.label, reader.location) == (
        "tmr_",
        device_type,
        code,
        desk.location,
    )
    assert (reader.status, reader.action, reader.serial_number.startswith(f"{code}-")) == ("online", None, True)
    now = shop.clock.now().timestamp() * 1000
    assert now - 5000 < reader.last_seen_at <= now + 5000


@pytest.mark.parametrize(("model", "device_type"), [("countertop", "bbpos_wisepos_e"), ("portable", "stripe_s700")])
def test_a_device_is_registered_once_by_the_code_it_shows(shop: World, model: str, device_type: str) -> None:
    device = shop.control("devices", model=model)
    code = device["registration_code"]
    assert len(code.split("-")) == 3
    params = {"registration_code": f" {code.upper()} ", "label": "Front desk"}
    reader = shop.api.terminal.readers.create(params)
    assert (reader.device_type, reader.label, reader.serial_number) == (
        device_type,
        "Front desk",
        device["serial_number"],
    )
    with refused(None, "registration_code"):
        shop.api.terminal.readers.create(params)
    shop.api.terminal.readers.delete(reader.id)
    shown = [row["registration_code"] for row in shop.look("devices") if row["serial_number"] == reader.serial_number]
    assert len(shown) == 1
    assert shown != [code]


def test_a_wrong_code_or_location_registers_nothing(shop: World) -> None:
    with refused(None, "registration_code"):
        shop.api.terminal.readers.create({"registration_code": "no-such-code"})
    with refused("resource_missing", "location"):
        shop.api.terminal.readers.create({"registration_code": "simulated-wpe", "location": "tml_nowhere"})
    assert shop.api.terminal.readers.list().data == []


def test_readers_are_listed_renamed_and_retired(shop: World) -> None:
    desk = open_desk(shop)
    portable = open_desk(shop, "simulated-s700")
    ids = [row.id for row in desk.calls.list().data]
    assert ids == [portable.id, desk.id]
    assert [row.id for row in desk.calls.list({"location": desk.location}).data] == [desk.id]
    assert [row.id for row in desk.calls.list({"device_type": "simulated_stripe_s700"}).data] == [portable.id]
    assert desk.calls.list({"status": "offline"}).data == []
    assert desk.calls.update(desk.id, {"label": "Hygiene", "metadata": {"room": "2"}}).label == "Hygiene"
    assert desk.calls.retrieve(desk.id, {"expand": ["location"]}).location.display_name == "Maple Dental"
    assert desk.calls.delete(desk.id).deleted is True
    assert desk.reader.to_dict() == {"id": desk.id, "object": "terminal.reader", "deleted": True}
    assert [row.id for row in desk.calls.list().data] == [portable.id]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        desk.process(desk.intent())
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")


def test_another_account_does_not_see_the_reader(desk: Desk) -> None:
    other = desk.shop.open_account()
    with pytest.raises(stripe.InvalidRequestError) as caught:
        other.api.terminal.readers.retrieve(desk.id)
    assert caught.value.http_status == 404
    assert other.api.terminal.readers.list().data == []


def test_a_reader_without_a_location_takes_no_payment(desk: Desk) -> None:
    desk.api.terminal.locations.delete(desk.location)
    assert desk.reader.location is None
    with refused("terminal_reader_invalid_location_for_payment"):
        desk.process(desk.intent())
    assert desk.reader.action is None


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


def test_an_intent_canceled_while_the_reader_waits_is_not_charged(desk: Desk) -> None:
    intent = desk.intent()
    desk.process(intent)
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
