"""Refunds: /v1/refunds. Never more than the charge; pending, failed or failing later on demand."""

from __future__ import annotations

from sandbox.stripe import charges, disputes
from sandbox.stripe.books import Scope
from sandbox.stripe.spec import change, merged, refuse
from sandbox.stripe.wire import JSON, invalid

STATUSES = ("succeeded", "pending", "failed")


def create(scope: Scope, params: JSON) -> JSON:
    charge = _charge(scope, params)
    left = charge["amount_captured"] - charge["amount_refunded"]
    if left == 0:
        raise invalid(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    cents = params.get("amount", left)
    refuse(cents < 1, "Refund amount must be at least 1 cent.", code="parameter_invalid_integer", param="amount")
    over = f"Refund amount (${cents / 100:.2f}) is greater than unrefunded amount on charge (${left / 100:.2f})"
    refuse(cents > left, over, param="amount")
    disputes.refuse_refund(scope, charge)
    wish = scope.books.grant("refund", charge["id"])
    refund = scope.new(
        "refund", amount=cents, balance_transaction=None, charge=charge["id"], currency=charge["currency"],
        customer=None, destination_details={"card": {"type": "refund"}, "type": "card"},
        failure_balance_transaction=None, failure_reason=None, metadata=merged({}, params.get("metadata")),
        payment_intent=charge["payment_intent"], payment_method=charge["payment_method"],
        pending_reason=None, reason=params.get("reason"), receipt_number=None, status="succeeded",
    )  # fmt: skip
    entry = charges.post_entry(scope, "refund", refund["id"], -cents, 0, None)
    refund["balance_transaction"] = entry["id"]
    _count(scope, charge, cents)
    scope.save(refund)
    scope.emit("refund.created", refund)
    scope.emit("charge.refunded", charge)
    disputes.refunded(scope, charge)
    return settle(scope, refund, wish["detail"], None) if wish else refund


def _charge(scope: Scope, params: JSON) -> JSON:
    """The successful charge the refund is for, named by itself or by its intent."""
    if ("charge" in params) == ("payment_intent" in params):
        raise invalid("Send exactly one of charge and payment_intent.", param="payment_intent")
    if "charge" in params:
        charge = scope.need("charge", params["charge"], "charge")
    else:
        intent = scope.need("payment_intent", params["payment_intent"], "payment_intent")
        charge = scope.find(intent["latest_charge"] or "") or {}
    if not charge.get("captured"):
        raise invalid("There is no successful charge to refund.", code="payment_intent_unexpected_state")
    return charge


def _count(scope: Scope, charge: JSON, cents: int) -> None:
    charge["amount_refunded"] += cents
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    scope.save(charge)


def settle(scope: Scope, refund: JSON, status: str, reason: str | None) -> JSON:
    """Move a refund to `status`. One that failed gives the money back to the practice, also after it had succeeded."""
    refuse(status not in STATUSES, f"status must be one of {STATUSES}", param="status")
    refuse(refund["status"] == "failed", "That refund has already failed.", param="status")
    previous = {"status": refund["status"]}
    refund.update(status=status, pending_reason="processing" if status == "pending" else None)
    if status == "failed":
        entry = charges.post_entry(scope, "refund_failure", refund["id"], refund["amount"], 0, None)
        refund.update(failure_reason=reason or "unknown", failure_balance_transaction=entry["id"])
        _count(scope, scope.need("charge", refund["charge"]), -refund["amount"])
    scope.save(refund)
    scope.emit("refund.updated", refund, previous)
    if status == "failed":
        scope.emit("refund.failed", refund, previous)
    return refund


def retrieve(scope: Scope, params: JSON, identifier: str) -> JSON:
    return scope.need("refund", identifier)


def update(scope: Scope, params: JSON, identifier: str) -> JSON:
    refund = scope.need("refund", identifier)
    previous = change(refund, params, ())
    scope.save(refund)
    scope.emit("refund.updated", refund, previous)
    return refund


def page(scope: Scope, params: JSON) -> JSON:
    wanted = {name: params.get(name) for name in ("charge", "payment_intent")}
    return scope.page("refund", "/v1/refunds", params, **wanted)
