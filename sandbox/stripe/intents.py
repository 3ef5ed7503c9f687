"""Payment intents: /v1/payment_intents and their state machine. At most one successful charge per intent."""

from __future__ import annotations

import copy
import secrets
from typing import Any, NoReturn

from sandbox.stripe import cards, charges, customers, methods, reader_cards
from sandbox.stripe.books import Scope
from sandbox.stripe.cards import Decline
from sandbox.stripe.spec import change, merged, refuse
from sandbox.stripe.wire import JSON, ApiError, invalid, public

CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
CANCELABLE = (*CONFIRMABLE, "requires_capture", "processing")
# Types switched on for every account here; others are silently filtered, as Stripe does.
ACTIVATED = ("card", "card_present")
_OPTIONS: JSON = {
    "card": {"request_three_d_secure": "automatic"},
    "card_present": {"request_extended_authorization": False, "request_incremental_authorization_support": False},
}
_TEXTS = ("description", "receipt_email", "setup_future_usage", "statement_descriptor_suffix")


def unexpected(intent: JSON, message: str) -> ApiError:
    """The wrong state for this call: 400 with the intent as it is."""
    return invalid(message, code="payment_intent_unexpected_state", payment_intent=public(intent))


def open_intent(scope: Scope, params: JSON, **private: Any) -> JSON:
    """A new intent from checked parameters; nothing is charged yet."""
    _no_card_descriptor(params)
    if params.get("customer"):
        customers.need(scope, params["customer"], "customer")
    method = _given_method(scope, params, params.get("customer"))
    types = [kind for kind in params.get("allowed_payment_method_types") or ["card"] if kind in ACTIVATED]
    refuse(not types, "None of the allowed payment method types is activated.", param="allowed_payment_method_types")
    intent = scope.new(
        "payment_intent",
        allowed_payment_method_types=params.get("allowed_payment_method_types"),
        amount=params["amount"],
        amount_capturable=0,
        amount_received=0,
        application=None,
        automatic_payment_methods=_automatic(params),
        canceled_at=None,
        cancellation_reason=None,
        capture_method=params.get("capture_method") or "automatic_async",
        client_secret=None,
        confirmation_method="automatic",
        currency=params["currency"],
        customer=params.get("customer"),
        last_payment_error=None,
        latest_charge=None,
        metadata=merged({}, params.get("metadata")),
        next_action=None,
        on_behalf_of=None,
        payment_method=method["id"] if method else None,
        payment_method_options={kind: _OPTIONS[kind] for kind in types},
        payment_method_types=types,
        processing=None,
        shipping=None,
        status="requires_confirmation" if method else "requires_payment_method",
        **{name: params.get(name) for name in _TEXTS},
        statement_descriptor=None,
        **private,
    )
    intent["client_secret"] = f"{intent['id']}_secret_{secrets.token_hex(12)}"
    scope.save(intent)
    scope.emit("payment_intent.created", intent)
    return intent


def _automatic(params: JSON) -> JSON | None:
    if params.get("allowed_payment_method_types"):
        refuse("automatic_payment_methods" in params, "Send one of automatic_payment_methods and allowed types.")
        return None
    sent = params.get("automatic_payment_methods") or {}
    return {"allow_redirects": sent.get("allow_redirects") or "always", "enabled": sent.get("enabled", True)}


def _no_card_descriptor(params: JSON) -> None:
    if params.get("statement_descriptor"):
        message = "statement_descriptor is not taken for cards; send statement_descriptor_suffix."
        raise invalid(message, param="statement_descriptor")


def _given_method(scope: Scope, params: JSON, customer: str | None) -> JSON | None:
    if not params.get("payment_method"):
        return None
    return methods.usable(scope, methods.from_token(scope, params["payment_method"]), customer)


def create(scope: Scope, params: JSON) -> JSON:
    refuse("off_session" in params and not params.get("confirm"), "off_session needs confirm=true.",
           param="off_session")  # fmt: skip
    intent = open_intent(scope, params)
    if not params.get("confirm"):
        return intent
    return confirm(scope, {"off_session": params.get("off_session")}, intent["id"])


def retrieve(scope: Scope, params: JSON, identifier: str) -> JSON:
    return scope.need("payment_intent", identifier)


def page(scope: Scope, params: JSON) -> JSON:
    return scope.page("payment_intent", "/v1/payment_intents", params, customer=params.get("customer"))


