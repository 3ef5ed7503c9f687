"""Autopay stays within what its payer had agreed to when the charge was made (docs/adr/0014)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from ops.audit.sources import Row
from ops.audit.world import World, grouped

# The moment of a decision may be a little later than the one at which a charge was asked for.
_BLUR = timedelta(minutes=1)
_IN_FLIGHT = ("STARTED", "PENDING", "UNKNOWN")


def no_charge_by_itself_is_above_its_consent(world: World) -> Iterator[str]:
    """The consent that stood, by the order of the events: they are written under the same locks as the charge."""
    parts = {row["id"]: row for row in world.rows("payments_duepart")}
    begun = {row["about"]["attempt"]: row["id"] for row in world.events_of("attempt_started")}
    words = _words(world)
    for attempt in world.rows("payments_attempt"):
        part = parts[attempt["due_part_id"]]
        # What was found after a restore was asked for in days that the books have lost.
        if attempt["channel"] != "AUTOPAY" or part["installment_id"] is None or attempt["recovered_at"] is not None:
            continue
        # Without its event nobody can say what came first; attempts_have_their_events tells that.
        if attempt["id"] not in begun:
            continue
        plan = world.one("payplans_installment", part["installment_id"])["plan_id"]
        at = begun[attempt["id"]]
        agreed = _in_force(world, words.get((plan, part["payer_id"]), []), at)
        agreed += _of_this_charge(world, attempt, part, at)
        mine = [row for row in agreed if row["card_id"] == attempt["card_id"] and row["patient_id"] == part["payer_id"]]
        most = max((row["max_charge_cents"] for row in mine), default=0)
        if attempt["amount_cents"] > most:
            yield f"attempt {attempt['id']} of {attempt['amount_cents']} cents was made by itself, agreed were {most}"


def _words(world: World) -> dict[tuple[int, int], list[Row]]:
    """(plan, payer) → events that turned autopay on or off, oldest first."""
    events = sorted(world.events_of("autopay_on") + world.events_of("autopay_off"), key=lambda row: int(row["id"]))
    return grouped(events, lambda row: (row["about"]["plan"], row["about"]["patient"]))


def _in_force(world: World, events: list[Row], at: int) -> list[Row]:
    before = [event for event in events if event["id"] < at]
    if not before or before[-1]["kind"] == "autopay_off":
        return []
    return [world.one("cards_consent", before[-1]["about"]["consent"])]


def _of_this_charge(world: World, attempt: Row, part: Row, at: int) -> list[Row]:
    """Another card for this one payment, chosen before the charge and not given up by then."""
    chosen = {
        row["at"]: row["id"]
        for row in world.events_of("charge_card_chosen")
        if row["about"].get("installment") == part["installment_id"]
    }
    return [
        world.one("cards_consent", change["consent_id"])
        for change in world.rows("payments_planchange")
        if change["kind"] == "CARD"
        and change["installment_id"] == part["installment_id"]
        and chosen.get(change["made_at"], 0) < at
        and change["made_at"] <= attempt["started_at"] + _BLUR
        and (change["ended_at"] is None or change["ended_at"] >= attempt["started_at"])
    ]


def shared_payments_are_asked_of_who_shares_them(world: World) -> Iterator[str]:
    """Open parts of a payment that two people share sum to what is owed, and are of these two."""
    decided = grouped(world.rows("payplans_planshare"), lambda row: row["plan_id"])
    parts = grouped(world.rows("payments_duepart"), lambda row: row["installment_id"])
    tries = grouped(world.rows("payments_attempt"), lambda row: row["due_part_id"])
    for plan_id, rows in decided.items():
        plan = world.one("payplans_payplan", plan_id)
        for one in world.installments_by_plan.get(plan_id, []):
            mine = parts.get(one["id"], [])
            busy = any(row["state"] in _IN_FLIGHT for part in mine for row in tries.get(part["id"], []))
            if busy or plan["is_closed"] or plan["gone_at"] or one["status"] not in ("PENDING", "FAILED"):
                continue
            who = {plan["guarantor_id"], _second(rows, one)}
            asked = [part for part in mine if part["state"] == "OPEN"]
            if any(part["payer_id"] not in who for part in asked):
                yield f"installment {one['id']} is asked of somebody who shares nothing of it"
            total, owed = sum(part["amount_cents"] for part in asked), _owed(one)
            if total != owed:
                yield f"installment {one['id']} owes {owed} cents, its payers are asked for {total}"


def _second(rows: list[Row], one: Row) -> int | None:
    """The newest decision that counts for it, in the order of the rows."""
    counting = [row for row in rows if row["from_date"] <= one["first_due_date"] and not one["is_down_payment"]]
    return max(counting, key=lambda row: int(row["id"]))["payer_id"] if counting else None


def _owed(one: Row) -> int:
    asked: int = one["principal_cents"] + one["interest_cents"]
    paid: int = one["collected_cents"] + one["office_paid_cents"] + one["forgiven_cents"]
    return max(0, asked - paid)


CHECKS = (no_charge_by_itself_is_above_its_consent, shared_payments_are_asked_of_who_shares_them)
