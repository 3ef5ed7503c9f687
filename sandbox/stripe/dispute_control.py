"""What tests and the demo do with disputes: the cardholder's bank opens one, goes on, decides."""

from __future__ import annotations

from sandbox.stripe import disputes
from sandbox.stripe.control import Control
from sandbox.stripe.wire import JSON, public


class DisputeControl:
    def __init__(self, control: Control) -> None:
        self.control = control

    def open(self, wish: JSON) -> JSON:
        """Dispute a charge (or the charge of an intent). `warn`: an inquiry first. `amount`: a part only."""
        scope = self.control.holder(wish["charge"])
        with scope.transaction():
            named = scope.find(wish["charge"]) or {}
            charge = scope.need("charge", named.get("latest_charge") or wish["charge"], "charge")
            cents = int(wish["amount"]) if wish.get("amount") else None
            made = disputes.open_dispute(
                scope, charge, wish.get("reason", "fraudulent"), cents, warn=bool(wish.get("warn"))
            )
        found: JSON = public(made)
        return found

    def finish(self, wish: JSON) -> JSON:
        """Move a dispute to `status`: needs_response (an inquiry becomes a chargeback), under_review, won, lost, …"""
        scope = self.control.holder(wish["id"])
        with scope.transaction():
            dispute = scope.need("dispute", wish["id"])
            disputes.move(scope, dispute, wish.get("status", "lost"))
        found: JSON = public(dispute)
        return found
