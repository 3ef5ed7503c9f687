"""One presentation of a card to the bank: the charge, its outcome, its balance transaction. /v1/charges."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sandbox.stripe import cards, reader_cards
from sandbox.stripe.books import Scope
from sandbox.stripe.spec import change
from sandbox.stripe.wire import JSON

DAY = 86_400


def behave(scope: Scope, method: JSON) -> str:
    """What this card does now: a wish from the control API first, then its expiry, then its number."""
    wish = method["_wish"]
    if wish:
        left = wish["times"] - 1
        method["_wish"] = {**wish, "times": left} if left > 0 else None
        scope.save(method)
        return str(wish["behaviour"])
    card = method[method["type"]]
    if past_expiry(card["exp_month"], card["exp_year"], scope.now):
        return "decline:expired_card"
    return str(method["_later"])


def past_expiry(month: int, year: int, now: int) -> bool:
    """A card is good through the last day of its month (business time)."""
    today = datetime.fromtimestamp(now, UTC)
    return (year, month) < (today.year, today.month)


def present(scope: Scope, intent: JSON, method: JSON, status: str, **fields: Any) -> JSON:
    """A new charge of the intent's amount with this status: succeeded, pending or failed."""
    return scope.new(
        "charge",
        amount=intent["amount"],
        amount_captured=0,
        amount_refunded=0,
        application=None,
        balance_transaction=None,
        billing_details=method["billing_details"],
        calculated_statement_descriptor="PRACTICE",
        captured=False,
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        disputed=False,
        failure_balance_transaction=None,
        fraud_details={},
        metadata=intent["metadata"],
        paid=status == "succeeded",
        payment_intent=intent["id"],
        payment_method=method["id"],
        payment_method_details=_details(scope, intent, method, status),
        receipt_email=intent["receipt_email"],
        refunded=False,
        statement_descriptor=None,
        statement_descriptor_suffix=intent["statement_descriptor_suffix"],
        status=status,
        **{"failure_code": None, "failure_message": None, "outcome": _approved(), **fields},
    )


def refused(scope: Scope, intent: JSON, method: JSON, no: cards.Decline) -> JSON:
    """The failed charge of a decline, recorded with the bank's words."""
    charge = present(
        scope, intent, method, "failed",
        failure_code=no.code, failure_message=no.message, outcome=declined_outcome(no),
    )  # fmt: skip
    scope.emit("charge.failed", charge)
    return charge


def succeed(scope: Scope, charge: JSON, cents: int) -> JSON:
    """Capture `cents` of the charge: the money moves and a balance transaction says so."""
    kept = round_fee(cents)
    entry = post_entry(scope, "charge", charge["id"], cents, kept, charge["description"])
    charge.update(
        amount_captured=cents, balance_transaction=entry["id"], captured=True, outcome=_approved(), paid=True,
        status="succeeded",
    )  # fmt: skip
    return scope.save(charge)


def round_fee(cents: int) -> int:
    """The processor's fee in cents: 2.9 % rounded half up, plus 30."""
    return (cents * 29 + 500) // 1000 + 30


def post_entry(scope: Scope, kind: str, source: str | None, cents: int, fee: int, description: str | None) -> JSON:
    """One line of the account's balance; net is amount less fee."""
    details = [{"amount": fee, "application": None, "currency": "usd", "description": "Processing fees",
                "type": "stripe_fee"}]  # fmt: skip
    return scope.new(
        "balance_transaction",
        amount=cents,
        available_on=scope.now + 2 * DAY,
        balance_type="payments",
        currency="usd",
        description=description,
        exchange_rate=None,
        fee=fee,
        fee_details=details if fee else [],
        net=cents - fee,
        reporting_category=kind,
        source=source,
        status="pending",
        type=kind,
    )


def _details(scope: Scope, intent: JSON, method: JSON, status: str) -> JSON:
    if method["type"] == "card_present":
        return {"card_present": reader_cards.used(scope, intent, method, status), "type": "card_present"}
    return {"card": _used_card(intent, method), "type": "card"}


def _used_card(intent: JSON, method: JSON) -> JSON:
    card = method["card"]
    kept = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "wallet")
    return {
        **{name: card[name] for name in kept},
        "amount_authorized": intent["amount"],
        "network": card["brand"],
        "three_d_secure": None,
    }


def _approved() -> JSON:
    return {
        "advice_code": None, "network_advice_code": None, "network_decline_code": None,
        "network_status": "approved_by_network", "reason": None, "risk_level": "normal", "risk_score": 12,
        "seller_message": "Payment complete.", "type": "authorized",
    }  # fmt: skip


def declined_outcome(no: cards.Decline) -> JSON:
    """`charge.outcome` of a decline; a block by Stripe itself never reached the network."""
    return {
        "advice_code": no.advice_code,
        "network_advice_code": no.network_advice_code,
        "network_decline_code": no.network_decline_code,
        "network_status": "not_sent_to_network" if no.blocked else "declined_by_network",
        "reason": no.blocked or no.decline_code,
        "risk_level": "highest" if no.blocked == "highest_risk_level" else "normal",
        "risk_score": 12,
        "seller_message": "The payment was blocked." if no.blocked else "The bank declined the payment.",
        "type": "blocked" if no.blocked else "issuer_declined",
    }


def retrieve(scope: Scope, params: JSON, identifier: str) -> JSON:
    return scope.need("charge", identifier)


def update(scope: Scope, params: JSON, identifier: str) -> JSON:
    charge = scope.need("charge", identifier)
    previous = change(charge, params, ("description", "receipt_email"))
    scope.save(charge)
    scope.emit("charge.updated", charge, previous)
    return charge


def page(scope: Scope, params: JSON) -> JSON:
    wanted = {name: params.get(name) for name in ("customer", "payment_intent")}
    return scope.page("charge", "/v1/charges", params, **wanted)


def entry(scope: Scope, params: JSON, identifier: str) -> JSON:
    return scope.need("balance_transaction", identifier)
