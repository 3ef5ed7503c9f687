"""What the practice tells a reader to do: /v1/terminal/readers/{id}/process_payment_intent and its sisters."""

from __future__ import annotations

from typing import Any

from sandbox.stripe import presenting, readers
from sandbox.stripe.books import Scope
from sandbox.stripe.reader_troubles import refusal, wake
from sandbox.stripe.wire import JSON, invalid


def process_payment(scope: Scope, params: JSON, identifier: str) -> JSON:
    """Ask for a card and charge it. An action that still waits for a card is replaced without a word."""
    reader = _reader(scope, identifier)
    intent = _payable(scope, params["payment_intent"])
    return _send(scope, reader, "process_payment_intent", params.get("process_config"), payment_intent=intent["id"])


def collect(scope: Scope, params: JSON, identifier: str) -> JSON:
    """Ask for a card and show it to the practice; `confirm_payment` within 30 seconds charges it."""
    reader = _reader(scope, identifier)
    intent = _payable(scope, params["payment_intent"])
    return _send(scope, reader, "collect_payment_method", params.get("collect_config"), payment_intent=intent["id"])


def process_setup(scope: Scope, params: JSON, identifier: str) -> JSON:
    """Ask for a card and keep it for later; nothing is charged."""
    reader = _reader(scope, identifier)
    setup = scope.need("setup_intent", params["setup_intent"], "setup_intent")
    _takes_readers(setup, "setup_intent")
    config = {**(params.get("process_config") or {}), "allow_redisplay": params["allow_redisplay"]}
    return _send(scope, reader, "process_setup_intent", config, setup_intent=setup["id"], generated_card=None)


def confirm_payment(scope: Scope, params: JSON, identifier: str) -> JSON:
    """Charge the card that was collected. The answer may already hold the outcome."""
    reader = _reader(scope, identifier)
    intent = scope.need("payment_intent", params["payment_intent"], "payment_intent")
    collected = ((reader["action"] or {}).get("collect_payment_method") or {}).get("payment_method") or {}
    if not collected or collected["id"] != intent["payment_method"] or (reader["_held_until"] or 0) <= scope.now:
        message = "No card was collected for this PaymentIntent in the last 30 seconds."
        raise invalid(message, code="intent_invalid_state", param="payment_intent")
    late = wake(scope, reader)
    body = {"payment_intent": intent["id"], **_shown("confirm_config", params.get("confirm_config"))}
    _start(scope, reader, "confirm_payment_intent", body, screen="processing", _held_until=None)
    presenting.charge(scope, reader, intent["id"], scope.need("payment_method", collected["id"]))
    if late:
        raise late
    return readers.seen(scope, reader)


def cancel_action(scope: Scope, params: JSON, identifier: str) -> JSON:
    """Back to the idle screen, whatever it was doing; no event. Not while the bank is being asked."""
    reader = scope.need("terminal.reader", identifier)
    if reader["status"] != "online":
        raise refusal("terminal_reader_offline")
    if reader["_screen"] == "processing":
        raise refusal("terminal_reader_busy")
    presenting.release(scope, reader)
    reader.update(action=None, _screen="idle")
    return readers.seen(scope, scope.save(reader))


def set_display(scope: Scope, params: JSON, identifier: str) -> JSON:
    """Show a cart. No event is sent; a reader that waits for a card is busy."""
    reader = _reader(scope, identifier)
    if reader["_screen"] == "waiting":
        raise refusal("terminal_reader_busy")
    late = wake(scope, reader)
    presenting.release(scope, reader)
    body = {"cart": params.get("cart"), "type": params["type"]}
    _start(scope, reader, "set_reader_display", body, screen="cart", status="succeeded")
    if late:
        raise late
    return readers.seen(scope, reader)


def present(scope: Scope, params: JSON, identifier: str) -> JSON:
    """/v1/test_helpers/terminal/readers/{id}/present_payment_method: insert a test card."""
    number = (params.get("card_present") or {}).get("number") or "4242424242424242"
    return readers.seen(scope, presenting.present(scope, identifier, number))


def _reader(scope: Scope, identifier: str) -> JSON:
    """A reader that stands somewhere: without a location it takes no payment."""
    reader = scope.need("terminal.reader", identifier)
    if not reader["location"]:
        message = "This reader belongs to no location; give it one before taking a payment."
        raise invalid(message, code="terminal_reader_invalid_location_for_payment")
    return reader


def _payable(scope: Scope, identifier: str) -> JSON:
    intent = scope.need("payment_intent", identifier, "payment_intent")
    _takes_readers(intent, "payment_intent")
    return intent


def _takes_readers(intent: JSON, kind: str) -> None:
    if "card_present" not in intent["payment_method_types"]:
        message = "The intent must allow card_present to be processed on a reader."
        raise invalid(message, code=f"{kind}_invalid_parameter", param=kind)
    if intent["status"] != "requires_payment_method":
        message = f"The intent is {intent['status']}; only one that requires a payment method can be processed."
        raise invalid(message, code="intent_invalid_state", param=kind)


def _send(scope: Scope, reader: JSON, kind: str, config: JSON | None, **body: Any) -> JSON:
    """The command goes to the device, which asks for a card from now on."""
    late = wake(scope, reader)
    presenting.release(scope, reader)
    name = "collect_config" if kind == "collect_payment_method" else "process_config"
    redisplay = (config or {}).pop("allow_redisplay", None)
    cancelable = bool((config or {}).get("enable_customer_cancellation"))
    shown = {**body, **_shown(name, config), "_redisplay": redisplay}
    _start(scope, reader, kind, shown, screen="waiting", _cancelable=cancelable)
    if late:
        raise late
    return readers.seen(scope, reader)


def _shown(name: str, config: JSON | None) -> JSON:
    return {name: config} if config else {}


def _start(
    scope: Scope, reader: JSON, kind: str, body: JSON, *, screen: str, status: str = "in_progress", **private: Any
) -> None:
    action = {"failure_code": None, "failure_message": None, kind: body, "status": status, "type": kind}
    reader.update(action=action, _screen=screen, **{"_cancelable": False, **private})
    scope.save(reader)
