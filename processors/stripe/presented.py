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
    Pending,
    PresentedQuestion,
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
        self._quietly(self._stop_intent, intent.id)
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
        self._quietly(self._stop_page, session.id)
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
        return outcomes.of_presented(self._client.payment_intents.retrieve(reference, {"expand": _CHARGE}))

    def _of_page(self, question: PresentedQuestion) -> Outcome:
        page = question.page or self._find_page(question)
        if not page:
            return NotTaken("The processor never got the request")
        session = self._client.checkout.sessions.retrieve(page, {"expand": _PAGE_CHARGE})
        intent: Any = session.payment_intent
        is_over = intent is None or intent.status in ("canceled", "requires_payment_method")
        match session.status:
            # Else the bank was already asked with a card: only its intent says how that ends.
            case "expired" if is_over:
                return NotTaken("The card page was closed before a card was approved")
            case "complete" if intent is not None and is_over:
                return NotTaken("The bank declined it afterwards")
            case "open" if intent is None:
                return Pending("")
        if intent is None:
            return Unknown(f"The processor says that the page is {session.status}")
        return outcomes.of_presented(intent)

    def _find_intent(self, question: PresentedQuestion) -> str:
        """By a list, never by a search: that lags behind writes."""
        listed = self._client.payment_intents.list({"created": _from(question.started_at - _SLACK), "limit": 100})
        return _ours(listed.auto_paging_iter(), question)

    def _find_page(self, question: PresentedQuestion) -> str:
        listed = self._client.checkout.sessions.list({"created": _from(question.started_at - _SLACK), "limit": 100})
        return _ours(listed.auto_paging_iter(), question)

    @staticmethod
    def _quietly(stop: Callable[[str], None], what: str) -> None:
        """What nobody was shown can't be paid: trying is enough."""
        try:
            stop(what)
        except stripe.StripeError as error:
            logger.warning("Unable to close %s: %s", what, type(error).__name__)

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


def _ours(listed: Iterator[Any], question: PresentedQuestion) -> str:
    return next((one.id for one in listed if outcomes.metadata(one, "attempt") == question.attempt_uuid), "")


def _from(at: datetime) -> Any:
    return {"gte": int(at.timestamp())}
