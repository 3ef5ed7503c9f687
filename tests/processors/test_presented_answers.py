"""What the processor's answers about a presented card mean, also where they say less than usual."""

from __future__ import annotations

from typing import Any, cast

import pytest
import stripe

from processors.port import Declined, NotTaken, Outcome, PaidWith, Pending, PresentedQuestion, Succeeded
from processors.stripe import outcomes
from processors.stripe.presented import Presented
from tests import factories

CHIP = {"application_preferred_name": "VISA CREDIT", "dedicated_file_name": "A0000000031010", "account_type": "credit"}


def intent(status: str, **more: Any) -> stripe.PaymentIntent:
    body = {
        "id": "pi_1", "object": "payment_intent", "status": status, "amount_received": 100_00, "latest_charge": None,
        "last_payment_error": None, **more,
    }  # fmt: skip
    return stripe.PaymentIntent.construct_from(body, "sk_test")


def charge(details: Any) -> dict[str, Any]:
    return {"id": "ch_1", "object": "charge", "outcome": None, "payment_method_details": details}


@pytest.mark.parametrize(
    ("latest", "means"),
    [
        (None, PaidWith("card", "", "unknown")),
        (charge(None), PaidWith("card", "", "unknown")),
        (charge({"type": "card_present", "card_present": {"brand": "visa", "last4": "4242", "receipt": CHIP}}),
         PaidWith("visa", "4242", "unknown", chip={
             "application_preferred_name": "VISA CREDIT", "dedicated_file_name": "A0000000031010"})),
    ],
)  # fmt: skip
def test_money_is_booked_with_whatever_the_processor_tells_of_the_card(latest: Any, means: PaidWith) -> None:
    found = outcomes.of_presented(intent("succeeded", latest_charge=latest))
    assert found == Succeeded("pi_1", 100_00, "ch_1" if latest else "", means)
    assert str(means) in ("Card", "Visa 4242")


def test_a_decline_without_a_charge_is_told_with_its_code_and_leaves_the_intent_open() -> None:
    refused = {"code": "card_declined", "decline_code": "expired_card"}
    found = outcomes.of_presented(intent("requires_payment_method", last_payment_error=refused))
    assert found == Pending("pi_1", Declined("pi_1", "expired_card"))


class Answers(Presented):
    """A processor that says this of the page."""

    def __init__(self, status: str, of_intent: stripe.PaymentIntent | None) -> None:
        session = stripe.checkout.Session.construct_from(
            {"id": "cs_1", "status": status, "payment_intent": of_intent}, "sk_test"
        )
        pages = type("Pages", (), {"retrieve": lambda *_: session})
        self._client = cast("Any", type("Client", (), {"checkout": type("Checkout", (), {"sessions": pages()})()})())


@pytest.mark.parametrize(
    ("status", "of_intent", "expected"),
    [
        ("expired", None, NotTaken("The card page was closed before a card was approved")),
        ("expired", intent("requires_payment_method"), NotTaken("The card page was closed before a card was approved")),
        # Its bank is still asked: the money may yet come.
        ("expired", intent("processing"), Pending("pi_1")),
        ("expired", intent("succeeded"), Succeeded("pi_1", 100_00, "", PaidWith("card", "", "unknown"))),
        ("complete", intent("processing"), Pending("pi_1")),
        ("complete", intent("requires_payment_method"), NotTaken("The bank declined it afterwards")),
        ("open", None, Pending("")),
    ],
)
def test_a_page_that_is_over_is_not_taken_only_if_its_bank_is_asked_no_more(
    status: str, of_intent: stripe.PaymentIntent | None, expected: Outcome
) -> None:
    question = PresentedQuestion("pi_1", "cs_1", True, "11111111-1111-4111-8111-111111111111", factories.LONG_AGO)
    assert Answers(status, of_intent).look_up_presented(question) == expected
