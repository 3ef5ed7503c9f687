"""One practice's Stripe account behind the port."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import stripe

from processors.models import ProcessorAccount
from processors.port import (
    CARD_GONE,
    Charge,
    Declined,
    Found,
    NotTaken,
    Outcome,
    Pending,
    Question,
    SavedCard,
    Succeeded,
    UnableToReachProcessor,
    Unknown,
)
from processors.stripe import outcomes
from processors.stripe.disputes import Disputes
from processors.stripe.payouts import Payouts
from processors.stripe.presented import Presented
from processors.stripe.refunds import Refunds
from processors.stripe.terminals import Terminals
from processors.stripe.webhooks import API_VERSION, Webhooks

__all__ = ["API_VERSION", "StripeProcessor"]
logger = logging.getLogger(__name__)

# Before a confirm whose answer was lost is sent once more under its key.
RESEND_AFTER_SECONDS = 0.5
stripe.enable_telemetry = False

# Pools connections per thread, so one serves the process. 5 s to connect, 30 s to answer.
_http = stripe.RequestsClient(timeout=(5, 30))


class StripeProcessor(Refunds, Payouts, Disputes, Presented, Terminals, Webhooks):
    """Blocks on the network: never call inside a transaction."""

    def __init__(self, account: ProcessorAccount) -> None:
        self._account = account
        addresses: Any = dict.fromkeys(("api", "connect", "files", "meter_events"), account.base_url)
        self._client = stripe.StripeClient(
            account.secret_key,
            stripe_version=API_VERSION,
            stripe_account=account.account or None,
            # The library repeats lost requests under the same key; without this it never does. Not for confirms.
            max_network_retries=1,
            base_addresses=addresses,
            http_client=_http,
        ).v1

    def charge(self, charge: Charge, remember: Callable[[str], bool]) -> Outcome:
        """Create the intent, have its id stored, confirm it off-session."""
        outcome = self._create_and_confirm(charge, remember)
        if isinstance(outcome, NotTaken) and outcome.needs_operator and self._card_is_gone(charge):
            return Declined("", CARD_GONE)
        return outcome

    def _create_and_confirm(self, charge: Charge, remember: Callable[[str], bool]) -> Outcome:
        params: Any = charge.create_params
        try:
            intent = self._in_turn(
                "create",
                lambda: self._client.payment_intents.create(params, {"idempotency_key": charge.create_key}),
            )
        except stripe.StripeError as error:
            return outcomes.of_failed_create(error)
        if not remember(intent.id):
            self.cancel(intent.id)
            return NotTaken("The attempt was already closed")
        return self._confirm(intent.id, charge)

    def _card_is_gone(self, charge: Charge) -> bool:
        """The account is the right one, but the card was detached, deleted, or is somebody else's.

        Where even the customer is not known, the account is the wrong one: that is nothing the patient can repair.
        """
        customer = charge.create_params["customer"]
        try:
            method = self._client.payment_methods.retrieve(charge.create_params["payment_method"])
            return bool(method.customer != customer)
        except stripe.InvalidRequestError:
            return self._knows_customer(customer)
        except stripe.StripeError:
            return False

    def _knows_customer(self, customer: str) -> bool:
        try:
            self._client.customers.retrieve(customer)
        except stripe.StripeError:
            return False
        return True

    def _confirm(self, reference: str, charge: Charge) -> Outcome:
        """Confirm, and once more when the answer was lost. We resend, not the library: it would hide the lost one.

        Money may have moved with the first request. Then "slow down" or "wrong key" in answer to the second says
        nothing about it; only a result does.
        """
        first = self._confirm_once(reference, charge)
        if not isinstance(first, Unknown):
            return first
        time.sleep(RESEND_AFTER_SECONDS)
        second = self._confirm_once(reference, charge)
        return second if isinstance(second, Succeeded | Declined | Pending) else first

    def _confirm_once(self, reference: str, charge: Charge) -> Outcome:
        params: Any = charge.confirm_params
        try:
            intent = self._in_turn(
                "confirm",
                lambda: self._client.payment_intents.confirm(
                    reference, params, {"idempotency_key": charge.confirm_key, "max_network_retries": 0}
                ),
            )
        except stripe.CardError as error:
            return self._with_reason(outcomes.of_decline(reference, error))
        except stripe.StripeError as error:
            return outcomes.of_failed_confirm(reference, error)
        return outcomes.of_intent(intent)

    def _with_reason(self, declined: Declined) -> Declined:
        """A payment that the processor itself blocked comes as a generic decline; only its charge tells."""
        if declined.decline_code != "generic_decline":
            return declined
        try:
            return outcomes.with_block(declined, self._retrieve(declined.reference))
        except stripe.StripeError:
            return declined

    def _retrieve(self, reference: str) -> stripe.PaymentIntent:
        return self._client.payment_intents.retrieve(reference, {"expand": ["latest_charge"]})

    def look_up(self, question: Question) -> Outcome:
        """Ask what became of an attempt; cancel an intent that was never confirmed, which decides it."""
        try:
            intent = self._find(question)
            if intent is None:
                return NotTaken("The processor never got the request")
            if intent.status == "requires_confirmation":
                intent = self._client.payment_intents.cancel(intent.id)
            return outcomes.of_intent(intent)
        except stripe.StripeError as error:
            return Unknown(outcomes.words(error), question.reference)

    def _find(self, question: Question) -> stripe.PaymentIntent | None:
        if question.reference:
            return self._retrieve(question.reference)
        # The id never reached us: list by customer and window, never by search (it lags behind writes).
        since = int((question.started_at - timedelta(days=1)).timestamp())
        listed = self._client.payment_intents.list(
            {"customer": question.customer, "created": {"gte": since}, "limit": 100}
        )
        for intent in listed.auto_paging_iter():
            if outcomes.metadata(intent, "attempt") == question.attempt_uuid:
                return self._retrieve(intent.id)
        return None

    def recent(self, since: datetime) -> Iterator[Found]:
        """Our tries since then, oldest first, for a database that was restored. One that waits for its confirm is
        canceled: whoever would have confirmed it is gone. Raises UnableToReachProcessor.
        """
        try:
            listed = self._client.payment_intents.list(
                {"created": {"gte": int(since.timestamp())}, "limit": 100, "expand": ["data.latest_charge"]}
            )
            ours = [intent for intent in listed.auto_paging_iter() if outcomes.metadata(intent, "attempt")]
        except stripe.StripeError as error:
            raise UnableToReachProcessor(outcomes.words(error)) from error
        yield from map(outcomes.found, sorted(ours, key=lambda intent: intent.created))

    def outcome_of(self, reference: str) -> tuple[str, Outcome]:
        """The attempt's uuid (from metadata) and the present outcome of an intent, for webhooks."""
        try:
            intent = self._retrieve(reference)
        except stripe.StripeError as error:
            raise UnableToReachProcessor(outcomes.words(error)) from error
        return outcomes.metadata(intent, "attempt"), outcomes.of_intent(intent)

    def cancel(self, reference: str) -> bool:
        """Make a declined intent unusable. One that is final already stays as it is. False: not known to be final."""
        try:
            self._client.payment_intents.cancel(reference)
        except stripe.InvalidRequestError:
            logger.info("Intent %s was final already", reference)
        except stripe.StripeError as error:
            # Harmless: an intent moves money only when it is confirmed, and we confirm once.
            logger.warning("Unable to cancel intent %s: %s", reference, type(error).__name__)
            return False
        return True

    def create_customer(self, *, key: str) -> str:
        """A customer without name or e-mail: the processor signs no BAA, so it learns as little as possible."""
        try:
            customer = self._client.customers.create(
                {"metadata": {"kasperpay": key}}, {"idempotency_key": f"kp-customer-{key}"}
            )
        except stripe.StripeError as error:
            raise UnableToReachProcessor(outcomes.words(error)) from error
        return customer.id

    def start_setup(
        self, *, customer: str, uuid: str, success_url: str, cancel_url: str, words: str = ""
    ) -> tuple[str, str]:
        """Open a hosted page that saves a card. Returns (session id, address of the page).

        `words` (1,200 characters at most) stand above its button.
        """
        try:
            session = self._client.checkout.sessions.create(
                {
                    "custom_text": {"submit": {"message": words}} if words else {},
                    "mode": "setup",
                    "currency": "usd",
                    "customer": customer,
                    "allowed_payment_method_types": ["card"],
                    "client_reference_id": uuid,
                    "metadata": {"setup": uuid},
                    "success_url": success_url,
                    "cancel_url": cancel_url,
                },
                {"idempotency_key": f"kp-setup-{uuid}"},
            )
        except stripe.StripeError as error:
            raise UnableToReachProcessor(outcomes.words(error)) from error
        if not session.url:
            raise UnableToReachProcessor("The card page could not be opened")
        return session.id, session.url

    def finished_setup(self, session: str) -> SavedCard | None:
        """The card saved on this hosted page; None while nothing was saved."""
        try:
            found = self._client.checkout.sessions.retrieve(session, {"expand": ["setup_intent.payment_method"]})
        except stripe.StripeError as error:
            raise UnableToReachProcessor(outcomes.words(error)) from error
        intent: Any = found.setup_intent
        if found.status != "complete" or intent is None or intent.status != "succeeded":
            return None
        return outcomes.saved_card(intent.payment_method, str(found.customer))

    def card(self, payment_method: str) -> SavedCard:
        """The card as the processor knows it now (it may have been renewed)."""
        try:
            method = self._client.payment_methods.retrieve(payment_method)
        except stripe.StripeError as error:
            raise UnableToReachProcessor(outcomes.words(error)) from error
        return outcomes.saved_card(method, str(method.customer or ""))

    def detach(self, payment_method: str) -> None:
        """Forget a card at the processor. Quiet when it is gone already."""
        try:
            self._client.payment_methods.detach(payment_method)
        except stripe.InvalidRequestError:
            logger.info("Card %s was detached already", payment_method)
        except stripe.StripeError as error:
            raise UnableToReachProcessor(outcomes.words(error)) from error

    def test(self) -> str:
        """Prove that the key works; returns the account's id. Raises UnableToReachProcessor in plain words."""
        try:
            return self._client.accounts.retrieve_current().id
        except stripe.StripeError as error:
            raise UnableToReachProcessor(outcomes.words(error)) from error
