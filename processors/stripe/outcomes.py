"""Stripe's answers and errors as outcomes of the port. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import stripe

from processors.port import Declined, Found, NotTaken, Outcome, PaidWith, Pending, SavedCard, Succeeded, Unknown


def of_intent(intent: stripe.PaymentIntent) -> Outcome:
    """What the present state of an intent means for its attempt."""
    match intent.status:
        case "succeeded":
            return Succeeded(intent.id, intent.amount_received, _id(intent.latest_charge))
        case "processing" | "requires_confirmation" | "requires_capture":
            return Pending(intent.id)
        case "canceled" if intent.last_payment_error is None:
            return NotTaken("Canceled at the processor")
        case "requires_action":
            return Declined(intent.id, "authentication_required")
        # Canceled after a decline is still that decline: its code decides about the next try.
        case "requires_payment_method" | "canceled" if intent.last_payment_error is not None:
            return declined(intent)
    return Unknown(f"The processor says {intent.status}", intent.id)


def of_presented(intent: stripe.PaymentIntent) -> Outcome:
    """What an intent means whose card is presented: a declined card leaves it open for the next one.

    `latest_charge` expanded.
    """
    match intent.status:
        case "succeeded":
            return Succeeded(
                intent.id, intent.amount_received, _id(intent.latest_charge), paid_with(intent.latest_charge)
            )
        case "canceled":
            return NotTaken("Canceled before a card was approved")
        case "requires_payment_method" if intent.last_payment_error is not None:
            return Pending(intent.id, declined(intent))
        case "requires_payment_method" | "requires_action" | "requires_confirmation" | "requires_capture":
            return Pending(intent.id)
        case "processing":
            return Pending(intent.id)
    return Unknown(f"The processor says {intent.status}", intent.id)


def paid_with(charge: Any) -> PaidWith:
    """The card of a charge, typed in or read. What the processor doesn't say must not keep money from being booked."""
    details = getattr(charge, "payment_method_details", None)
    card = getattr(details, "card_present", None) or getattr(details, "card", None)
    wallet = getattr(card, "wallet", None)
    return PaidWith(
        brand=_text(card, "brand") or "card",
        last4=_text(card, "last4"),
        funding=_text(card, "funding") or "unknown",
        fingerprint=_text(card, "fingerprint"),
        wallet=_text(wallet, "type"),
        entry=_text(card, "read_method"),
        generated_card=_id(getattr(card, "generated_card", None) or ""),
        chip=_chip(getattr(card, "receipt", None)),
    )


# What receipts of chip cards name (EMV application, AID, cryptogram) and what helps the office find the payment.
_CHIP = (
    "application_preferred_name", "dedicated_file_name", "application_cryptogram", "authorization_code",
    "cardholder_verification_method",
)  # fmt: skip


def _chip(receipt: Any) -> dict[str, str]:
    """Only what was said; {} of a swiped or typed card."""
    return {name: said[:60] for name in _CHIP if (said := _text(receipt, name))}


def of_failed_create(error: stripe.StripeError) -> Outcome:
    """An intent that was not (or not provably) created moves no money: confirming is what charges.

    A lost answer is still Unknown, so that the reconciler finds and cancels the orphan.
    """
    if isinstance(error, stripe.APIConnectionError) or (error.http_status or 0) >= 500 or error.http_status == 409:
        return Unknown(words(error))
    return NotTaken(words(error), needs_operator=not isinstance(error, stripe.RateLimitError))


def of_failed_confirm(reference: str, error: stripe.StripeError) -> Outcome:
    """401, 403, 429 and refused parameters took nothing; a 5xx, a 409 or silence may have (decisions 4).

    True of one request: not of one that the library has repeated.
    """
    match error:
        case stripe.AuthenticationError() | stripe.PermissionError():
            return NotTaken(words(error), needs_operator=True)
        case stripe.RateLimitError():
            return NotTaken(words(error))
        case stripe.InvalidRequestError() if _code(error) == "payment_intent_unexpected_state":
            # It was confirmed, canceled or paid in the meantime: ask instead of guessing.
            return Unknown(words(error), reference)
        case stripe.InvalidRequestError():
            return NotTaken(words(error), needs_operator=True)
    # Also an IdempotencyError: another request under this key got there, and it may have charged.
    return Unknown(words(error), reference)


