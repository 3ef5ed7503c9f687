"""Disputes: known as the processor knows them, lost ones out of the books once, nothing charged by itself meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from ops.audit.sources import Row, moment
from ops.audit.world import World, grouped

# What we call the processor's statuses.
CALLED = {
    "warning_needs_response": "INQUIRY", "warning_under_review": "INQUIRY_REVIEW", "warning_closed": "INQUIRY_CLOSED",
    "needs_response": "NEEDS_RESPONSE", "under_review": "UNDER_REVIEW", "prevented": "PREVENTED", "lost": "LOST",
    "appeal_needs_response": "APPEAL", "appeal_under_review": "APPEAL_REVIEW", "won": "WON",
}  # fmt: skip
AWAITS_REPLY = ("INQUIRY", "NEEDS_RESPONSE", "APPEAL")
GONE = ("lost", "appeal_needs_response", "appeal_under_review")
# A webhook that was lost is made good by a list that is read a few times a day.
FOUND_WITHIN = timedelta(hours=6)


def _of_ours(world: World) -> Iterator[tuple[Row, Row]]:
    """(dispute at the processor, its payment here) of those whose last news must be known by now."""
    payments = {row["processor_reference"]: row for row in world.rows("payments_payment")}
    for dispute in world.processor.disputes:
        payment = payments.get(dispute["payment_intent"])
        if payment is not None and world.is_old(moment(dispute["changed"]) + FOUND_WITHIN):
            yield dispute, payment


def disputes_are_known(world: World) -> Iterator[str]:
    """One row each, with the state and the money that the processor's own books show."""
    rows = grouped(world.rows("payments_dispute"), lambda row: row["reference"])
    for dispute, _ in _of_ours(world):
        found = [(row["state"], row["withdrawn_cents"]) for row in rows.get(dispute["id"], [])]
        expected = (CALLED[dispute["status"]], withdrawn(dispute))
        if found != [expected]:
            yield f"dispute {dispute['id']} is {expected} at the processor and {found} here"


def withdrawn(dispute: Row) -> int:
    return -sum(int(line["amount"]) for line in dispute["balance_transactions"])


def lost_disputes_left_the_books_once(world: World) -> Iterator[str]:
    """What the bank took for good is owed again, exactly once; what came back is not."""
    losses = grouped(
        [row for row in world.rows("payments_refund") if row["reason"] == "DISPUTE"], lambda row: row["reference"]
    )
    for dispute, payment in _of_ours(world):
        cents = withdrawn(dispute) if dispute["status"] in GONE else 0
        found = losses.get(dispute["id"], [])
        booked = [row["amount_cents"] for row in found if row["state"] == "SUCCEEDED"]
        # One that was heard of in its appeal only was never booked as lost.
        is_right = booked == [cents] if cents and (dispute["status"] == "lost" or found) else not booked
        if not is_right or any(row["payment_id"] != payment["id"] for row in found):
            yield f"dispute {dispute['id']} is {dispute['status']} with {cents} cents gone, booked are {booked}"
    there = {dispute["id"] for dispute in world.processor.disputes}
    for reference in losses:
        if reference not in there:
            yield f"a loss is booked for dispute {reference}, which the processor does not know"


def frozen_cards_are_not_charged_by_autopay(world: World) -> Iterator[str]:
    cards = {row["id"]: row["fingerprint"] for row in world.rows("cards_card")}
    for row in world.rows("payments_dispute"):
        since = _frozen_since(world, row) if row["is_frozen"] else None
        for attempt in world.rows("payments_attempt"):
            is_same = (
                attempt["practice_id"] == row["practice_id"] and cards.get(attempt["card_id"]) == row["fingerprint"]
            )
            if since and is_same and attempt["channel"] == "AUTOPAY" and attempt["started_at"] > since:
                yield f"attempt {attempt['id']} charged a card by autopay that dispute {row['id']} has frozen"


def _events(world: World, dispute: Row) -> list[Row]:
    sql = "SELECT * FROM practices_event WHERE about @> jsonb_build_object('dispute', %(id)s::bigint) ORDER BY id"
    return world.query(sql, id=dispute["id"])


def _frozen_since(world: World, dispute: Row) -> datetime | None:
    """When it began to freeze what it still freezes."""
    since: datetime | None = None
    for event in _events(world, dispute):
        if "is_frozen" in event["after"]:
            since = (since or event["at"]) if event["after"]["is_frozen"] else None
    return since


def disputes_have_their_events(world: World) -> Iterator[str]:
    """How it began, and the state and the money it is at."""
    for row in world.rows("payments_dispute"):
        found = _events(world, row)
        told = [event["after"] for event in found if "state" in event["after"]]
        is_told = bool(told) and (told[-1]["state"], told[-1]["withdrawn_cents"]) == (
            row["state"],
            row["withdrawn_cents"],
        )
        if not is_told or found[0]["kind"] != "dispute_opened":
            yield f"dispute {row['id']} is {row['state']}, its events are {[event['kind'] for event in found]}"


def troubles(world: World) -> Iterator[tuple[Row, str, str]]:
    """(row, key of the alarm, what it is) of what somebody must have been told."""
    for row in world.rows("payments_dispute"):
        name = f"dispute {row['id']} of {row['amount_cents']} cents"
        if is_asked_of_staff(row):
            yield row, f"dispute:{row['reference']}:{row['state'].lower()}", f"{name} is {row['state']}"
        if row["state"] == "LOST" and row["is_frozen"]:
            yield row, f"dispute-lost:{row['reference']}", f"{name} is lost"


def is_asked_of_staff(row: Row) -> bool:
    """A reply is due, or won money is missing."""
    return row["state"] in AWAITS_REPLY or bool(row["state"] == "WON" and row["withdrawn_cents"])


def dispute_open(world: World, alarm: Row) -> bool:
    keys = {f"dispute:{row['reference']}:{row['state'].lower()}": row for row in world.rows("payments_dispute")}
    return alarm["key"] in keys and is_asked_of_staff(keys[alarm["key"]])


def dispute_lost(world: World, alarm: Row) -> bool:
    reference = alarm["key"].partition(":")[2]
    rows = [row for row in world.rows("payments_dispute") if row["reference"] == reference]
    return any(row["state"] == "LOST" and row["is_frozen"] for row in rows)


def dispute_contradiction(world: World, alarm: Row) -> bool:
    """Our state and the processor's present one differ."""
    reference = alarm["key"].partition(":")[2]
    here = {row["reference"]: row["state"] for row in world.rows("payments_dispute")}
    there = {dispute["id"]: CALLED[dispute["status"]] for dispute in world.processor.disputes}
    return reference in there and there[reference] != here.get(reference)


CHECKS = (
    disputes_are_known,
    lost_disputes_left_the_books_once,
    frozen_cards_are_not_charged_by_autopay,
    disputes_have_their_events,
)
