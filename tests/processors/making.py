"""Short words for the tests of the Stripe adapter."""

from __future__ import annotations

from uuid import uuid4

from cards.models import Card
from processors.port import (
    Charge,
    Outcome,
    Question,
)
from processors.stripe import StripeProcessor
from tests import factories
from tests.plugins.stripe import Shop

CREATE, CONFIRM = "POST /v1/payment_intents", "POST /v1/payment_intents/*/confirm"


def asked_for(card: Card, **more: object) -> Charge:
    uuid = uuid4()
    params = {
        "amount": 128_60, "currency": "usd", "customer": card.customer, "payment_method": card.payment_method,
        "allowed_payment_method_types": ["card"], "description": "Account balance",
        "metadata": {"attempt": str(uuid)}, **more,
    }  # fmt: skip
    return Charge(params, {"off_session": True}, f"kp-create-{uuid}", f"kp-confirm-{uuid}")


class Notebook:
    """The attempt's row, as far as the adapter sees it."""

    def __init__(self, answer: bool = True) -> None:
        self.answer, self.references = answer, list[str]()

    def remember(self, reference: str) -> bool:
        self.references.append(reference)
        return self.answer


def charge(shop: Shop, card: Card, **more: object) -> Outcome:
    return StripeProcessor(shop.account).charge(asked_for(card, **more), Notebook().remember)


def question(reference: str, card: Card, uuid: str = "") -> Question:
    return Question(reference, uuid, card.customer, 128_60, factories.LONG_AGO)