def update(scope: Scope, params: JSON, identifier: str) -> JSON:
    """Metadata and description may change in any state; money, customer and card only before the charge."""
    intent = scope.need("payment_intent", identifier)
    _no_card_descriptor(params)
    moving = {"amount", "currency", "customer", "payment_method", "setup_future_usage"} & params.keys()
    if moving and intent["status"] not in CONFIRMABLE:
        raise unexpected(intent, f"This PaymentIntent is {intent['status']}; {min(moving)} cannot change now.")
    if params.get("customer"):
        customers.need(scope, params["customer"], "customer")
    method = _given_method(scope, params, params.get("customer") or intent["customer"])
    if method:
        intent.update(payment_method=method["id"], status="requires_confirmation", next_action=None)
    change(intent, params, ("amount", "currency", "customer", *_TEXTS))
    return scope.save(intent)


def confirm(scope: Scope, params: JSON, identifier: str) -> JSON:
    intent = scope.need("payment_intent", identifier)
    if intent.get("_session"):
        raise unexpected(intent, "A Checkout Session owns this PaymentIntent; it is confirmed on its page.")
    if intent["status"] not in CONFIRMABLE:
        raise unexpected(intent, f"This PaymentIntent is {intent['status']} and cannot be confirmed.")
    change(intent, params, ("setup_future_usage", "receipt_email"))
    method = _given_method(scope, params, intent["customer"])
    if method is None and intent["payment_method"]:
        method = methods.usable(scope, intent["payment_method"], intent["customer"])
    if method is None:
        raise unexpected(intent, "This PaymentIntent has no payment method; send one to confirm it.")
    refuse("card" not in intent["payment_method_types"], "This PaymentIntent does not take cards without a reader.",
           param="payment_method")  # fmt: skip
    return charge_with(scope, intent, method, off_session=bool(params.get("off_session")))


def charge_with(
    scope: Scope, intent: JSON, method: JSON, *, off_session: bool = False, at_page: bool = False
) -> JSON:  # fmt: skip
    """Present the card. A decline is raised as a 402 whose effects stand. At the page the bank is answered."""
    intent.update(payment_method=method["id"], last_payment_error=None, next_action=None)
    behaviour = charges.behave(scope, method)
    if behaviour == "authenticate":
        if not off_session and not at_page:
            return _ask(scope, intent)
        behaviour = "ok" if at_page else "decline:authentication_required"
    no = cards.decline(behaviour)
    if no is not None:
        charge = charges.refused(scope, intent, method, no)
        _fail(scope, intent, method, charge, no)
    if behaviour == "processing":
        return _wait(scope, intent, method)
    return _take(scope, intent, charges.present(scope, intent, method, "succeeded"))


def _ask(scope: Scope, intent: JSON) -> JSON:
    intent.update(status="requires_action", next_action={"type": "use_stripe_sdk", "use_stripe_sdk": {}})
    scope.save(intent)
    scope.emit("payment_intent.requires_action", intent)
    return intent


def _wait(scope: Scope, intent: JSON, method: JSON) -> JSON:
    charge = charges.present(scope, intent, method, "pending", outcome=None)
    scope.emit("charge.pending", charge)
    intent.update(status="processing", latest_charge=charge["id"])
    scope.save(intent)
    scope.emit("payment_intent.processing", intent)
    return intent


def _take(scope: Scope, intent: JSON, charge: JSON) -> JSON:
    intent["latest_charge"] = charge["id"]
    _keep_read_card(scope, intent, charge)
    if intent["capture_method"] == "manual":
        intent.update(status="requires_capture", amount_capturable=intent["amount"])
        scope.save(intent)
        scope.emit("charge.succeeded", charge)
        scope.emit("payment_intent.amount_capturable_updated", intent)
        return intent
    charges.succeed(scope, charge, intent["amount"])
    scope.emit("charge.succeeded", charge)
    return _received(scope, intent, intent["amount"])


def _keep_read_card(scope: Scope, intent: JSON, charge: JSON) -> None:
    """A card at a reader cannot be charged later itself; one generated from it can, when that was wished for."""
    details = charge["payment_method_details"]
    if details["type"] != "card_present":
        return
    intent["_capture_before"] = details["card_present"]["capture_before"]
    if intent["setup_future_usage"]:
        method = scope.need("payment_method", charge["payment_method"])
        made = reader_cards.generate(
            scope, method, intent["customer"], charge=charge["id"], payment_method_details=copy.deepcopy(details)
        )
        details["card_present"]["generated_card"] = made
        scope.save(charge)


