"""Terminals: none is kept by a payment that is over, and no card is kept without its owner's words."""

from __future__ import annotations

from collections.abc import Iterator

from ops.audit.sources import Row
from ops.audit.world import World

OPEN = ("STARTED", "PENDING", "UNKNOWN")


def terminals_are_free_again(world: World) -> Iterator[str]:
    for run in world.rows("terminals_readerrun"):
        attempt = world.one("payments_attempt", run["attempt_id"]) if run["attempt_id"] else None
        is_over = attempt is not None and attempt["state"] not in OPEN and world.is_old(attempt["settled_at"])
        if run["state"] != "ENDED" and is_over:
            yield f"reader {run['reader_id']} is {run['state']} for attempt {run['attempt_id']}, which is over"


def terminals_keep_only_cards_that_were_agreed_to(world: World) -> Iterator[str]:
    """Asked for with the payment only where a wish stands; kept only with a consent in the same words."""
    wishes = {row["due_part_id"]: row for row in world.rows("terminals_cardwish")}
    for attempt in world.rows("payments_attempt"):
        if attempt["channel"] != "TERMINAL":
            continue
        wish = wishes.get(attempt["due_part_id"])
        for intent in world.intents_by_attempt.get(str(attempt["uuid"]), []):
            if intent["setup_future_usage"] and wish is None:
                yield f"attempt {attempt['id']} saves a card, and nobody agreed to that"
        if wish and wish["state"] == "OPEN" and attempt["state"] not in OPEN and world.is_old(attempt["settled_at"]):
            yield f"attempt {attempt['id']} is over, and its card is neither kept nor said not to be"
    for wish in wishes.values():
        if wish["state"] == "KEPT" and not _has_consent(world, wish):
            yield f"card {wish['card_id']} was kept at a terminal without a consent in the words of wish {wish['id']}"


def _has_consent(world: World, wish: Row) -> bool:
    found = [row for row in world.rows("cards_consent") if row["card_id"] == wish["card_id"]]
    return any(row["kind"] == "CARD_ON_FILE" and row["text"] == wish["text"] for row in found)


CHECKS = (terminals_are_free_again, terminals_keep_only_cards_that_were_agreed_to)
