"""Automatic daily payouts: at midnight (UTC, business time) what has become available goes to the bank. /v1/payouts."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

from sandbox.stripe import charges
from sandbox.stripe.books import Books, Scope
from sandbox.stripe.spec import refuse
from sandbox.stripe.wire import JSON

HOUR, DAY = 3_600, 86_400
# After that it is with the bank's network, and its lines can be asked for; a day later it arrives.
SENT_AFTER = HOUR
OPEN = ("pending", "in_transit")
OUTCOMES = ("paid", "failed", "canceled")
_DUE = (
    "SELECT DISTINCT account FROM objects WHERE object = 'balance_transaction'"
    " AND json_extract(body, '$.status') = 'pending' AND json_extract(body, '$.available_on') <= ?"
)
_MOVING = (
    "SELECT account, body FROM objects WHERE object = 'payout'"
    " AND json_extract(body, '$.status') IN ('pending', 'in_transit') ORDER BY seq"
)


def advance(books: Books) -> None:
    """Everything that the passing of business time has brought, day by day. Cheap when the hour is the same."""
    hour = books.now() // HOUR
    if hour == books.looked_at:
        return
    with books.store.transaction():
        for row in books.store.all(_DUE, books.now() // DAY * DAY):
            _pay_out(books.scope(row["account"]))
        for row in books.store.all(_MOVING):
            _move_on(books.scope(row["account"]), json.loads(row["body"]))
    if not books.store.connection().in_transaction:
        # Inside a request that fails all this is undone, and must be looked at again.
        books.looked_at = hour


def _pay_out(scope: Scope) -> None:
    """One payout for each midnight by which something had become available. Nothing is paid out of a balance below one
    cent: that waits for the next day, as it does after a refund larger than the takings.
    """
    due = [entry for entry in _waiting(scope) if _midnight_after(entry["available_on"]) <= scope.now]
    carried: list[JSON] = []
    for midnight, found in groupby(due, lambda entry: _midnight_after(entry["available_on"])):
        carried += found
        if sum(entry["net"] for entry in carried) > 0:
            make(scope, carried, midnight)
            carried = []


def _waiting(scope: Scope) -> list[JSON]:
    """Lines of the balance that are in no payout yet, in the order they become available."""
    rows = scope.where("balance_transaction", status="pending")[::-1]
    return sorted(rows, key=lambda entry: int(entry["available_on"]))


def _midnight_after(at: int) -> int:
    return -(-at // DAY) * DAY


def make(scope: Scope, entries: list[JSON], at: int) -> JSON:
    """A payout of these lines, made at `at` (Unix seconds)."""
    cents = sum(entry["net"] for entry in entries)
    payout = scope.new(
        "payout", created=at, amount=cents, application_fee=None, application_fee_amount=None,
        arrival_date=_midnight_after(at) + DAY, automatic=True, balance_transaction=None, currency="usd",
        description="STRIPE PAYOUT", destination="ba_1sandbox", failure_balance_transaction=None, failure_code=None,
        failure_message=None, metadata={}, method="standard", original_payout=None,
        reconciliation_status="in_progress", reversed_by=None, source_type="card", statement_descriptor=None,
        status="pending", type="bank_account",
    )  # fmt: skip
    own = charges.post_entry(scope, "payout", payout["id"], -cents, 0, "STRIPE PAYOUT")
    for entry in [*entries, own]:
        entry.update(status="available", _payout=payout["id"])
        scope.save(entry)
    payout["balance_transaction"] = own["id"]
    scope.save(payout)
    scope.emit("payout.created", payout)
    return payout


def _move_on(scope: Scope, payout: JSON) -> None:
    if payout["status"] == "pending" and scope.now >= payout["created"] + SENT_AFTER:
        send(scope, payout)
    if payout["status"] == "in_transit" and scope.now >= payout["arrival_date"]:
        end(scope, payout, "paid")


def send(scope: Scope, payout: JSON) -> None:
    payout.update(status="in_transit", reconciliation_status="completed")
    scope.save(payout)
    scope.emit("payout.updated", payout, {"status": "pending"})
    scope.emit("payout.reconciliation_completed", payout)


def end(scope: Scope, payout: JSON, status: str, code: str = "account_closed") -> JSON:
    """Paid, failed (also after it was paid) or canceled. Of the last two the money is back in the balance."""
    refuse(status not in OUTCOMES, f"status must be one of {OUTCOMES}", param="status")
    refuse(payout["status"] in ("failed", "canceled"), "That payout is over.", param="status")
    if payout["status"] == "pending" and status == "paid":
        send(scope, payout)
    payout["status"] = status
    if status != "paid":
        kind = "payout_failure" if status == "failed" else "payout_cancel"
        back = charges.post_entry(scope, kind, payout["id"], payout["amount"], 0, "STRIPE PAYOUT RETURNED")
        payout["failure_balance_transaction"] = back["id"]
    if status == "failed":
        payout.update(failure_code=code, failure_message="The bank account has been closed.")
    scope.save(payout)
    scope.emit(f"payout.{status}", payout)
    return payout


def retrieve(scope: Scope, params: JSON, identifier: str) -> JSON:
    advance(scope.books)
    return scope.need("payout", identifier)


def page(scope: Scope, params: JSON) -> JSON:
    advance(scope.books)
    return scope.page("payout", "/v1/payouts", params, status=params.get("status"))


def entries(scope: Scope, params: JSON) -> JSON:
    """The lines of the balance, or of one payout."""
    advance(scope.books)
    wanted: dict[str, Any] = {name: params.get(name) for name in ("source", "type", "currency")}
    if params.get("payout"):
        wanted["_payout"] = scope.need("payout", params["payout"], "payout")["id"]
    return scope.page("balance_transaction", "/v1/balance_transactions", params, **wanted)
