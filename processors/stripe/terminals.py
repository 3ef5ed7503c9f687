"""Stripe Terminal, server-driven: places, readers, and handing a payment to a reader.

Source: Stripe, "Collect card payments", server-driven. The HTTP status of a refusal says little; its code does.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import stripe
from stripe._v1_services import V1Services

from processors.port import UnableToReachProcessor
from processors.stripe import outcomes
from processors.terminal_port import (
    Accepted,
    Busy,
    NotPayable,
    Offline,
    Place,
    ReaderAction,
    ReaderAnswer,
    ReaderFacts,
    Refused,
    TimedOut,
    UnableToSetUp,
)

_REASONS = {
    "terminal_reader_hardware_fault": "The reader reports a hardware fault. Restart it, or use another one",
    "terminal_reader_invalid_location_for_payment": "The reader belongs to no location at the card processor",
    "terminal_reader_invalid_location_for_activation": "The reader can't be used at its location",
    "terminal_location_country_unsupported": "The card processor takes no readers in that country",
    "resource_missing": "The card processor doesn't know this reader any more",
}
# The processor's name of a parameter -> our field, and what is wrong with it.
_FIELDS = {
    "registration_code": ("code", "The card processor doesn't know this pairing code. Make a new one on the reader"),
    "label": ("label", "The card processor doesn't take this name"),
    "location": ("location", "The card processor doesn't know this location"),
    "display_name": ("name", "The card processor needs a name"),
    "address[line1]": ("line1", "Enter the street and number"),
    "address[city]": ("city", "Enter the city"),
    "address[state]": ("state", "Enter the state"),
    "address[postal_code]": ("postal_code", "Enter the ZIP code"),
}


class Terminals:
    """The part of StripeProcessor that knows readers. Blocks on the network: never call inside a transaction."""

    _client: V1Services

    def create_place(self, place: Place, *, key: str) -> str:
        """The processor's id of a new place. Raises UnableToSetUp."""
        params: Any = {"display_name": place.name, "address": place.address}
        try:
            return self._client.terminal.locations.create(params, {"idempotency_key": key}).id
        except stripe.StripeError as error:
            raise _unable(error) from error

    def change_place(self, reference: str, place: Place) -> None:
        """Raises UnableToSetUp."""
        params: Any = {"display_name": place.name, "address": place.address}
        try:
            self._client.terminal.locations.update(reference, params)
        except stripe.StripeError as error:
            raise _unable(error) from error

    def remove_place(self, reference: str) -> None:
        """Quiet when it is gone already. Raises UnableToSetUp."""
        try:
            self._client.terminal.locations.delete(reference)
        except stripe.StripeError as error:
            if _code(error) != "resource_missing":
                raise _unable(error) from error

    def register_reader(self, *, code: str, label: str, location: str, key: str) -> ReaderFacts:
        """Claim the reader that shows this pairing code. Raises UnableToSetUp."""
        params: Any = {"registration_code": code, "label": label, "location": location}
        try:
            return of_reader(self._client.terminal.readers.create(params, {"idempotency_key": key}))
        except stripe.StripeError as error:
            raise _unable(error) from error

    def rename_reader(self, reference: str, label: str) -> None:
        """Raises UnableToSetUp."""
        try:
            self._client.terminal.readers.update(reference, {"label": label})
        except stripe.StripeError as error:
            raise _unable(error) from error

    def remove_reader(self, reference: str) -> None:
        """Quiet when it is gone already. Raises UnableToSetUp."""
        try:
            self._client.terminal.readers.delete(reference)
        except stripe.StripeError as error:
            if _code(error) != "resource_missing":
                raise _unable(error) from error

    def readers(self) -> list[ReaderFacts]:
        """All readers of the account. Raises UnableToReachProcessor."""
        try:
            listed = self._client.terminal.readers.list({"limit": 100})
            return [of_reader(one) for one in listed.auto_paging_iter()]
        except stripe.StripeError as error:
            raise UnableToReachProcessor(outcomes.words(error)) from error

    def reader(self, reference: str) -> ReaderFacts | None:
        """One reader as it is now; None when it was deleted there. Raises UnableToReachProcessor."""
        try:
            found = self._client.terminal.readers.retrieve(reference)
        except stripe.StripeError as error:
            if _code(error) == "resource_missing":
                return None
            raise UnableToReachProcessor(outcomes.words(error)) from error
        return None if getattr(found, "deleted", False) else of_reader(found)

    def present(self, reference: str, intent: str, *, key: str, keep_card: bool) -> ReaderAnswer:
        """Let the reader ask for a card and charge it. Each deliberate try carries a key of its own: under an old one
        the processor would repeat its first answer and the reader would stay asleep. The intent prevents a second
        charge.
        """
        config: dict[str, Any] = {"enable_customer_cancellation": True}
        if keep_card:
            config["allow_redisplay"] = "limited"
        params: Any = {"payment_intent": intent, "process_config": config}
        options: Any = {"idempotency_key": key, "max_network_retries": 0}
        try:
            return Accepted(of_reader(self._client.terminal.readers.process_payment_intent(reference, params, options)))
        except stripe.StripeError as error:
            return of_refusal(error)

    def stop(self, reference: str) -> ReaderAnswer:
        """Back to the idle screen. Busy: the bank is being asked, and nothing can stop that."""
        try:
            return Accepted(of_reader(self._client.terminal.readers.cancel_action(reference)))
        except stripe.StripeError as error:
            return of_refusal(error)


