"""Disputes at Stripe: what the cardholder's bank says, and what the dispute did to the balance. Only reads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import stripe
from stripe._v1_services import V1Services

from processors.port import DisputeFacts, DisputeNews, UnableToReachProcessor
from processors.stripe import outcomes

# Source: Stripe API, the Dispute object, `status`.
NEWS = {
    "warning_needs_response": DisputeNews.INQUIRY,
    "warning_under_review": DisputeNews.INQUIRY_REVIEW,
    "warning_closed": DisputeNews.INQUIRY_CLOSED,
    "needs_response": DisputeNews.NEEDS_RESPONSE,
    "under_review": DisputeNews.UNDER_REVIEW,
    "prevented": DisputeNews.PREVENTED,
    "lost": DisputeNews.LOST,
    "appeal_needs_response": DisputeNews.APPEAL,
    "appeal_under_review": DisputeNews.APPEAL_REVIEW,
    "won": DisputeNews.WON,
}
_CHARGE = "charge"


class Disputes:
    """The part of StripeProcessor that reads disputes. Blocks on the network: never call inside a transaction."""

    _client: V1Services

    def dispute_facts(self, reference: str) -> DisputeFacts:
        """A dispute as it is now. Raises UnableToReachProcessor."""
        try:
            return _facts(self._client.disputes.retrieve(reference, {"expand": [_CHARGE]}))
        except stripe.StripeError as error:
            raise UnableToReachProcessor(outcomes.words(error)) from error

    def recent_disputes(self, since: datetime) -> Iterator[DisputeFacts]:
        """All disputes made since then. Raises UnableToReachProcessor."""
        try:
            listed = self._client.disputes.list(
                {"created": {"gte": int(since.timestamp())}, "limit": 100, "expand": [f"data.{_CHARGE}"]}
            )
            yield from map(_facts, listed.auto_paging_iter())
        except stripe.StripeError as error:
            raise UnableToReachProcessor(outcomes.words(error)) from error


def _facts(dispute: stripe.Dispute) -> DisputeFacts:
    charge: Any = dispute.charge
    lines = dispute.balance_transactions
    due_by = dispute.evidence_details.due_by
    return DisputeFacts(
        reference=dispute.id,
        charge=_id(charge),
        intent=_id(dispute.payment_intent),
        # A status that nobody has heard of is looked at by a person, and frozen meanwhile.
        news=NEWS.get(str(dispute.status), DisputeNews.NEEDS_RESPONSE),
        reason=str(dispute.reason),
        network_code=str(dispute.network_reason_code or ""),
        amount_cents=dispute.amount,
        withdrawn_cents=-sum(line.amount for line in lines),
        fee_cents=sum(line.fee for line in lines),
        is_refundable=bool(dispute.is_charge_refundable),
        reply_by=datetime.fromtimestamp(due_by, UTC) if due_by else None,
        made_at=datetime.fromtimestamp(dispute.created, UTC),
        fingerprint=_fingerprint(charge),
    )


def _fingerprint(charge: Any) -> str:
    """The number of the card that paid, however it was presented."""
    details = getattr(charge, "payment_method_details", None)
    card = getattr(details, "card", None) or getattr(details, "card_present", None)
    return str(getattr(card, "fingerprint", None) or "")


def _id(thing: Any) -> str:
    return thing if isinstance(thing, str) else str(getattr(thing, "id", None) or "")
