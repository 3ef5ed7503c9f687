"""Plan work at the desk: autopay kept to what staff had decided, and an order made at most one plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from ops.audit.sources import Row
from ops.audit.world import World, grouped

# The moment that a decision ends may be a little later than the moment at which a charge was asked for.
_BLUR = timedelta(minutes=1)
_STARTS = {
    "PAUSE": "plan_paused", "SKIP": "installment_skipped", "MOVE": "charge_moved", "CARD": "charge_card_chosen",
}  # fmt: skip
_OPEN = ("QUEUED", "SENDING", "UNCLEAR", "READING")
# Nobody waits for it so long: it must have come to an end.
_LONGEST_OPEN = timedelta(hours=2)


def autopay_keeps_to_what_staff_decided(world: World) -> Iterator[str]:
    """No charge by itself on a day of a pause, of what is skipped, before a moved day, or of another card."""
    parts = {row["id"]: row for row in world.rows("payments_duepart")}
    installments = {row["id"]: row for row in world.rows("payplans_installment")}
    zones = {row["id"]: ZoneInfo(row["timezone"]) for row in world.rows("practices_practice")}
    begun = {row["about"]["attempt"]: row["id"] for row in world.events_of("attempt_started")}
    changes = grouped(world.rows("payments_planchange"), lambda row: row["plan_id"])
    starts = _starts(world)
    for attempt in world.rows("payments_attempt"):
        installment = installments.get(parts[attempt["due_part_id"]]["installment_id"])
        if attempt["channel"] != "AUTOPAY" or installment is None:
            continue
        day = attempt["started_at"].astimezone(zones[attempt["practice_id"]]).date()
        for change in changes.get(installment["plan_id"], []):
            event = starts.get((change["kind"], change["plan_id"], change["installment_id"], change["made_at"]))
            # Both are written under the plan's lock: their order is that of the events.
            if event is None or event > begun.get(attempt["id"], 0):
                continue
            # A card for one charge is of its owner's part; where two people pay, not of the other's.
            payer = parts[attempt["due_part_id"]]["payer_id"]
            if change["kind"] == "CARD" and world.one("cards_card", change["card_id"])["patient_id"] != payer:
                continue
            if why := _against(change, attempt, installment, day):
                yield f"attempt {attempt['id']} was made by itself {why} (change {change['id']})"


def _starts(world: World) -> dict[tuple[str, int, int | None, datetime], int]:
    found = {}
    for kind, event_kind in _STARTS.items():
        for event in world.events_of(event_kind):
            about = event["about"]
            found[kind, about["plan"], about.get("installment"), event["at"]] = event["id"]
    return found


def _against(change: Row, attempt: Row, installment: Row, day: date) -> str:
    if change["kind"] == "PAUSE":
        return "while the plan was paused" if change["from_date"] <= day <= change["until_date"] else ""
    is_over = change["ended_at"] is not None and change["ended_at"] <= attempt["started_at"] + _BLUR
    if change["installment_id"] != installment["id"] or is_over:
        return ""
    if change["kind"] == "SKIP":
        return "though it was skipped"
    # A date that Open Dental has left meanwhile no longer counts.
    if change["planned_date"] != installment["due_date"]:
        return ""
    if change["kind"] == "MOVE":
        return f"before {change['from_date']}, to which it was moved" if day < change["from_date"] else ""
    return "with another card than was agreed to" if attempt["card_id"] != change["card_id"] else ""


def divided_payments_wait_for_their_days(world: World) -> Iterator[str]:
    """A part that was agreed for a day is not taken by itself before it."""
    parts = {row["id"]: row for row in world.rows("payments_duepart") if row["charge_from"] is not None}
    zones = {row["id"]: ZoneInfo(row["timezone"]) for row in world.rows("practices_practice")}
    for attempt in world.rows("payments_attempt"):
        part = parts.get(attempt["due_part_id"])
        day = attempt["started_at"].astimezone(zones[attempt["practice_id"]]).date()
        if part is not None and attempt["channel"] == "AUTOPAY" and day < part["charge_from"]:
            yield f"attempt {attempt['id']} was made by itself before {part['charge_from']}, the day of its part"


def orders_make_one_plan(world: World) -> Iterator[str]:
    """As many plans bear an order's reference as the order says: one when it is done, none when it is not."""
    for practice_id, office in world.office_of.items():
        notes = [str(row["Note"]) for row in office.tables["payplan"]]
        for order in world.rows("opendental_planorder"):
            if order["practice_id"] != practice_id or order["kind"] != "CREATE":
                continue
            made = sum(order["reference"] in note for note in notes)
            wanted = {"DONE": (1,), "DIFFERENT": (0, 1), "REFUSED": (0,), "NOT_DONE": (0,)}.get(order["state"], (0, 1))
            if made not in wanted:
                yield f"order {order['id']} is {order['state']}, and Open Dental has {made} plans of it"


def closed_plans_are_closed(world: World) -> Iterator[str]:
    """A plan that was closed from here is closed in Open Dental, where nothing opens it again by itself."""
    for order in world.rows("opendental_planorder"):
        office = world.office_of.get(order["practice_id"])
        if order["kind"] != "CLOSE" or order["state"] != "DONE" or office is None:
            continue
        found = [row for row in office.tables["payplan"] if row["PayPlanNum"] == order["pay_plan_num"]]
        if [bool(row["IsClosed"]) for row in found] != [True]:
            yield f"order {order['id']} closed plan {order['pay_plan_num']}, which is open in Open Dental"


def orders_are_asked_once(world: World) -> Iterator[str]:
    """Sent at most once: after an unclear answer it is looked for, never sent again."""
    kinds = world.events_about("plan_order")
    for order in world.rows("opendental_planorder"):
        found = kinds.get(order["id"], Counter())
        # Put back by a refusal that certainly did nothing (busy, not reached), it is sent anew.
        if found["plan_order_sending"] > 1 + found["plan_order_queued"]:
            yield f"order {order['id']} was sent {found['plan_order_sending']} times"


def orders_come_to_an_end(world: World) -> Iterator[str]:
    for order in world.rows("opendental_planorder"):
        if order["state"] in _OPEN and order["made_at"] < world.now - _LONGEST_OPEN:
            yield f"order {order['id']} has been {order['state']} since {order['made_at']}"


def orders_are_told(world: World) -> Iterator[str]:
    """Who ordered what stands in the timeline."""
    placed = Counter(row["about"]["plan_order"] for row in world.events_of("plan_order_placed"))
    for order in world.rows("opendental_planorder"):
        if placed[order["id"]] != 1:
            yield f"order {order['id']} was placed {placed[order['id']]} times, as the timeline tells"


CHECKS = (
    autopay_keeps_to_what_staff_decided,
    divided_payments_wait_for_their_days,
    orders_make_one_plan,
    closed_plans_are_closed,
    orders_are_asked_once,
    orders_come_to_an_end,
    orders_are_told,
)
