"""Disputes in the sandbox Stripe: inquiries, chargebacks, the money that goes and comes, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.contracts.stripe_world import World, fresh, shared


@pytest.fixture
def shop() -> Iterator[World]:
    yield from fresh(shared())


def dispute(shop: World, cents: int = 12860, **wish: Any) -> Any:
    paid = shop.charge(shop.card(), cents)
    return shop.api.disputes.retrieve(shop.control("disputes/open", charge=paid.id, **wish)["id"])


def news(shop: World) -> list[str]:
    return [name.removeprefix("charge.dispute.") for name in shop.events() if name.startswith("charge.dispute.")]


def finish(shop: World, made: Any, status: str) -> Any:
    shop.control(f"disputes/{made.id}/finish", status=status)
    return shop.api.disputes.retrieve(made.id)


def test_a_chargeback_takes_the_money_and_a_fee_at_once_and_refuses_refunds(shop: World) -> None:
    made = dispute(shop, reason="unrecognized")
    assert (made.status, made.amount, made.reason, made.is_charge_refundable) == (
        "needs_response", 12860, "unrecognized", False,
    )  # fmt: skip
    assert made.evidence_details.due_by == made.created + 9 * 86_400
    (line,) = made.balance_transactions
    assert (line.type, line.reporting_category, line.amount, line.fee, line.net, line.source) == (
        "adjustment", "dispute", -12860, 1500, -14360, made.id,
    )  # fmt: skip
    assert news(shop) == ["created", "funds_withdrawn"]
    charge = shop.api.charges.retrieve(made.charge)
    assert (charge.disputed, made.payment_intent) == (True, charge.payment_intent)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.api.refunds.create({"charge": made.charge})
    assert (caught.value.code, shop.books("refunds")) == ("charge_disputed", [])
    assert [one.id for one in shop.api.disputes.list({"payment_intent": made.payment_intent}).data] == [made.id]


def test_won_brings_the_money_back_and_lost_leaves_it_there(shop: World) -> None:
    made = dispute(shop)
    answered = shop.api.disputes.update(made.id, {"evidence": {"uncategorized_text": "They agreed."}, "submit": True})
    assert (answered.status, answered.evidence_details.submission_count) == ("under_review", 1)
    won = finish(shop, made, "won")
    assert (won.status, [line.amount for line in won.balance_transactions]) == ("won", [-12860, 12860])
    assert won.balance_transactions[1].reporting_category == "dispute_reversal"
    assert news(shop) == ["created", "funds_withdrawn", "updated", "closed", "funds_reinstated"]

    other = shop.open_account()
    lost = other.api.disputes.close(dispute(other).id)
    assert (lost.status, [line.amount for line in lost.balance_transactions]) == ("lost", [-12860])
    assert news(other) == ["created", "funds_withdrawn", "closed"]
    assert finish(other, lost, "appeal_needs_response").status == "appeal_needs_response"
    assert finish(other, lost, "won").status == "won"


def test_an_inquiry_takes_nothing_until_it_becomes_a_chargeback(shop: World) -> None:
    made = dispute(shop, warn=True, amount=5000)
    assert (made.status, made.amount, made.is_charge_refundable, made.balance_transactions) == (
        "warning_needs_response", 5000, True, [],
    )  # fmt: skip
    worse = finish(shop, made, "needs_response")
    assert (worse.is_charge_refundable, [line.amount for line in worse.balance_transactions]) == (False, [-5000])
    assert news(shop) == ["created", "updated", "funds_withdrawn"]


def test_a_full_refund_ends_an_inquiry_and_a_partial_one_does_not(shop: World) -> None:
    made = dispute(shop, warn=True)
    shop.api.refunds.create({"charge": made.charge, "amount": 100})
    assert shop.api.disputes.retrieve(made.id).status == "warning_needs_response"
    shop.api.refunds.create({"charge": made.charge})
    assert shop.api.disputes.retrieve(made.id).status == "warning_closed"
    assert news(shop) == ["created", "closed"]


def test_what_cannot_follow_is_refused_and_changes_nothing(shop: World) -> None:
    made = dispute(shop)
    again = {"charge": made.charge}
    assert shop.process.http.post("/_sandbox/disputes/open", json=again).status_code == 400
    wrong = {"charge": shop.charge(shop.card()).id, "reason": "boredom"}
    assert shop.process.http.post("/_sandbox/disputes/open", json=wrong).status_code == 400
    assert shop.process.http.post(f"/_sandbox/disputes/{made.id}/finish", json={"status": "ok"}).status_code == 400
    shop.api.disputes.close(made.id)
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.disputes.close(made.id)
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.disputes.update(made.id, {"evidence": {"uncategorized_text": "Late."}})
    (row,) = shop.books("disputes")
    assert (row["id"], row["status"], row["withdrawn"]) == (made.id, "lost", 12860)
    page = shop.process.http.get("/").text
    assert made.id[:12] in page
    assert "Warn first" in page
