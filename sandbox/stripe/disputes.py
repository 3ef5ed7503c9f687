"""Disputes: /v1/disputes. Inquiries that take no money, chargebacks that do, won, lost, appealed."""

from __future__ import annotations

from sandbox.stripe import charges
from sandbox.stripe.books import Scope
from sandbox.stripe.spec import merged, refuse
from sandbox.stripe.wire import JSON, invalid

DAY = 86_400
FEE = 15_00
REASONS = (
    "bank_cannot_process", "credit_not_processed", "customer_initiated", "duplicate", "fraudulent", "general",
    "noncompliant", "product_not_received", "product_unacceptable", "subscription_canceled", "unrecognized",
)  # fmt: skip
# What may follow which status; what isn't named follows nothing.
AFTER = {
    "warning_needs_response": ("warning_under_review", "warning_closed", "needs_response"),
    "warning_under_review": ("warning_closed", "needs_response"),
    "needs_response": ("under_review", "won", "lost", "prevented"),
    "under_review": ("won", "lost"),
    "lost": ("appeal_needs_response", "won"),
    "appeal_needs_response": ("appeal_under_review", "won", "lost"),
    "appeal_under_review": ("won", "lost"),
}
OVER = ("won", "lost", "warning_closed", "prevented")


def open_dispute(scope: Scope, charge: JSON, reason: str, cents: int | None, *, warn: bool) -> JSON:
    """The cardholder's bank disputes a charge; `warn` makes it an inquiry, which withdraws nothing yet."""
    refuse(reason not in REASONS, f"reason must be one of {', '.join(REASONS)}", param="reason")
    refuse(not charge.get("captured"), "There is no successful charge to dispute.", param="charge")
    refuse(of_charge(scope, charge) is not None, "That charge is disputed already.", param="charge")
    card = charge["payment_method_details"]["card" if "card" in charge["payment_method_details"] else "card_present"]
    case = "inquiry" if warn else "chargeback"
    dispute = scope.new(
        "dispute", amount=cents or charge["amount_captured"], balance_transactions=[], charge=charge["id"],
        currency=charge["currency"], enhanced_eligibility_types=[], evidence={},
        evidence_details={
            "due_by": scope.now + 9 * DAY, "enhanced_eligibility": {}, "has_evidence": False, "past_due": False,
            "submission_count": 0,
        },
        intended_submission_method="manual", is_charge_refundable=warn, metadata={}, network_reason_code="10.4",
        payment_intent=charge["payment_intent"],
        payment_method_details={
            "card": {"brand": card["brand"], "case_type": case, "network_reason_code": "10.4"}, "type": "card",
        },
        reason=reason, status="warning_needs_response" if warn else "needs_response",
    )  # fmt: skip
    charge["disputed"] = True
    scope.save(charge)
    scope.emit("charge.dispute.created", dispute)
    if not warn:
        _withdraw(scope, dispute)
    return dispute


def of_charge(scope: Scope, charge: JSON) -> JSON | None:
    return next(iter(scope.where("dispute", charge=charge["id"])), None)


def refuse_refund(scope: Scope, charge: JSON) -> None:
    """A charge that was charged back can't be refunded as well."""
    dispute = of_charge(scope, charge) if charge["disputed"] else None
    if dispute and not dispute["is_charge_refundable"] and dispute["status"] not in ("won", "warning_closed"):
        raise invalid(f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")


def refunded(scope: Scope, charge: JSON) -> None:
    """A full refund is what an inquiry asked for."""
    dispute = of_charge(scope, charge) if charge["disputed"] and charge["refunded"] else None
    if dispute and dispute["status"].startswith("warning_") and dispute["status"] not in OVER:
        move(scope, dispute, "warning_closed")


def move(scope: Scope, dispute: JSON, status: str) -> JSON:
    """The next status, with the money that goes or comes with it, told in the order in which it happens."""
    before = dispute["status"]
    possible = AFTER.get(before, ())
    refuse(status not in possible, f"A dispute that is {before} can't become {status}.", param="status")
    dispute["status"] = status
    dispute["is_charge_refundable"] = status.startswith("warning_")
    if status == "needs_response":
        dispute["payment_method_details"]["card"]["case_type"] = "chargeback"
        dispute["evidence_details"]["due_by"] = scope.now + 9 * DAY
    scope.save(dispute)
    scope.emit("charge.dispute.closed" if status in OVER else "charge.dispute.updated", dispute, {"status": before})
    if status == "needs_response":
        _withdraw(scope, dispute)
    if status == "won":
        _entry(scope, dispute, "dispute_reversal", dispute["amount"], 0, "funds_reinstated")
    return dispute


def _withdraw(scope: Scope, dispute: JSON) -> None:
    _entry(scope, dispute, "dispute", -dispute["amount"], FEE, "funds_withdrawn")


def _entry(scope: Scope, dispute: JSON, category: str, cents: int, fee: int, news: str) -> None:
    entry = charges.post_entry(scope, "adjustment", dispute["id"], cents, fee, f"Chargeback for {dispute['charge']}")
    entry["reporting_category"] = category
    scope.save(entry)
    dispute["balance_transactions"].append(entry)
    scope.save(dispute)
    scope.emit(f"charge.dispute.{news}", dispute)


def retrieve(scope: Scope, params: JSON, identifier: str) -> JSON:
    return scope.need("dispute", identifier)


def page(scope: Scope, params: JSON) -> JSON:
    wanted = {name: params.get(name) for name in ("charge", "payment_intent")}
    return scope.page("dispute", "/v1/disputes", params, **wanted)


def update(scope: Scope, params: JSON, identifier: str) -> JSON:
    """Evidence is kept; with `submit` (the default, as at Stripe) it goes to the bank."""
    dispute = scope.need("dispute", identifier)
    dispute["metadata"] = merged(dispute["metadata"], params.get("metadata"))
    if "evidence" in params:
        refuse(
            not dispute["status"].endswith("needs_response"), "This dispute takes no evidence now.", param="evidence"
        )
        dispute["evidence"] = {**dispute["evidence"], **params["evidence"]}
        dispute["evidence_details"]["has_evidence"] = True
    scope.save(dispute)
    if "evidence" in params and params.get("submit", True):
        dispute["evidence_details"]["submission_count"] += 1
        return move(scope, dispute, dispute["status"].replace("needs_response", "under_review"))
    return dispute


def close(scope: Scope, params: JSON, identifier: str) -> JSON:
    """Accepted as lost. Irreversible."""
    dispute = scope.need("dispute", identifier)
    refuse(dispute["status"] != "needs_response", "This dispute is already closed.", param="dispute")
    return move(scope, dispute, "lost")
