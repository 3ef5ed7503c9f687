"""Payouts at Stripe and what is in them: lines of the balance, each with the payment it belongs to. Only reads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import stripe
from stripe._v1_services import V1Services

from processors.port import BalanceLine, LineKind, PayoutFacts, PayoutNews, UnableToReachProcessor
from processors.stripe import outcomes

# Source: Stripe API, "Balance transaction types". What isn't here is OTHER, so that nothing is ever dropped.
KINDS = {
    "charge": LineKind.PAYMENT,
    "payment": LineKind.PAYMENT,
    "refund": LineKind.REFUND,
    "payment_refund": LineKind.REFUND,
    "refund_failure": LineKind.REFUND_FAILED,
    "payment_failure_refund": LineKind.REFUND_FAILED,
    "stripe_fee": LineKind.FEE,
    "tax_fee": LineKind.FEE,
    "payout_failure": LineKind.RETURNED,
    "payout_cancel": LineKind.RETURNED,
}
# An adjustment is many things; what it is for tells the reporting category.
DISPUTES = ("dispute", "dispute_reversal")
# A status that nobody has heard of decides nothing yet.
NEWS = {news.value.lower(): news for news in PayoutNews}


class Payouts:
    """The part of StripeProcessor that reads payouts. Blocks on the network: never call inside a transaction."""

    _client: V1Services

    def payout_facts(self, reference: str) -> PayoutFacts:
        """A payout as it is now. Raises UnableToReachProcessor."""
        try:
            return _facts(self._client.payouts.retrieve(reference))
        except stripe.StripeError as error:
            raise UnableToReachProcessor(outcomes.words(error)) from error

    def recent_payouts(self, since: datetime) -> list[PayoutFacts]:
        """All payouts made since then, oldest first. Raises UnableToReachProcessor."""
        try:
            listed = self._client.payouts.list({"created": {"gte": int(since.timestamp())}, "limit": 100})
            found = list(map(_facts, listed.auto_paging_iter()))[::-1]
        except stripe.StripeError as error:
            raise UnableToReachProcessor(outcomes.words(error)) from error
        return sorted(found, key=lambda facts: facts.made_at)

    def payout_lines(self, reference: str) -> Iterator[BalanceLine]:
        """Every line of an automatic payout but the payout's own, page by page. Raises UnableToReachProcessor."""
        try:
            listed = self._client.balance_transactions.list(
                {"payout": reference, "limit": 100, "expand": ["data.source"]}
            )
            for entry in listed.auto_paging_iter():
                line = of_entry(entry)
                if not (line.word == "payout" and line.source == reference):
                    yield line
        except stripe.StripeError as error:
            raise UnableToReachProcessor(outcomes.words(error)) from error


def of_entry(entry: stripe.BalanceTransaction) -> BalanceLine:
    """One balance transaction; `source` expanded where it is to name its payment."""
    source: Any = entry.source
    return BalanceLine(
        reference=entry.id,
        kind=_kind(entry),
        word=str(entry.type),
        amount_cents=entry.amount,
        fee_cents=entry.fee,
        net_cents=entry.net,
        made_at=datetime.fromtimestamp(entry.created, UTC),
        source=_id(source),
        intent=_id(getattr(source, "payment_intent", None)),
        description=str(entry.description or ""),
    )


def _kind(entry: stripe.BalanceTransaction) -> LineKind:
    if entry.type == "adjustment" and entry.reporting_category in DISPUTES:
        return LineKind.DISPUTE
    return KINDS.get(str(entry.type), LineKind.OTHER)


def _facts(payout: stripe.Payout) -> PayoutFacts:
    return PayoutFacts(
        reference=payout.id,
        amount_cents=payout.amount,
        news=NEWS.get(str(payout.status), PayoutNews.PENDING),
        made_at=datetime.fromtimestamp(payout.created, UTC),
        # The processor gives a bank's day as midnight UTC.
        arrives_date=datetime.fromtimestamp(payout.arrival_date, UTC).date(),
        is_automatic=bool(payout.automatic),
        is_complete=str(payout.reconciliation_status) == "completed",
        failure=str(payout.failure_message or payout.failure_code or ""),
    )


def _id(thing: Any) -> str:
    return thing if isinstance(thing, str) else str(getattr(thing, "id", None) or "")
