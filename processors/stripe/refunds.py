"""Refunds at Stripe: asked under a key, looked up by intent and metadata, listed for those that others made."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import stripe
from stripe._v1_services import V1Services

from processors.port import (
    Failed,
    NotTaken,
    Pending,
    RefundFacts,
    RefundOrder,
    RefundOutcome,
    RefundQuestion,
    Succeeded,
    UnableToReachProcessor,
    Unknown,
)
from processors.stripe import outcomes
from processors.stripe.in_turn import InTurn

# Before a refund whose answer was lost is sent once more under its key.
RESEND_AFTER_SECONDS = 0.5


class Refunds(InTurn):
    """The part of StripeProcessor that gives money back. Blocks on the network: never call inside a transaction."""

    _client: V1Services

    def refund(self, order: RefundOrder) -> RefundOutcome:
        """Ask, and once more when the answer was lost: under one key it is one refund, but only a result counts."""
        first = self._refund_once(order)
        if not isinstance(first, Unknown):
            return first
        time.sleep(RESEND_AFTER_SECONDS)
        second = self._refund_once(order)
        return second if isinstance(second, Succeeded | Failed | Pending) else first

    def _refund_once(self, order: RefundOrder) -> RefundOutcome:
        params: Any = order.params
        try:
            made = self._in_turn(
                "refund",
                lambda: self._client.refunds.create(params, {"idempotency_key": order.key, "max_network_retries": 0}),
            )
            return of_refund(made)
        except stripe.StripeError as error:
            return of_failed_refund(error)

    def look_up_refund(self, question: RefundQuestion) -> RefundOutcome | None:
        """By its id, else among all refunds of the intent (a list, never a search: that lags behind writes)."""
        try:
            if question.reference:
                return of_refund(self._client.refunds.retrieve(question.reference))
            listed = self._client.refunds.list({"payment_intent": question.intent, "limit": 100})
            ours = (one for one in listed.auto_paging_iter() if _is_ours(one, question.refund_uuid))
            found = next(ours, None)
        except stripe.StripeError as error:
            return Unknown(outcomes.words(error), question.reference)
        return None if found is None else of_refund(found)

    def refund_facts(self, reference: str) -> RefundFacts:
        """A refund as it is now, for webhooks. Raises UnableToReachProcessor."""
        try:
            return _facts(self._client.refunds.retrieve(reference))
        except stripe.StripeError as error:
            raise UnableToReachProcessor(outcomes.words(error)) from error

    def recent_refunds(self, since: datetime) -> Iterator[RefundFacts]:
        """All refunds made since then, whoever made them. Raises UnableToReachProcessor."""
        try:
            listed = self._client.refunds.list({"created": {"gte": int(since.timestamp())}, "limit": 100})
            yield from map(_facts, listed.auto_paging_iter())
        except stripe.StripeError as error:
            raise UnableToReachProcessor(outcomes.words(error)) from error


def of_refund(refund: stripe.Refund) -> RefundOutcome:
    """What the present state of a refund means."""
    match refund.status:
        case "succeeded":
            return Succeeded(refund.id, refund.amount)
        case "pending" | "requires_action":
            return Pending(refund.id)
        case "failed" | "canceled":
            return Failed(refund.id, str(getattr(refund, "failure_reason", None) or refund.status))
    return Unknown(f"The processor says {refund.status}", refund.id)


def of_failed_refund(error: stripe.StripeError) -> RefundOutcome:
    """4xx gave nothing back; a 5xx, a 409 or silence may have. Another request under this key got there as well."""
    match error:
        case stripe.AuthenticationError() | stripe.PermissionError():
            return NotTaken(outcomes.words(error), needs_operator=True)
        case stripe.RateLimitError() | stripe.InvalidRequestError() | stripe.CardError():
            return NotTaken(outcomes.words(error))
    return Unknown(outcomes.words(error))


def _is_ours(refund: stripe.Refund, refund_uuid: str) -> bool:
    return outcomes.metadata(refund, "refund") == refund_uuid


def _facts(refund: stripe.Refund) -> RefundFacts:
    intent: Any = refund.payment_intent
    return RefundFacts(
        reference=refund.id,
        refund_uuid=outcomes.metadata(refund, "refund"),
        intent=intent if isinstance(intent, str) else str(getattr(intent, "id", "") or ""),
        amount_cents=refund.amount,
        asked_at=datetime.fromtimestamp(refund.created, UTC),
        outcome=of_refund(refund),
    )
