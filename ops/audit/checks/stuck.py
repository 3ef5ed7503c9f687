"""Nothing stays in a state that is not final for more than 10 minutes of business time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from ops.audit.sources import Row
from ops.audit.world import World


def attempts_are_final(world: World) -> Iterator[str]:
    """Pending may last as long as the processor itself says "processing"."""
    for row in world.rows("payments_attempt"):
        intent = world.intents_by_id.get(row["reference"])
        is_at_the_bank = row["state"] == "PENDING" and intent is not None and intent["status"] == "processing"
        if row["state"] in ("STARTED", "PENDING", "UNKNOWN") and world.is_old(row["started_at"]) and not is_at_the_bank:
            yield f"attempt {row['id']} of {row['amount_cents']} cents is {_since(world, row, 'started_at')}"


def postings_are_final(world: World) -> Iterator[str]:
    """It may wait for an office that can't be posted to; a refund waits for its payment. A person knows of that."""
    for row in world.rows("payments_ledgerposting"):
        if row["state"] not in ("QUEUED", "SENDING", "UNCLEAR", "POSTED") or not world.is_old(row["created_at"]):
            continue
        office = world.office_of.get(row["practice_id"])
        if (office is None or office.can_be_posted_to) and not _waits_for_its_payment(world, row):
            yield f"posting {row['id']} of {row['amount_cents']} cents is {_since(world, row, 'created_at')}"


def _waits_for_its_payment(world: World, posting: Row) -> bool:
    """It gives back what staff must put right in Open Dental first, and they are told of both."""
    if posting["movement"] == "MOVE_IN":
        return any(
            row["movement"] == "MOVE_OUT" and row["move_id"] == posting["move_id"]
            for row in world.rows("payments_ledgerposting")
            if row["state"] in ("MISMATCH", "REFUSED", "BY_HAND")
        )
    with_staff = [
        other
        for other in world.rows("payments_ledgerposting")
        if other["payment_id"] == posting["payment_id"] and other["movement"] == "PAYMENT"
        if other["state"] in ("MISMATCH", "REFUSED")
    ]
    told = {row["about"].get("posting") for row in world.rows("payments_alarm") if row["closed_at"] is None}
    both = {posting["id"], *(other["id"] for other in with_staff)}
    return posting["movement"] == "REFUND" and bool(with_staff) and both <= told


def messages_are_final(world: World) -> Iterator[str]:
    """A message may wait for the end of the night."""
    for row in world.rows("notifications_message"):
        since: datetime = max(row["not_before"], row["created_at"])
        if row["state"] in ("QUEUED", "SENDING", "UNKNOWN") and world.is_old(since):
            yield f"message {row['id']} ({row['kind']}) is {_since(world, row, 'not_before')}"


def webhooks_are_worked_through(world: World) -> Iterator[str]:
    for row in world.rows("payments_webhookevent"):
        if row["state"] == "NEW" and world.is_old(row["received_at"]):
            yield f"webhook {row['id']} ({row['type']}) is {_since(world, row, 'received_at')}"


def link_charges_are_done(world: World) -> Iterator[str]:
    """Once the card is known. A card page that nobody finished is nothing to wait for."""
    for row in world.rows("paylinks_linkcharge"):
        has_card = row["setup_id"] is not None and world.one("cards_cardsetup", row["setup_id"])["state"] == "SAVED"
        waits = row["state"] in ("READY", "RUNNING") or (row["state"] == "AGREED" and has_card)
        if waits and world.is_old(row["agreed_at"]):
            yield f"link charge {row['id']} of {row['amount_cents']} cents is {row['state']}"


def due_money_is_asked_for(world: World) -> Iterator[str]:
    """Autopay has come to every installment whose try is due, or says why it waits."""
    for row in world.query(_DUE, before=world.now):
        if world.is_old(row["next_try_at"]):
            yield f"due part {row['id']} of {row['amount_cents']} cents should have been tried at {row['next_try_at']}"


_DUE = """
SELECT part.id, part.amount_cents, part.next_try_at
FROM payments_duepart part
JOIN payplans_installment installment ON installment.id = part.installment_id
JOIN payplans_payplan plan ON plan.id = installment.plan_id
JOIN cards_autopay autopay ON autopay.plan_id = plan.id
WHERE part.state = 'OPEN' AND part.hold = '' AND part.wait_reason = '' AND part.next_try_at <= %(before)s
AND autopay.is_on AND NOT plan.is_closed AND plan.gone_at IS NULL AND installment.status IN ('PENDING', 'FAILED')
AND NOT EXISTS (SELECT 1 FROM payments_attempt attempt WHERE attempt.due_part_id = part.id
    AND attempt.state IN ('STARTED', 'PENDING', 'UNKNOWN', 'SUCCEEDED'))
ORDER BY part.id
"""


def _since(world: World, row: Row, name: str) -> str:
    return f"{row['state']} for {int((world.now - row[name]).total_seconds() // 60)} minutes"


CHECKS = (
    attempts_are_final,
    postings_are_final,
    messages_are_final,
    webhooks_are_worked_through,
    link_charges_are_done,
    due_money_is_asked_for,
)
