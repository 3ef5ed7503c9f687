"""Payouts in the sandbox Stripe: made by time passing, failing on demand, and adding up to the cent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe

from tests.contracts.stripe_world import World, fresh, shared

DAY = 86_400


@pytest.fixture
def shop() -> Iterator[World]:
    yield from fresh(shared())


def lines(shop: World, payout: str) -> list[Any]:
    """Lines of one payout, oldest first, read page by page."""
    return list(shop.api.balance_transactions.list({"payout": payout, "limit": 2}).auto_paging_iter())[::-1]


def payouts(shop: World) -> list[Any]:
    return shop.api.payouts.list({"limit": 100}).data[::-1]  # type: ignore[no-any-return]


def test_what_is_two_days_old_is_paid_out_at_midnight_and_adds_up(shop: World) -> None:
    shop.clock.set_now(datetime(2031, 3, 10, 15, 0, tzinfo=UTC))
    first = shop.charge(shop.card())
    shop.charge(shop.card(), 5000)
    shop.api.refunds.create({"payment_intent": first.id, "amount": 1000})
    shop.clock.set_now(datetime(2031, 3, 12, 23, 59, tzinfo=UTC))
    assert payouts(shop) == []

    shop.clock.set_now(datetime(2031, 3, 13, 0, 30, tzinfo=UTC))
    (payout,) = payouts(shop)
    # 12860 - 403, 5000 - 175, -1000.
    assert (payout.status, payout.amount, payout.automatic) == ("pending", 12457 + 4825 - 1000, True)
    assert payout.arrival_date == int(datetime(2031, 3, 14, tzinfo=UTC).timestamp())
    found = lines(shop, payout.id)
    assert [(line.type, line.amount, line.fee) for line in found] == [
        ("charge", 12860, 403), ("charge", 5000, 175), ("refund", -1000, 0), ("payout", -16282, 0),
    ]  # fmt: skip
    assert sum(line.net for line in found[:-1]) == payout.amount
    assert {line.status for line in found} == {"available"}
    assert payout.balance_transaction == found[-1].id

    shop.clock.advance(timedelta(hours=1))
    (payout,) = payouts(shop)
    assert (payout.status, payout.reconciliation_status) == ("in_transit", "completed")
    shop.clock.advance(timedelta(days=1))
    assert [one.status for one in payouts(shop)] == ["paid"]
    told = [name for name in shop.events() if name.startswith("payout.")]
    assert told == ["payout.created", "payout.updated", "payout.reconciliation_completed", "payout.paid"]


def test_a_month_that_passes_at_once_leaves_one_payout_a_day(shop: World) -> None:
    shop.clock.set_now(datetime(2032, 6, 1, 12, 0, tzinfo=UTC))
    shop.charge(shop.card(), 2000)
    shop.clock.advance(timedelta(days=1))
    shop.charge(shop.card(), 3000)

    shop.clock.advance(timedelta(days=30))
    found = payouts(shop)

    assert [(one.status, one.created // DAY % 365 - found[0].created // DAY % 365) for one in found] == [
        ("paid", 0), ("paid", 1),
    ]  # fmt: skip
    assert [one.amount for one in found] == [2000 - 88, 3000 - 117]


def test_a_balance_below_a_cent_waits_for_takings(shop: World) -> None:
    shop.clock.set_now(datetime(2033, 6, 1, 12, 0, tzinfo=UTC))
    paid = shop.charge(shop.card(), 1000)
    shop.clock.advance(timedelta(days=4))
    shop.api.refunds.create({"payment_intent": paid.id})
    shop.clock.advance(timedelta(days=4))
    assert len(payouts(shop)) == 1

    shop.charge(shop.card(), 5000)
    shop.clock.advance(timedelta(days=4))

    assert [one.amount for one in payouts(shop)] == [1000 - 59, 5000 - 175 - 1000]


def test_a_payout_that_fails_comes_back_and_goes_with_the_next(shop: World) -> None:
    shop.charge(shop.card(), 5000)
    payout = shop.control("payouts/make", account_key=shop.key, status="paid")
    shop.control(f"payouts/{payout['id']}/finish", status="failed", failure_code="account_closed")

    failed = shop.api.payouts.retrieve(payout["id"])
    assert (failed.status, failed.failure_code) == ("failed", "account_closed")
    again = shop.control("payouts/make", account_key=shop.key)
    back = lines(shop, again["id"])[0]
    assert (again["amount"], back.type, back.source, back.net) == (4825, "payout_failure", payout["id"], 4825)
    assert back.id == failed.failure_balance_transaction
    assert shop.events()[-4:] == [
        "payout.failed", "payout.created", "payout.updated", "payout.reconciliation_completed",
    ]  # fmt: skip


def test_lines_of_any_type_can_be_put_into_the_balance(shop: World) -> None:
    charge = shop.charge(shop.card(), 5000).latest_charge
    shop.control("balance/line", account_key=shop.key, type="stripe_fee", amount=-200, description="Monthly fee")
    shop.control(
        "balance/line", account_key=shop.key, type="adjustment", amount=-5000, fee=1500, source=charge,
        reporting_category="dispute",
    )  # fmt: skip

    payout = shop.control("payouts/make", account_key=shop.key)

    found = shop.api.balance_transactions.list({"payout": payout["id"], "expand": ["data.source"]}).data[::-1]
    assert [(one.type, one.reporting_category, one.net) for one in found] == [
        ("charge", "charge", 4825), ("stripe_fee", "stripe_fee", -200), ("adjustment", "dispute", -6500),
        ("payout", "payout", 1875),
    ]  # fmt: skip
    assert found[2].source.id == charge
    assert payout["amount"] == -1875


def test_unknown_payouts_and_words_are_refused(shop: World) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.api.payouts.retrieve("po_nothing")
    assert caught.value.code == "resource_missing"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.api.balance_transactions.list({"payout": "po_nothing"})
    assert caught.value.code == "resource_missing"
    assert shop.process.http.post("/_sandbox/payouts/make", json={"account_key": shop.key}).status_code == 400
    shop.charge(shop.card(), 5000)
    payout = shop.control("payouts/make", account_key=shop.key, status="pending")["id"]
    for wish in ({"status": "lost"}, {"status": "failed"}, {"status": "paid"}):
        answer = shop.process.http.post(f"/_sandbox/payouts/{payout}/finish", json=wish)
        assert answer.status_code == (200 if wish["status"] == "failed" else 400)
    assert shop.api.payouts.retrieve(payout).status == "failed"
