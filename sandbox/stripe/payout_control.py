"""What tests and the demo do with payouts: one now, a bank that returns it, other lines of the balance."""

from __future__ import annotations

from sandbox.stripe import charges, payouts
from sandbox.stripe.books import Scope
from sandbox.stripe.control import Control
from sandbox.stripe.wire import JSON, invalid, public


class PayoutControl:
    def __init__(self, control: Control) -> None:
        self.control = control

    def make(self, wish: JSON) -> JSON:
        """Pay out the whole balance of an account now. `status` may be pending, in_transit (the default) or paid."""
        scope = self.control.owner(wish)
        with scope.transaction():
            waiting = scope.where("balance_transaction", status="pending")[::-1]
            if not waiting or sum(entry["net"] for entry in waiting) == 0:
                raise invalid("The balance is empty.", param="account_key")
            payout = payouts.make(scope, waiting, scope.now)
            self._bring(scope, payout, wish.get("status", "in_transit"))
        found: JSON = public(payout)
        return found

    def _bring(self, scope: Scope, payout: JSON, status: str) -> None:
        if status == "in_transit":
            payouts.send(scope, payout)
        elif status != "pending":
            payouts.end(scope, payout, status)

    def finish(self, wish: JSON) -> JSON:
        """paid, failed or canceled; failed also after it was paid."""
        scope = self.control.holder(wish["id"])
        with scope.transaction():
            payout = scope.need("payout", wish["id"])
            payouts.end(scope, payout, wish.get("status", "paid"), wish.get("failure_code", "account_closed"))
        found: JSON = public(payout)
        return found

    def line(self, wish: JSON) -> JSON:
        """Another line of the balance: a fee, an adjustment, a type that nobody has heard of. Cents may be negative."""
        scope = self.control.owner(wish)
        with scope.transaction():
            entry = charges.post_entry(
                scope, wish["type"], wish.get("source"), int(wish["amount"]), int(wish.get("fee", 0)),
                wish.get("description"),
            )  # fmt: skip
            entry["reporting_category"] = wish.get("reporting_category", wish["type"])
            scope.save(entry)
        found: JSON = public(entry)
        return found
