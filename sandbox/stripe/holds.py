"""Authorizations at a reader that nobody captured in time: two days (business time), then the intent is canceled."""

from __future__ import annotations

from sandbox.stripe import intents
from sandbox.stripe.books import Books


def expire_due(books: Books) -> int:
    """Call off what is due; how many."""
    due = books.store.all(
        "SELECT account, id FROM objects WHERE object = 'payment_intent'"
        " AND json_extract(body, '$.status') = 'requires_capture' AND json_extract(body, '$._capture_before') <= ?",
        books.now(),
    )
    for row in due:
        scope = books.scope(row["account"])
        with scope.transaction():
            intent = scope.need("payment_intent", row["id"])
            if intent["status"] == "requires_capture":
                scope.emit("charge.expired", scope.need("charge", intent["latest_charge"]))
                intents.call_off(scope, intent, "automatic")
    return len(due)
