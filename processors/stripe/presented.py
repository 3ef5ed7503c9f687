"""Cards that a person presents, at a reader or on the hosted page: opened, looked up, withdrawn (docs/adr/0007)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import stripe
from stripe._v1_services import V1Services

from processors.port import (
    Charge,
    NotTaken,
    Outcome,
    PaidWith,
    Pending,
    PresentedQuestion,
    Succeeded,
    UnableToReachProcessor,
    Unknown,
)
from processors.stripe import outcomes

logger = logging.getLogger(__name__)
# What is asked for whenever an intent's outcome is read.
_CHARGE = ["latest_charge"]
_PAGE_CHARGE = ["payment_intent.latest_charge"]
# The processor's clock and ours may differ.
_SLACK = timedelta(days=1)


class Presented:
    """The part of StripeProcessor for presented cards. Blocks on the network: never call inside a transaction."""

    _client: V1Services

    def open_intent(self, charge: Charge, remember: Callable[[str], bool]) -> Outcome:
        """Make the intent that a reader will ask for. Moves no money. `remember` False: it is canceled again."""
        params: Any = charge.create_params
        try:
            intent = self._client.payment_intents.create(params, {"idempotency_key": charge.create_key})
        except stripe.StripeError as error:
            return outcomes.of_failed_create(error)
        if remember(intent.id):
            return Pending(intent.id)
        self._stop_intent(intent.id)
        return NotTaken("The attempt was already closed")

    def open_page(self, charge: Charge, remember: Callable[[str], bool]) -> Outcome:
        """Open a hosted page on which one payment can be made. `remember` False: it is closed again."""
        params: Any = charge.create_params
        try:
            session = self._client.checkout.sessions.create(params, {"idempotency_key": charge.create_key})
        except stripe.StripeError as error:
            return outcomes.of_failed_create(error)
        if remember(session.id):
            return Pending("")
        self._stop_page(session.id)
        return NotTaken("The attempt was already closed")

    def page_address(self, page: str) -> str:
        """Where the hosted page is; '' once it can't be paid any more. Raises UnableToReachProcessor."""
        try:
            return self._client.checkout.sessions.retrieve(page).url or ""
        except stripe.StripeError as error:
            raise UnableToReachProcessor(outcomes.words(error)) from error

    def look_up_presented(self, question: PresentedQuestion) -> Outcome:
        """How it stands. Changes nothing."""
        try:
            return self._of_page(question) if question.is_page else self._of_intent(question)
        except stripe.StripeError as error:
            return Unknown(outcomes.words(error), question.reference)

    def withdraw(self, question: PresentedQuestion) -> Outcome:
        """Make sure that nobody can pay it any more, then say how it stands: the money may have been faster."""
        try:
            if question.is_page:
                page = question.page or self._find_page(question)
                if page:
                    self._stop_page(page)
            else:
                reference = question.reference or self._find_intent(question)
                if reference:
                    self._stop_intent(reference)
        except stripe.StripeError as error:
            return Unknown(outcomes.words(error), question.reference)
        return self.look_up_presented(question)

    def open_pages(self, since: datetime) -> Iterator[PresentedQuestion]:
        """Our pages made since then on which money can still be paid. Raises UnableToReachProcessor."""
        try:
            listed = self._client.checkout.sessions.list({"created": _from(since), "limit": 100, "status": "open"})
            for one in listed.auto_paging_iter():
                if uuid := outcomes.metadata(one, "attempt"):
                    yield PresentedQuestion("", one.id, True, uuid, since)
        except stripe.StripeError as error:
            raise UnableToReachProcessor(outcomes.words(error)) from error

    def _of_intent(self, question: PresentedQuestion) -> Outcome:
        reference = question.reference or self._find_intent(question)
        if not reference:
            return NotTaken("The processor never got the request")
        return of_presented(self._client.payment_intents.retrieve(reference, {"expand": _CHARGE}))

    def _of_page(self, question: PresentedQuestion) -> Outcome:
        page = question.page or self._find_page(question)
        if not page:
            return NotTaken("The processor never got the request")
        session = self._client.checkout.sessions.retrieve(page, {"expand": _PAGE_CHARGE})
        intent: Any = session.payment_intent
        if intent is not None and intent.status in ("succeeded", "processing", "requires_capture"):
            return of_presented(intent)
        match session.status:
            case "expired":
                return NotTaken("The card page was closed before a card was approved")
            case "open":
                return Pending("") if intent is None else of_presented(intent)
        return Unknown(f"The processor says that the page is {session.status}")

    def _find_intent(self, question: PresentedQuestion) -> str:
        """By a list, never by a search: that lags behind writes."""
        listed = self._client.payment_intents.list({"created": _from(question.started_at - _SLACK), "limit": 100})
        return _ours(listed.auto_paging_iter(), question)

    def _find_page(self, question: PresentedQuestion) -> str:
        listed = self._client.checkout.sessions.list({"created": _from(question.started_at - _SLACK), "limit": 100})
        return _ours(listed.auto_paging_iter(), question)

    def _stop_intent(self, reference: str) -> None:
        try:
            self._client.payment_intents.cancel(reference)
        except stripe.InvalidRequestError:
            logger.info("Intent %s was final already, or is being authorized", reference)

    def _stop_page(self, page: str) -> None:
        try:
            self._client.checkout.sessions.expire(page)
        except stripe.InvalidRequestError:
            logger.info("Page %s was over already", page)


def of_presented(intent: stripe.PaymentIntent) -> Outcome:
    """What an intent means whose card is presented: a declined card leaves it open for the next one.

    `latest_charge` expanded.
    """
    match intent.status:
        case "succeeded":
            charge: Any = intent.latest_charge
            return Succeeded(intent.id, intent.amount_received, charge.id, paid_with(charge))
        case "canceled":
            return NotTaken("Canceled before a card was approved")
        case "requires_payment_method" if intent.last_payment_error is not None:
            return Pending(intent.id, outcomes.declined(intent))
        case "requires_payment_method" | "requires_action" | "requires_confirmation" | "requires_capture":
            return Pending(intent.id)
        case "processing":
            return Pending(intent.id)
    return Unknown(f"The processor says {intent.status}", intent.id)


def paid_with(charge: Any) -> PaidWith:
    """The card of a charge, typed in or read."""
    details = charge.payment_method_details
    card = details.card_present if details.type == "card_present" else details.card
    wallet = getattr(card, "wallet", None)
    return PaidWith(
        brand=card.brand or "card",
        last4=card.last4 or "",
        funding=card.funding or "unknown",
        fingerprint=_word(card, "fingerprint"),
        wallet=_word(wallet, "type"),
        entry=_word(card, "read_method"),
        generated_card=_word(card, "generated_card"),
    )


def _word(thing: Any, name: str) -> str:
    found = getattr(thing, name, None)
    return str(found) if isinstance(found, str) else str(getattr(found, "id", "") or "")


def _ours(listed: Iterator[Any], question: PresentedQuestion) -> str:
    return next((one.id for one in listed if outcomes.metadata(one, "attempt") == question.attempt_uuid), "")


def _from(at: datetime) -> Any:
    return {"gte": int(at.timestamp())}
