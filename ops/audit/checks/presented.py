"""Cards that a person presented: one attempt, one payer, and nothing left on which money can still be paid."""

from __future__ import annotations

from collections.abc import Iterator

from ops.audit.checks.captures import PRESENTED
from ops.audit.world import World

OPEN = ("STARTED", "PENDING", "UNKNOWN")


def presented_cards_paid_what_was_waiting(world: World) -> Iterator[str]:
    """The payment is its payer's, says which card it was, and its intent bears the attempt's mark."""
    payments = {row["attempt_id"]: row for row in world.rows("payments_payment")}
    for attempt in world.rows("payments_attempt"):
        payment = payments.get(attempt["id"])
        if attempt["channel"] not in PRESENTED or payment is None:
            continue
        intent = world.intents_by_id.get(payment["processor_reference"])
        mark = intent["metadata"].get("attempt") if intent else None
        payer = world.one("payments_duepart", attempt["due_part_id"])["payer_id"]
        if mark != str(attempt["uuid"]) or payment["payer_id"] != payer or not attempt["paid_with"]:
            yield f"attempt {attempt['id']} paid by {attempt['paid_with'] or 'no card'} with the intent of {mark}"


def pages_end_with_their_attempt(world: World) -> Iterator[str]:
    """A page that can still be paid although nobody waits for it would take money twice."""
    for page in world.processor.pages:
        attempt = world.attempts_by_uuid.get(str(page["metadata"].get("attempt", "")))
        is_payable = page["mode"] == "payment" and page["status"] == "open"
        if is_payable and (attempt is None or attempt["state"] not in OPEN):
            state = "no attempt" if attempt is None else f"attempt {attempt['id']}, which is {attempt['state']}"
            yield f"page {page['id']} can be paid, it is of {state}"


def readers_intents_end_with_their_attempt(world: World) -> Iterator[str]:
    for attempt in world.rows("payments_attempt"):
        if attempt["channel"] not in PRESENTED or attempt["state"] in OPEN:
            continue
        for intent in world.intents_by_attempt.get(str(attempt["uuid"]), []):
            if intent["status"] not in ("succeeded", "canceled"):
                yield f"intent {intent['id']} is {intent['status']}, attempt {attempt['id']} is {attempt['state']}"


CHECKS = (
    presented_cards_paid_what_was_waiting,
    pages_end_with_their_attempt,
    readers_intents_end_with_their_attempt,
)
