"""Saving a card at a reader without a payment: the setup intent, its attempt, the generated card."""

from __future__ import annotations

from sandbox.stripe import cards, reader_cards
from sandbox.stripe.books import Scope
from sandbox.stripe.wire import JSON, ApiError, invalid, public


def save(scope: Scope, body: JSON, method: JSON) -> ApiError | None:
    """Ask the bank to keep the card; the refusal, or None. `body` is the reader's action and learns the new card."""
    setup = scope.need("setup_intent", body["setup_intent"])
    if setup["status"] != "requires_payment_method":
        said = f"This SetupIntent is {setup['status']} and cannot be confirmed."
        return invalid(said, code="setup_intent_unexpected_state", setup_intent=public(setup))
    attempt = scope.new(
        "setup_attempt", application=None, customer=setup["customer"], on_behalf_of=None, payment_method=method["id"],
        payment_method_details={"card_present": {"generated_card": None, "offline": None}, "type": "card_present"},
        setup_error=None, setup_intent=setup["id"], status="succeeded", usage=setup["usage"],
    )  # fmt: skip
    setup["latest_attempt"] = attempt["id"]
    no = cards.decline(method["_saving"])
    if no is not None:
        return _refused(scope, setup, attempt, method, no)
    made = reader_cards.generate(scope, method, setup["customer"], setup_attempt=attempt["id"])
    attempt["payment_method_details"]["card_present"]["generated_card"] = body["generated_card"] = made
    scope.save(attempt)
    setup.update(status="succeeded", payment_method=method["id"], last_setup_error=None)
    scope.save(setup)
    scope.emit("setup_intent.succeeded", setup)
    return None


def _refused(scope: Scope, setup: JSON, attempt: JSON, method: JSON, no: cards.Decline) -> ApiError:
    """Every refusal of a card at a reader is this one code."""
    error = invalid(no.message, code="setup_intent_authentication_failure", payment_method=public(method))
    scope.save({**attempt, "status": "failed", "setup_error": error.error})
    setup.update(payment_method=None, last_setup_error=error.error)
    scope.save(setup)
    scope.emit("setup_intent.setup_failed", setup)
    error.error["setup_intent"] = public(setup)
    return error
