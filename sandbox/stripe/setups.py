"""Setup intents: /v1/setup_intents, the proof that a card may be charged later without its owner."""

from __future__ import annotations

import secrets
from typing import Any

from sandbox.stripe import cards, customers, methods
from sandbox.stripe.books import Scope
from sandbox.stripe.spec import change, merged, refuse
from sandbox.stripe.wire import JSON, ApiError, invalid, public

TYPES = ("card", "card_present")
_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


def open_setup(scope: Scope, params: JSON, **private: Any) -> JSON:
    if params.get("customer"):
        customers.need(scope, params["customer"], "customer")
    method = params.get("payment_method") and methods.from_token(scope, params["payment_method"])
    if method:
        methods.usable(scope, method, params.get("customer"))
    types = [kind for kind in params.get("allowed_payment_method_types") or ["card"] if kind in TYPES]
    refuse(not types, "None of the allowed payment method types is activated.", param="allowed_payment_method_types")
    intent = scope.new(
        "setup_intent",
        allowed_payment_method_types=params.get("allowed_payment_method_types"),
        application=None,
        automatic_payment_methods=None,
        cancellation_reason=None,
        client_secret=f"seti_secret_{secrets.token_hex(12)}",
        customer=params.get("customer"),
        description=params.get("description"),
        last_setup_error=None,
        latest_attempt=None,
        mandate=None,
        metadata=merged({}, params.get("metadata")),
        next_action=None,
        payment_method=method,
        payment_method_options={"card": {"request_three_d_secure": "automatic"}} if "card" in types else {},
        payment_method_types=types,
        status="requires_confirmation" if method else "requires_payment_method",
        usage=params.get("usage") or "off_session",
        **private,
    )
    scope.emit("setup_intent.created", intent)
    return intent


def create(scope: Scope, params: JSON) -> JSON:
    intent = open_setup(scope, params)
    return confirm(scope, {}, intent["id"]) if params.get("confirm") else intent


def retrieve(scope: Scope, params: JSON, identifier: str) -> JSON:
    return scope.need("setup_intent", identifier)


def page(scope: Scope, params: JSON) -> JSON:
    wanted = {name: params.get(name) for name in ("customer", "payment_method")}
    return scope.page("setup_intent", "/v1/setup_intents", params, **wanted)


def update(scope: Scope, params: JSON, identifier: str) -> JSON:
    intent = _open(scope, identifier, "updated")
    if params.get("payment_method"):
        intent["status"] = "requires_confirmation"
    change(intent, params, ("customer", "description", "payment_method"))
    return scope.save(intent)


def _open(scope: Scope, identifier: str, verb: str) -> JSON:
    intent = scope.need("setup_intent", identifier)
    if intent["status"] in _OPEN and not intent.get("_session"):
        return intent
    message = f"This SetupIntent is {intent['status']} and cannot be {verb}."
    raise invalid(message, code="setup_intent_unexpected_state", setup_intent=public(intent))


def confirm(scope: Scope, params: JSON, identifier: str) -> JSON:
    intent = _open(scope, identifier, "confirmed")
    refuse("card" not in intent["payment_method_types"], "This SetupIntent does not take cards without a reader.",
           param="payment_method")  # fmt: skip
    chosen = params.get("payment_method") or intent["payment_method"]
    if not chosen:
        message = "This SetupIntent has no payment method; send one to confirm it."
        raise invalid(message, code="setup_intent_unexpected_state", setup_intent=public(intent))
    return save_card(scope, intent, methods.usable(scope, methods.from_token(scope, chosen), intent["customer"]))


def save_card(scope: Scope, intent: JSON, method: JSON) -> JSON:
    """Ask the bank to keep the card. A refusal is raised as a 402 whose effects stand."""
    attempt = scope.new(
        "setup_attempt", customer=intent["customer"], payment_method=method["id"], setup_intent=intent["id"],
        payment_method_details={"card": {"last4": method["card"]["last4"]}, "type": "card"}, setup_error=None,
        status="succeeded", usage=intent["usage"],
    )  # fmt: skip
    intent["latest_attempt"] = attempt["id"]
    no = cards.decline(method["_saving"])
    if no is not None:
        raise _refused(scope, intent, method, no)
    intent.update(status="succeeded", payment_method=method["id"], last_setup_error=None)
    scope.save(intent)
    if intent["customer"]:
        methods.attach_to(scope, method, intent["customer"])
    scope.emit("setup_intent.succeeded", intent)
    return intent


def _refused(scope: Scope, intent: JSON, method: JSON, no: cards.Decline) -> ApiError:
    error = {"type": "card_error", "code": no.code, "decline_code": no.decline_code, "advice_code": no.advice_code,
             "network_decline_code": no.network_decline_code, "payment_method": public(method)}  # fmt: skip
    error = {name: value for name, value in error.items() if value is not None}
    intent.update(
        status="requires_payment_method", payment_method=None, last_setup_error={**error, "message": no.message}
    )
    scope.save(intent)
    scope.emit("setup_intent.setup_failed", intent)
    return ApiError(402, no.message, keep=True, **error, setup_intent=public(intent))


def cancel(scope: Scope, params: JSON, identifier: str) -> JSON:
    intent = _open(scope, identifier, "canceled")
    intent.update(status="canceled", cancellation_reason=params.get("cancellation_reason"))
    scope.save(intent)
    scope.emit("setup_intent.canceled", intent)
    return intent