def of_reader(reader: Any) -> ReaderFacts:
    seen = reader.last_seen_at
    return ReaderFacts(
        reference=reader.id,
        label=reader.label or "",
        device_type=reader.device_type or "",
        serial=reader.serial_number or "",
        location=reader.location if isinstance(reader.location, str) else str(getattr(reader.location, "id", "") or ""),
        is_online={"online": True, "offline": False}.get(reader.status or ""),
        # Milliseconds, unlike every other time of the API.
        seen_at=datetime.fromtimestamp(seen / 1000, UTC) if seen else None,
        action=_action(reader.action),
    )


def _action(action: Any) -> ReaderAction | None:
    if action is None:
        return None
    told = getattr(action, "process_payment_intent", None)
    intent = getattr(told, "payment_intent", None) or ""
    return ReaderAction(
        status=action.status,
        intent=intent if isinstance(intent, str) else str(intent.id),
        failure=str(getattr(action, "failure_code", None) or ""),
        decline=str(getattr(getattr(action, "api_error", None), "decline_code", None) or ""),
    )


def of_refusal(error: stripe.StripeError) -> ReaderAnswer:
    """What a command to a reader came to. Silence and server errors are like a timeout: it may have got there."""
    match _code(error):
        case "terminal_reader_busy":
            return Busy()
        case "terminal_reader_offline":
            return Offline()
        case "terminal_reader_timeout":
            return TimedOut()
        case "intent_invalid_state":
            return NotPayable()
        case code if code in _REASONS:
            return Refused(code, _REASONS[code])
    if isinstance(error, stripe.APIConnectionError | stripe.IdempotencyError) or _is_unclear(error.http_status):
        return TimedOut()
    return Refused(_code(error) or "refused", outcomes.words(error))


def _is_unclear(status: int | None) -> bool:
    return status == 409 or (status or 0) >= 500


def _unable(error: stripe.StripeError) -> UnableToSetUp:
    field, text = _FIELDS.get(getattr(error, "param", None) or "", ("", ""))
    known = _REASONS.get(_code(error), "")
    return UnableToSetUp(field, known or text or outcomes.words(error))


def _code(error: stripe.StripeError) -> str:
    """Of the body: depending on the status the library's own field is empty."""
    return (error.error and error.error.code) or error.code or ""
