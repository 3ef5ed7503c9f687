"""Webhook events: proof that they are from Stripe, and which object they are about."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import stripe


@dataclass(frozen=True)
class ProcessorEvent:
    """The envelope of an event. The object itself is always fetched anew: events come late, twice and out of order."""

    event_id: str
    type: str
    object_id: str
    api_version: str
    account: str
    is_live: bool


class UnableToTrustEvent(Exception):
    """A webhook that is not from the processor, or too old, or no event at all."""


def read_event(body: bytes, signature: str, secret: str) -> ProcessorEvent:
    """Check signature and age, and return the envelope. Raises UnableToTrustEvent."""
    try:
        stripe.WebhookSignature.verify_header(body, signature, secret, tolerance=300)
        _refuse_future(signature)
        event = json.loads(body)
        return ProcessorEvent(
            event_id=event["id"],
            type=event["type"],
            object_id=event["data"]["object"]["id"],
            api_version=event.get("api_version") or "",
            account=event.get("account") or "",
            is_live=bool(event.get("livemode")),
        )
    except (stripe.SignatureVerificationError, ValueError, KeyError, TypeError) as error:
        raise UnableToTrustEvent("The signature or the body of the webhook is not the processor's") from error


def _refuse_future(signature: str) -> None:
    # The library checks the age only one way.
    stamp = int(dict(part.split("=", 1) for part in signature.split(","))["t"])
    if stamp > datetime.now(UTC).timestamp() + 60:
        raise ValueError("signed in the future")
