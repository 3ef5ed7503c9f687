"""Money given back: known here when it moved there, never more than was paid, and posted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from ops.audit.sources import Row, moment
from ops.audit.world import World, grouped

# What the processor calls a refund in each state of ours that is told by it.
AGREES = {"SUCCEEDED": "succeeded", "FAILED": "failed", "PENDING": "pending"}
# Taken by the bank, not given back by anybody: checks/disputes.py knows of it.
LOST_DISPUTE = "DISPUTE"
HOLDING = ("STARTED", "PENDING", "UNKNOWN", "SUCCEEDED")
# A refund made at the processor whose webhook was lost is found by a list that is read four times a day.
FOUND_WITHIN = timedelta(hours=6)


def refunds_are_known(world: World) -> Iterator[str]:
    """Every refund of a payment of ours is one row here, with the same cents."""
    payments = {row["processor_reference"]: row for row in world.rows("payments_payment")}
    rows = grouped(world.rows("payments_refund"), lambda row: row["reference"])
    for refund in world.processor.refunds:
        payment, found = payments.get(refund["payment_intent"]), rows.get(refund["id"], [])
        amounts = [row["amount_cents"] for row in found]
        if payment is None or amounts == [refund["amount"]]:
            continue
        if amounts or world.is_old(moment(refund["created"]) + FOUND_WITHIN):
            yield f"refund {refund['id']} of {refund['amount']} cents of payment {payment['id']} is here as {amounts}"


def refunds_agree_with_the_processor(world: World) -> Iterator[str]:
    """Given back, failed and processing are what the processor says, too."""
    there = {refund["id"]: refund for refund in world.processor.refunds}
    for row in world.rows("payments_refund"):
        if row["reason"] == LOST_DISPUTE or not world.one("payments_payment", row["payment_id"])["processor_reference"]:
            continue
        expected = AGREES.get(row["state"])
        status = there[row["reference"]]["status"] if row["reference"] in there else "no refund"
        if expected and status != expected:
            yield f"refund {row['id']} is {row['state']}, the processor has {status}"


def recorded_money_is_given_back_by_hand(world: World) -> Iterator[str]:
    """Cash and checks go back from the drawer: done at once, and no processor knows of it."""
    there = {refund["metadata"].get("refund") for refund in world.processor.refunds if refund.get("metadata")}
    for row in world.rows("payments_refund"):
        if world.one("payments_payment", row["payment_id"])["processor_reference"]:
            continue
        is_asked = bool(row["reference"]) or str(row["uuid"]) in there
        if is_asked or (row["state"] != "SUCCEEDED" and world.is_old(row["started_at"])):
            asked = row["reference"] or "none"
            yield f"refund {row['id']} of recorded money is {row['state']}, the processor has {asked}"


def refunds_stay_within_their_payment(world: World) -> Iterator[str]:
    refunds = grouped(world.rows("payments_refund"), lambda row: row["payment_id"])
    for payment_id, found in refunds.items():
        given = [row for row in found if row["reason"] != LOST_DISPUTE]
        total = sum(row["amount_cents"] for row in given if row["state"] in HOLDING)
        paid = world.one("payments_payment", payment_id)["amount_cents"]
        if total > paid:
            yield f"{total} cents of payment {payment_id} of {paid} cents are given back or about to be"


def refunds_are_final(world: World) -> Iterator[str]:
    """Pending may last as long as the processor itself says so."""
    there = {refund["id"]: refund["status"] for refund in world.processor.refunds}
    for row in world.rows("payments_refund"):
        is_at_the_bank = row["state"] == "PENDING" and there.get(row["reference"]) == "pending"
        if row["state"] in HOLDING[:3] and world.is_old(row["started_at"]) and not is_at_the_bank:
            yield f"refund {row['id']} of {row['amount_cents']} cents is still {row['state']}"


def refunds_have_one_posting(world: World) -> Iterator[str]:
    """One that was given back is written down in the ledger, once, unless the payment itself never was."""
    postings = grouped(world.rows("payments_ledgerposting"), lambda row: row["refund_id"])
    posted = {
        row["payment_id"]
        for row in world.rows("payments_ledgerposting")
        if row["movement"] == "PAYMENT" and row["state"] != "WITHDRAWN"
    }
    for row in world.rows("payments_refund"):
        amounts = [one["amount_cents"] for one in postings.get(row["id"], []) if one["state"] != "WITHDRAWN"]
        ledger_cents = row["amount_cents"] - row["fee_cents"]
        is_wanted = row["state"] == "SUCCEEDED" and row["payment_id"] in posted and ledger_cents
        if row["state"] != "FAILED" and amounts != ([-ledger_cents] if is_wanted else []):
            yield f"refund {row['id']} of {row['amount_cents']} cents is {row['state']}, its postings are {amounts}"


def ledger_refunds_are_ours(world: World) -> Iterator[str]:
    """The API took no more out of the ledger under our references than was ever given back."""
    for payment in world.rows("payments_payment"):
        office = world.office_of.get(payment["practice_id"])
        refunds = [row for row in world.rows("payments_refund") if row["payment_id"] == payment["id"]]
        given = sum(row["amount_cents"] for row in refunds if row["state"] in ("SUCCEEDED", "FAILED"))
        # A move takes the payment off and posts it again (checks/moves.py).
        given -= sum(
            row["amount_cents"]
            for row in world.rows("payments_ledgerposting")
            if row["payment_id"] == payment["id"] and row["movement"] == "MOVE_OUT"
        )
        taken = _taken_out(world, office.tables["payment"], payment) if office else 0
        if taken > given:
            yield f"{taken} cents of payment {payment['id']} were taken out of the ledger, {given} were given back"


def _taken_out(world: World, payments: list[Row], payment: Row) -> int:
    postings = [row for row in world.rows("payments_ledgerposting") if row["payment_id"] == payment["id"]]
    references = {row["reference"] for row in postings}
    return -sum(
        int(row["PayAmt"])
        for row in payments
        if row["PayAmt"] < 0 and row["CheckNum"].upper() in references and row["PaymentSource"] == world.BY_API
    )


def withdrawn_payments_were_voided(world: World) -> Iterator[str]:
    """A payment that the ledger is not told was given back whole, as a void, and left nothing there."""
    for posting in world.rows("payments_ledgerposting"):
        if posting["movement"] != "PAYMENT" or posting["state"] != "WITHDRAWN":
            continue
        back = [row for row in world.rows("payments_refund") if row["payment_id"] == posting["payment_id"]]
        voided = sum(row["amount_cents"] for row in back if row["reason"] == "VOID" and row["state"] == "SUCCEEDED")
        if voided != posting["amount_cents"]:
            yield f"posting {posting['id']} of {posting['amount_cents']} cents is withdrawn, {voided} were voided"
        office = world.office_of.get(posting["practice_id"])
        payments = office.tables["payment"] if office else []
        there = [row for row in payments if row["CheckNum"].upper() == posting["reference"]]
        if there:
            yield f"posting {posting['id']} is withdrawn, payments {[row['PayNum'] for row in there]} are in the ledger"


def nobody_gives_back_beyond_the_role(world: World) -> Iterator[str]:
    """What one person ordered at once is within the practice's limit, as it is set now (runs never change it)."""
    limits, roles = _limits(world), _roles(world)
    for row in world.rows("payments_refund"):
        role = roles.get((row["practice_id"], row["actor"]), "")
        limit = limits.get(row["practice_id"], {}).get(f"refund_{role}_cents")
        if limit is not None and row["amount_cents"] > limit:
            yield f"refund {row['id']} of {row['amount_cents']} cents is above the {limit} of the role {role}"


