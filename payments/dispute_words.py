"""Disputes in plain words: why the cardholder disputes, and what that asks of staff."""

from __future__ import annotations

from typing import NamedTuple


class Why(NamedTuple):
    """`words` completes "The cardholder says: …"; `proof` is what usually answers it."""

    words: str
    proof: str


_CONSENT = "The consent, the schedule that was agreed to, and earlier payments with the same card."
# Source: Stripe's guide to dispute categories; the words are ours.
WHY = {
    "fraudulent": Why("they did not make this payment", _CONSENT),
    "unrecognized": Why("they do not recognize this payment", f"{_CONSENT} Messages that told of it."),
    "duplicate": Why("they paid twice for the same", "The receipts of both payments, each with what it was for."),
    "subscription_canceled": Why("they had stopped these payments", "The consent, and that it was not revoked before."),
    "product_not_received": Why(
        "they did not get the treatment", "What was done and when (this tells who was treated)."
    ),
    "product_unacceptable": Why(
        "the treatment was not as agreed", "What was agreed and done (this tells of treatment)."
    ),
    "credit_not_processed": Why(
        "a refund was promised and did not come", "The refunds of the payment, or why none is due."
    ),
    "customer_initiated": Why("no reason was given", _CONSENT),
    "general": Why("no reason was given", _CONSENT),
    "noncompliant": Why("a rule of the card network was not kept", "Ask the card processor which rule."),
    "bank_cannot_process": Why("their bank can't process it", "Ask the card processor what is missing."),
}


def why(reason: str) -> Why:
    """In plain words; a reason that nobody has heard of is shown as the processor calls it."""
    return WHY.get(reason) or Why(reason.replace("_", " ") or "no reason was given", _CONSENT)
