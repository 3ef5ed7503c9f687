"""Declined tries per card within the networks' limits, from the processor's own books.

Visa Core Rules: at most 15 declined tries of a card in 30 days, none after a code of category 1. Mastercard: none after
merchant advice 03 or 21.
"""

from __future__ import annotations

from collections.abc import Iterator

from ops.audit.sources import Row
from ops.audit.world import World, grouped

MOST, WINDOW = 15, 30 * 86_400
NEVER_NETWORK = {"04", "07", "12", "14", "15", "41", "43", "46", "57", "R0", "R1", "R3"}
NEVER_ADVICE = {"03", "21"}


def cards_rest_after_fifteen_declines(world: World) -> Iterator[str]:
    for name, tries in _by_card(world.processor.declined).items():
        for place, last in enumerate(tries):
            count = sum(last["created"] - one["created"] < WINDOW for one in tries[: place + 1])
            if count > MOST:
                yield f"card {name} was declined {count} times in 30 days, the last time with {last['id']}"


def cards_are_not_tried_after_never(world: World) -> Iterator[str]:
    for name, tries in _by_card(world.processor.charges).items():
        refused = next((place for place, charge in enumerate(tries) if _says_never(charge)), None)
        for charge in tries[refused + 1 :] if refused is not None else []:
            yield f"card {name} was tried again with {charge['id']} after the network said never"


def _by_card(charges: list[Row]) -> dict[str, list[Row]]:
    """Account and fingerprint → our tries, oldest first."""
    # Not what a person presented: they may try their own card as often as its bank lets them.
    ours = [charge for charge in charges if charge["metadata"].get("attempt") and not charge["metadata"].get("way")]
    ours.sort(key=lambda charge: int(charge["created"]))
    return grouped(
        ours, lambda charge: f"{charge['account']}/{charge['payment_method_details']['card']['fingerprint']}"
    )


def _says_never(charge: Row) -> bool:
    said = charge["outcome"] or {}
    if charge["status"] != "failed" or said.get("network_status") == "not_sent_to_network":
        return False
    return (
        said["advice_code"] == "do_not_try_again"
        or said["network_decline_code"] in NEVER_NETWORK
        or said["network_advice_code"] in NEVER_ADVICE
    )


CHECKS = (cards_rest_after_fifteen_declines, cards_are_not_tried_after_never)