def nobody_gives_back_beyond_a_day(world: World) -> Iterator[str]:
    """What stands of one person's refunds of a practice-local day is within the day's limit of their role."""
    zones = {row["id"]: ZoneInfo(row["timezone"]) for row in world.rows("practices_practice")}
    days: Counter[tuple[int, str, date]] = Counter()
    for row in world.rows("payments_refund"):
        if row["state"] in HOLDING and row["actor"].startswith("user:"):
            day = row["started_at"].astimezone(zones[row["practice_id"]]).date()
            days[row["practice_id"], row["actor"], day] += row["amount_cents"]
    for (practice_id, actor, day), cents in days.items():
        role = _roles(world).get((practice_id, actor), "")
        limit = _limits(world).get(practice_id, {}).get(f"refund_{role}_day_cents")
        if limit is not None and cents > limit:
            yield f"{actor} gave back {cents} cents on {day}, above the {limit} a day of the role {role}"


def _limits(world: World) -> dict[int, Row]:
    return {row["practice_id"]: row for row in world.rows("practices_paymentsettings")}


def _roles(world: World) -> dict[tuple[int, str], str]:
    return {
        (row["practice_id"], f"user:{row['user_id']}"): row["role"].lower()
        for row in world.rows("practices_membership")
    }


def notes_are_written_once(world: World) -> Iterator[str]:
    """A note in the Commlog about what staff enter stands there once, and once it is said to be there, it is."""
    for row in world.rows("opendental_officenote"):
        office = world.office_of.get(row["practice_id"])
        if office is None:
            continue
        reference = world.one("payments_ledgerposting", row["posting_id"])["reference"]
        there = [one["CommlogNum"] for one in office.tables["commlog"] if one["Note"].startswith(reference)]
        if len(there) > 1 or (row["state"] == "WRITTEN" and not there):
            yield f"note {row['id']} is {row['state']}, the Commlog has it as {there}"


def refunds_have_their_events(world: World) -> Iterator[str]:
    """How it began, and the state it is in."""
    kinds = world.events_about("refund")
    for row in world.rows("payments_refund"):
        found = kinds.get(row["id"], Counter())
        missing = [kind for kind in _events_of(row) if not found.get(kind)]
        if missing:
            yield f"refund {row['id']} is {row['state']} without the events {missing}"


def _events_of(row: Row) -> list[str]:
    begin = {"HERE": ["refund_started"], "ELSEWHERE": []}[row["origin"]]
    return begin if row["state"] == "STARTED" else [*begin, f"refund_{row['state'].lower()}"]


CHECKS = (
    refunds_are_known,
    refunds_agree_with_the_processor,
    recorded_money_is_given_back_by_hand,
    refunds_stay_within_their_payment,
    refunds_are_final,
    refunds_have_one_posting,
    ledger_refunds_are_ours,
    withdrawn_payments_were_voided,
    nobody_gives_back_beyond_the_role,
    nobody_gives_back_beyond_a_day,
    notes_are_written_once,
    refunds_have_their_events,
)
