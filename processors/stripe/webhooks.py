"""The endpoint at Stripe that tells us news: made, looked at, and given the events that a newer release needs."""

from __future__ import annotations

from typing import Any

import stripe
from stripe._v1_services import V1Services

from processors.port import Endpoint, UnableToReachProcessor
from processors.stripe import outcomes

API_VERSION = "2026-10-28.endive"
EVENTS = [
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.canceled",
    "checkout.session.completed",
    "checkout.session.expired",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "payout.created",
    "payout.updated",
    "payout.paid",
    "payout.failed",
    "payout.canceled",
    "payout.reconciliation_completed",
    "payment_method.updated",
    "payment_method.automatically_updated",
    "payment_method.detached",
    "terminal.reader.action_succeeded",
    "terminal.reader.action_failed",
]


class Webhooks:
    """The part of StripeProcessor for its webhook endpoint."""

    _client: V1Services

    def register_webhook(self, url: str) -> str:
        """Make a webhook endpoint pinned to our API version; returns its signing secret."""
        params: Any = {"url": url, "enabled_events": EVENTS, "api_version": API_VERSION}
        try:
            endpoint = self._client.webhook_endpoints.create(params)
        except stripe.StripeError as error:
            raise UnableToReachProcessor(outcomes.words(error)) from error
        return endpoint.secret or ""

    def endpoint(self, url: str) -> Endpoint | None:
        """The endpoint with this address; None when there is none. Raises UnableToReachProcessor."""
        try:
            listed = self._client.webhook_endpoints.list({"limit": 100})
            found = next((one for one in listed.auto_paging_iter() if one.url == url), None)
        except stripe.StripeError as error:
            raise UnableToReachProcessor(outcomes.words(error)) from error
        if found is None:
            return None
        heard = set(found.enabled_events)
        missing = () if "*" in heard else tuple(one for one in EVENTS if one not in heard)
        return Endpoint(found.id, missing, is_on=found.status == "enabled")

    def complete_endpoint(self, endpoint: Endpoint) -> None:
        """Have it tell every event we work with, beside what it tells already. Raises UnableToReachProcessor."""
        try:
            known = self._client.webhook_endpoints.retrieve(endpoint.reference).enabled_events
            wanted: Any = {"enabled_events": sorted({*known, *endpoint.missing}), "disabled": False}
            self._client.webhook_endpoints.update(endpoint.reference, wanted)
        except stripe.StripeError as error:
            raise UnableToReachProcessor(outcomes.words(error)) from error