def of_decline(reference: str, error: stripe.CardError) -> Declined:
    return _declined(reference, error.error)


def declined(intent: stripe.PaymentIntent) -> Declined:
    """The last decline of an intent that has one; `latest_charge` expanded."""
    return with_block(_declined(intent.id, intent.last_payment_error), intent)


def with_block(declined: Declined, intent: stripe.PaymentIntent) -> Declined:
    """The reason of a block by the processor in place of the generic code. Needs `latest_charge` expanded."""
    charge: Any = intent.latest_charge
    outcome = None if charge is None or isinstance(charge, str) else charge.outcome
    if outcome is None or outcome.type != "blocked" or not outcome.reason:
        return declined
    return replace(declined, decline_code=str(outcome.reason))


def _declined(reference: str, facts: Any) -> Declined:
    return Declined(
        reference=reference,
        decline_code=_text(facts, "decline_code") or _text(facts, "code") or "unknown",
        advice_code=_text(facts, "advice_code"),
        network_decline_code=_text(facts, "network_decline_code"),
        network_advice_code=_text(facts, "network_advice_code"),
        charge_reference=_text(facts, "charge"),
    )


def saved_card(method: Any, customer: str) -> SavedCard:
    card = method.card
    return SavedCard(
        customer=customer,
        payment_method=method.id,
        brand=card.brand or "card",
        last4=card.last4 or "",
        exp_month=card.exp_month,
        exp_year=card.exp_year,
        funding=card.funding or "unknown",
        fingerprint=card.fingerprint or method.id,
    )


def found(intent: stripe.PaymentIntent) -> Found:
    """A listed intent that bears our mark; `latest_charge` expanded."""
    is_presented = bool(metadata(intent, "way"))
    is_unasked = intent.status == "requires_confirmation"
    return Found(
        attempt_uuid=metadata(intent, "attempt"),
        part=metadata(intent, "part"),
        reference=intent.id,
        customer=_id(intent.customer),
        payment_method=_id(intent.payment_method) or _id(_last_method(intent)),
        amount_cents=intent.amount,
        asked_at=datetime.fromtimestamp(intent.created, UTC),
        outcome=NotTaken("It was never confirmed") if is_unasked else of_intent(intent),
        is_presented=is_presented,
    )


def _last_method(intent: stripe.PaymentIntent) -> Any:
    """A declined intent has lost its card; its error still names it."""
    error: Any = intent.last_payment_error
    return getattr(error, "payment_method", None) if error else None


def words(error: stripe.StripeError) -> str:
    """One plain sentence for staff and logs. Never the request, never a key."""
    match error:
        case stripe.AuthenticationError():
            return "The processor refuses the secret key"
        case stripe.PermissionError():
            return "The key lacks a permission at the processor"
        case stripe.RateLimitError():
            return "The processor asks us to slow down"
        case stripe.APIConnectionError():
            return "The processor did not answer"
        case stripe.InvalidRequestError():
            return f"The processor refuses the request ({_code(error) or 'invalid request'})"
        case stripe.IdempotencyError():
            return "The processor got the same key with another request"
    return f"The processor had an error (HTTP {error.http_status})"


def metadata(thing: Any, key: str) -> str:
    found = thing.metadata or {}
    return str(found[key]) if key in found else ""


def _code(error: stripe.StripeError) -> str:
    return (error.error and error.error.code) or error.code or ""


def _text(facts: Any, name: str) -> str:
    return str(getattr(facts, name, None) or "")


def _id(thing: Any) -> str:
    return thing if isinstance(thing, str) else _text(thing, "id")
