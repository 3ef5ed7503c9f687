"""Refunds and the balance in the sandbox Stripe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.contracts.stripe_world import LATER_DECLINED, World, fresh, shared


@pytest.fixture
def shop() -> Iterator[World]:
    yield from fresh(shared())


def refused(shop: World, **params: Any) -> Any:
    """The error of a refund that must not happen; the refunds in the books stay as they were."""
    before = shop.books("refunds")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.api.refunds.create(params)
    assert shop.books("refunds") == before
    return caught.value.error


def test_parts_of_a_charge_are_refunded_until_nothing_is_left(shop: World) -> None:
    paid = shop.charge(shop.card())
    first = shop.api.refunds.create({"payment_intent": paid.id, "amount": 10000, "metadata": {"line": "4"}})
    assert (first.status, first.amount, first.charge, first.metadata["line"]) == (
        "succeeded",
        10000,
        paid.latest_charge,
        "4",
    )
    assert refused(shop, payment_intent=paid.id, amount=2861).param == "amount"
    rest = shop.api.refunds.create({"charge": paid.latest_charge, "reason": "requested_by_customer"})
    assert rest.amount == 2860
    assert refused(shop, payment_intent=paid.id).code == "charge_already_refunded"
    charge = shop.api.charges.retrieve(paid.latest_charge, {"expand": ["refunds"]})
    assert (charge.amount_refunded, charge.refunded) == (12860, True)
    assert [one.id for one in charge.refunds.data] == [rest.id, first.id]
    assert shop.events()[-4:] == ["refund.created", "charge.refunded"] * 2


def test_a_refund_is_a_negative_line_of_the_balance_without_a_fee(shop: World) -> None:
    paid = shop.charge(shop.card())
    refund = shop.api.refunds.create({"payment_intent": paid.id, "amount": 100, "expand": ["balance_transaction"]})
    entry = refund.balance_transaction
    assert (entry.amount, entry.fee, entry.net, entry.type) == (-100, 0, -100, "refund")
    assert [one.id for one in shop.api.balance_transactions.list({"source": refund.id}).data] == [entry.id]


@pytest.mark.parametrize(
    ("cents", "fee"), [(50, 31), (100, 33), (1000, 59), (12860, 403), (99_999_999, 2_900_030), (1_724, 80), (1_707, 80)]
)
def test_the_fee_is_2_9_percent_rounded_half_up_plus_30_cents(shop: World, cents: int, fee: int) -> None:
    charge = shop.charge(shop.card(), cents).latest_charge
    entry = shop.api.balance_transactions.list({"source": charge}).data[0]
    assert (entry.amount, entry.fee, entry.net) == (cents, fee, cents - fee)


def test_nothing_is_refunded_of_a_declined_or_unpaid_intent(shop: World) -> None:
    with pytest.raises(stripe.CardError) as caught:
        shop.charge(shop.card(LATER_DECLINED))
    failed: Any = caught.value.error
    refused(shop, payment_intent=failed.payment_intent.id)
    refused(shop, charge=failed.charge)
    refused(shop, payment_intent=shop.intent().id)
    refused(shop, payment_intent="pi_nothing")
    refused(shop)
    paid = shop.charge(shop.card())
    refused(shop, payment_intent=paid.id, charge=paid.latest_charge)
    refused(shop, payment_intent=paid.id, amount=0)
    refused(shop, payment_intent=paid.id, reason="because")


def test_a_refund_can_be_pending_and_succeed_later(shop: World) -> None:
    paid = shop.charge(shop.card())
    shop.control("refunds/next", status="pending")
    refund = shop.api.refunds.create({"payment_intent": paid.id})
    assert (refund.status, refund.pending_reason) == ("pending", "processing")
    shop.control(f"refunds/{refund.id}/finish", status="succeeded")
    assert shop.api.refunds.retrieve(refund.id).status == "succeeded"
    assert shop.events()[-1] == "refund.updated"


def test_a_refund_that_succeeded_can_fail_later_and_the_money_comes_back(shop: World) -> None:
    paid = shop.charge(shop.card())
    refund = shop.api.refunds.create({"payment_intent": paid.id})
    shop.control(f"refunds/{refund.id}/finish", status="failed", failure_reason="expired_or_canceled_card")
    found = shop.api.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]})
    assert (found.status, found.failure_reason) == ("failed", "expired_or_canceled_card")
    assert found.failure_balance_transaction.amount == 12860
    assert shop.api.charges.retrieve(paid.latest_charge).amount_refunded == 0
    assert shop.events()[-2:] == ["refund.updated", "refund.failed"]
    assert shop.api.refunds.create({"payment_intent": paid.id}).status == "succeeded"


def test_a_refund_can_fail_at_once(shop: World) -> None:
    paid = shop.charge(shop.card())
    shop.control("refunds/next", status="failed", charge=paid.latest_charge)
    assert shop.api.refunds.create({"payment_intent": paid.id}).status == "failed"
    assert shop.api.charges.retrieve(paid.latest_charge).refunded is False


def test_refunds_and_charges_are_listed_by_what_they_belong_to(shop: World) -> None:
    one, two = (shop.charge(shop.card()) for _ in range(2))
    refund = shop.api.refunds.create({"payment_intent": one.id, "amount": 100}).id
    shop.api.refunds.create({"payment_intent": two.id, "amount": 200})
    assert [row.id for row in shop.api.refunds.list({"payment_intent": one.id}).data] == [refund]
    assert [row.id for row in shop.api.refunds.list({"charge": one.latest_charge}).data] == [refund]
    assert [row.id for row in shop.api.charges.list({"payment_intent": two.id}).data] == [two.latest_charge]
    assert len(shop.api.charges.list({"customer": shop.customer}).data) == 2