def _received(scope: Scope, intent: JSON, cents: int) -> JSON:
    intent.update(status="succeeded", amount_received=cents, amount_capturable=0, processing=None)
    scope.save(intent)
    if intent["setup_future_usage"] and intent["customer"]:
        method = scope.need("payment_method", intent["payment_method"])
        if method["type"] == "card":
            methods.attach_to(scope, method, intent["customer"])
    scope.emit("payment_intent.succeeded", intent)
    return intent


def _fail(scope: Scope, intent: JSON, method: JSON, charge: JSON, no: Decline) -> NoReturn:
    error = _record_failure(scope, intent, method, charge, no)
    raise ApiError(402, no.message, keep=True, **{**error, "payment_intent": public(intent)})


def _record_failure(scope: Scope, intent: JSON, method: JSON, charge: JSON, no: Decline) -> JSON:
    """The intent goes back to requires_payment_method; the fields of the 402 (and of last_payment_error)."""
    error = {
        "type": "card_error", "code": no.code, "decline_code": no.decline_code, "advice_code": no.advice_code,
        "network_decline_code": no.network_decline_code, "network_advice_code": no.network_advice_code,
        "charge": charge["id"], "payment_method": public(method),
        "doc_url": f"https://stripe.com/docs/error-codes/{no.code.replace('_', '-')}",
    }  # fmt: skip
    error = {name: value for name, value in error.items() if value is not None}
    intent.update(
        status="requires_payment_method", payment_method=None, latest_charge=charge["id"], next_action=None,
        processing=None, last_payment_error={**error, "message": no.message},
    )  # fmt: skip
    scope.save(intent)
    scope.emit("payment_intent.payment_failed", intent)
    return error


def cancel(scope: Scope, params: JSON, identifier: str) -> JSON:
    intent = scope.need("payment_intent", identifier)
    if intent.get("_session"):
        raise unexpected(intent, "A Checkout Session owns this PaymentIntent; expire the session.")
    if intent["status"] not in CANCELABLE:
        raise unexpected(intent, f"This PaymentIntent is {intent['status']} and cannot be canceled.")
    return call_off(scope, intent, params.get("cancellation_reason"))


def call_off(scope: Scope, intent: JSON, reason: str | None) -> JSON:
    intent.update(
        status="canceled", canceled_at=scope.now, cancellation_reason=reason, amount_capturable=0, next_action=None
    )
    scope.save(intent)
    scope.emit("payment_intent.canceled", intent)
    return intent


def capture(scope: Scope, params: JSON, identifier: str) -> JSON:
    intent = scope.need("payment_intent", identifier)
    if intent["status"] != "requires_capture":
        raise unexpected(intent, f"This PaymentIntent is {intent['status']} and cannot be captured.")
    lapsed = intent.get("_capture_before")
    refuse(bool(lapsed and lapsed <= scope.now), "The time to capture this payment is over.",
           code="capture_charge_authorization_expired")  # fmt: skip
    cents: int = {"amount_to_capture": intent["amount_capturable"], **params}["amount_to_capture"]
    refuse(not 0 < cents <= intent["amount_capturable"], "More than was authorized.", code="amount_too_large",
           param="amount_to_capture")  # fmt: skip
    change(intent, params, ("statement_descriptor_suffix",))
    charge = charges.succeed(scope, scope.need("charge", intent["latest_charge"]), cents)
    scope.emit("charge.captured", charge)
    return _received(scope, intent, cents)


def finish(scope: Scope, identifier: str, outcome: str) -> JSON:
    """What the bank says later: `succeeded` or a behaviour such as `decline:insufficient_funds`."""
    intent = scope.need("payment_intent", identifier)
    if intent["status"] not in ("processing", "requires_action"):
        raise unexpected(intent, f"This PaymentIntent is {intent['status']}; there is nothing to finish.")
    method = scope.need("payment_method", intent["payment_method"])
    waiting = scope.find(intent["latest_charge"]) if intent["status"] == "processing" else None
    if outcome in ("succeeded", "ok"):
        return _take(scope, intent, waiting or charges.present(scope, intent, method, "succeeded"))
    no = cards.decline("decline:generic_decline" if outcome == "failed" else cards.check_behaviour(outcome))
    refuse(no is None, "outcome must be succeeded, failed or a decline.", param="outcome")
    assert no is not None
    if waiting is None:
        charge = charges.refused(scope, intent, method, no)
    else:
        said = charges.declined_outcome(no)
        waiting.update(status="failed", failure_code=no.code, failure_message=no.message, outcome=said)
        charge = scope.save(waiting)
        scope.emit("charge.failed", charge)
    _record_failure(scope, intent, method, charge, no)
    return intent
