"""Payouts as they are kept here are what the processor paid out, line by line. One unheard of may still come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ops.audit.sources import Row
from ops.audit.world import World, grouped

# News only moves forward: what is kept here may lag behind the processor, never be ahead of it.
STEPS = {"PENDING": 0, "IN_TRANSIT": 1, "PAID": 2, "FAILED": 3, "CANCELED": 3}


def payouts_agree_with_the_processor(world: World) -> Iterator[str]:
    there = {payout["id"]: payout for payout in world.processor.payouts}
    for row in world.rows("payments_payout"):
        payout = there.get(row["reference"])
        if payout is None or payout["amount"] != row["amount_cents"]:
            cents = payout and payout["amount"]
            yield f"payout {row['id']} of {row['amount_cents']} cents is one of {cents} cents at the processor"
        elif STEPS[row["state"]] > STEPS[payout["status"].upper()]:
            yield f"payout {row['id']} is {row['state']}, the processor has {payout['status']}"


def lines_of_payouts_are_the_processors(world: World) -> Iterator[str]:
    """Once read, each line is there once, with its cents; none was dropped, of whatever type."""
    entries = grouped(world.processor.entries, lambda entry: str(entry.get("_payout") or ""))
    lines = grouped(world.rows("payments_payoutline"), lambda line: line["payout_id"])
    for row in world.rows("payments_payout"):
        if row["read_at"] is None:
            continue
        here = sorted(_cents(line, "reference", "_cents") for line in lines.get(row["id"], []))
        wanted = [entry for entry in entries.get(row["reference"], []) if entry["type"] != "payout"]
        if here != sorted(_cents(entry, "id", "") for entry in wanted):
            yield f"payout {row['id']} has {len(here)} lines here and {len(wanted)} at the processor, or other amounts"


def _cents(line: Row, reference: str, ending: str) -> tuple[Any, ...]:
    return (line[reference], *(line[f"{name}{ending}"] for name in ("amount", "fee", "net")))


def lines_of_payouts_are_placed(world: World) -> Iterator[str]:
    """A charge in a payout is linked to the payment of its intent, if that is ours, and to no other."""
    # Cash and checks have no reference.
    taken = [row for row in world.rows("payments_payment") if row["processor_reference"]]
    payments = {row["processor_reference"]: row["id"] for row in taken}
    intents = {charge["id"]: charge["payment_intent"] for charge in world.processor.charges}
    for line in world.rows("payments_payoutline"):
        wanted = payments.get(intents.get(line["source"], ""))
        if line["kind"] == "PAYMENT" and line["payment_id"] != wanted:
            yield f"line {line['id']} is linked to payment {line['payment_id']} instead of {wanted}"


CHECKS = (payouts_agree_with_the_processor, lines_of_payouts_are_the_processors, lines_of_payouts_are_placed)
