"""A front desk in the sandbox Stripe: one location, one reader, and what staff and patient do there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import stripe

from tests.contracts.stripe_world import VISA, World

ADDRESS = {"line1": "1 Sample Street", "city": "Springfield", "state": "IL", "postal_code": "62701", "country": "US"}


@dataclass
class Desk:
    shop: World
    location: str
    id: str

    @property
    def api(self) -> Any:
        return self.shop.api

    @property
    def calls(self) -> Any:
        return self.api.terminal.readers

    @property
    def reader(self) -> Any:
        return self.calls.retrieve(self.id)

    def intent(self, cents: int = 12800, **more: Any) -> Any:
        params = {"amount": cents, "currency": "usd", "allowed_payment_method_types": ["card_present"], **more}
        return self.api.payment_intents.create(params)

    def saving(self, cents: int = 12800, **more: Any) -> Any:
        """An intent that keeps the card of the world's customer."""
        return self.intent(cents, customer=self.shop.customer, setup_future_usage="off_session", **more)

    def process(self, intent: Any, options: dict[str, Any] | None = None, **config: Any) -> Any:
        params = {"payment_intent": intent.id, **({"process_config": config} if config else {})}
        return self.calls.process_payment_intent(self.id, params, options or {})

    def card(self, number: str = VISA) -> Any:
        """The test helper of the API: a card is inserted."""
        params = {"type": "card_present", "card_present": {"number": number}}
        return self.api.test_helpers.terminal.readers.present_payment_method(self.id, params)

    def hold(self, **wish: Any) -> Any:
        """The control API: a card or phone is held to the reader."""
        return self.shop.control(f"readers/{self.id}/present", **wish)

    def trouble(self, kind: str, **wish: Any) -> None:
        self.shop.control("readers/faults", kind=kind, **{"reader": self.id, **wish})

    def paid(self, cents: int = 12800, number: str = VISA) -> Any:
        """A payment taken; its charge."""
        intent = self.intent(cents)
        self.process(intent)
        self.card(number)
        return self.charge(intent)

    def status(self, intent: Any) -> str:
        return str(self.api.payment_intents.retrieve(intent.id).status)

    def charge(self, intent: Any) -> Any:
        found = self.api.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
        return found.latest_charge

    def news(self) -> list[str]:
        """Types of the events since this was last asked, oldest first; the making of intents and people left out."""
        found = self.shop.events()
        fresh, self._heard = found[getattr(self, "_heard", 0) :], len(found)
        return [kind for kind in fresh if not kind.endswith(".created")]


def open_desk(shop: World, code: str = "simulated-wpe") -> Desk:
    location = shop.api.terminal.locations.create({"display_name": "Maple Dental", "address": ADDRESS}).id
    reader = shop.api.terminal.readers.create({"registration_code": code, "location": location})
    return Desk(shop, location, reader.id)


def refused(code: str | None, param: str | None = None) -> Any:
    """The call inside is answered with HTTP 400, this code and this parameter."""

    def check(error: stripe.InvalidRequestError) -> bool:
        return (error.http_status, error.code, error.param) == (400, code, param)

    return pytest.raises(stripe.InvalidRequestError, check=check)
