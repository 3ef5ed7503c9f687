"""Fees: within the rules, the same cents in tender, attempt, allocations and ledger, each discount one adjustment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ops.audit.sources import Office, Row
from ops.audit.world import World, grouped

# Hundredths of a percent. The auditor's own copy of the rules (docs/adr/0008).
MOST = 300
CAPS = {"CO": 200}
BARRED = ("CT", "ME", "MA", "")
UNSETTLED = ("QUEUED", "SENDING", "UNCLEAR", "POSTED")
HOLDING = ("STARTED", "PENDING", "UNKNOWN", "SUCCEEDED")
STEPS = {
    "SENDING": ["adjustment_sending"],
    "POSTED": ["adjustment_posted"],
    "MATCHED": ["adjustment_matched"],
    "BY_HAND": ["adjustment_by_hand"],
    "MARKED": ["adjustment_marked"],
}


def surcharge_of(world: World, payment: Row) -> int:
    """Cents of a payment that are kept out of the ledger."""
    fee = _fee_of(world, payment["attempt_id"])
    return int(fee["fee_cents"]) if fee is not None and fee["kind"] == "SURCHARGE" else 0


def _fee_of(world: World, attempt_id: int) -> Row | None:
    part = world.one("payments_attempt", attempt_id)["due_part_id"]
    return world.fee_of_part.get(part)


def fees_follow_the_rules(world: World) -> Iterator[str]:
    """Only of desk sales; discounts on recorded money of a chosen type, surcharges on credit cards under every cap."""
    attempts = grouped(world.rows("payments_attempt"), lambda row: row["due_part_id"])
    for fee in world.rows("payments_tenderfee"):
        part, settings = world.one("payments_duepart", fee["due_part_id"]), _settings(world, fee)
        if part["sale_id"] is None or part["amount_cents"] != fee["base_cents"]:
            base = fee["base_cents"]
            yield f"fee {fee['id']} is of a part of {part['amount_cents']} cents, not of a tender of {base}"
        for attempt in attempts.get(part["id"], []):
            if attempt["amount_cents"] != fee["total_cents"]:
                asked = attempt["amount_cents"]
                yield f"attempt {attempt['id']} asks {asked} cents, {fee['total_cents']} were shown"
            if reason := _broken(world, fee, settings, attempt):
                yield f"fee {fee['id']} of {fee['fee_cents']} cents: {reason}"


def _settings(world: World, fee: Row) -> Row:
    return world.one("payments_feesettings", fee["settings_id"])


def _broken(world: World, fee: Row, settings: Row, attempt: Row) -> str:
    """Which rule; '' = none."""
    if settings["mode"] != fee["kind"]:
        return f"the practice decided {settings['mode']}"
    if fee["kind"] == "DISCOUNT":
        is_chosen = attempt["channel"] == "RECORDED" and attempt["pay_type_num"] in settings["cash_types"]
        return "" if is_chosen else "not cash or check"
    card = world.one("cards_card", attempt["card_id"]) if attempt["card_id"] else {"funding": "none"}
    if card["funding"] != "credit":
        return f"the card is {card['funding']}"
    if settings["state"] in BARRED:
        return f"barred in {settings['state'] or 'no state'}"
    cap = min(MOST, CAPS.get(settings["state"], MOST), settings["surcharge_rate"], settings["cost_rate"])
    return "" if fee["fee_cents"] * 10_000 <= fee["base_cents"] * cap else f"above {cap / 100} percent"


def discounts_are_allocated(world: World) -> Iterator[str]:
    """What a discount settles stands beside the money on the lines, and each of them has its adjustment."""
    rows = {row["allocation_id"]: row for row in world.rows("payments_ledgeradjustment")}
    for payment in world.rows("payments_payment"):
        fee = _fee_of(world, payment["attempt_id"])
        off = fee["fee_cents"] if fee is not None and fee["kind"] == "DISCOUNT" else 0
        mine = world.allocations_by_payment.get(payment["id"], [])
        if sum(row["discount_cents"] for row in mine) != off:
            yield f"payment {payment['id']} had {off} cents of discount, its allocations say otherwise"
        for one in mine:
            amount = -rows[one["id"]]["amount_cents"] if one["id"] in rows else 0
            if amount != one["discount_cents"]:
                yield f"allocation {one['id']} has {one['discount_cents']} cents of discount, {amount} are adjusted"


def adjustments_are_in_the_ledger_once(world: World) -> Iterator[str]:
    """Each on its procedure, with its cents."""
    for row in world.rows("payments_ledgeradjustment"):
        office = world.office_of.get(row["practice_id"])
        copies = _copies(office, row["reference"]) if office is not None else []
        if len(copies) > 1 and row["state"] != "BY_HAND":
            yield f"adjustment {row['id']} is in the ledger {len(copies)} times"
        if row["state"] != "MATCHED" or office is None:
            continue
        wanted = row["amount_cents"] + row["returned_cents"]
        exact = [one for one in copies if (one["AdjAmt"], one["ProcNum"]) == (wanted, row["proc_num"])]
        # One of nothing may as well be deleted.
        if [one["AdjNum"] for one in exact] != [row["adj_num"]] and (wanted or copies):
            yield f"adjustment {row['id']} of {wanted} cents is MATCHED, the ledger has {len(exact)} of it"


def discounts_go_back_in_proportion(world: World) -> Iterator[str]:
    """With what was given back of the payment goes that share of each of its discounts, and nothing else does."""
    payments = {row["id"]: row for row in world.rows("payments_payment")}
    refunds = grouped(world.rows("payments_refund"), lambda row: row["payment_id"])
    for row in world.rows("payments_ledgeradjustment"):
        payment, found = payments[row["payment_id"]], refunds.get(row["payment_id"], [])
        back = sum(one["amount_cents"] for one in found if one["state"] == "SUCCEEDED")
        due = -row["amount_cents"] * back // payment["amount_cents"]
        if row["returned_cents"] != due:
            yield f"{row['returned_cents']} cents of adjustment {row['id']} were taken back, {due} should be"


def _copies(office: Office, reference: str) -> list[Row]:
    return [row for row in office.tables["adjustment"] if str(row["AdjNote"] or "").upper().startswith(reference)]


def ledger_adjustments_are_ours(world: World) -> Iterator[str]:
    """An adjustment with a reference of ours belongs to a discount of that practice."""
    references = {(row["practice_id"], row["reference"]) for row in world.rows("payments_ledgeradjustment")}
    for practice_id, office in world.office_of.items():
        for row in office.tables["adjustment"]:
            note = str(row["AdjNote"] or "").upper()
            if note.startswith("KP-") and (practice_id, note[:19]) not in references:
                yield f"adjustment {row['AdjNum']} of {row['AdjAmt']} cents in {office.key} is no discount of ours"


def adjustments_are_final(world: World) -> Iterator[str]:
    for row in world.rows("payments_ledgeradjustment"):
        office = world.office_of.get(row["practice_id"])
        can_post = office is None or office.can_be_posted_to
        if row["state"] in UNSETTLED and world.is_old(row["created_at"]) and can_post:
            yield f"adjustment {row['id']} of {row['amount_cents']} cents is still {row['state']}"


def adjustments_have_their_events(world: World) -> Iterator[str]:
    kinds = world.events_about("adjustment")
    for row in world.rows("payments_ledgeradjustment"):
        found = kinds.get(row["id"], Counter())
        missing = [kind for kind in STEPS.get(row["state"], []) if not found[kind]]
        if missing:
            yield f"adjustment {row['id']} is {row['state']} without the events {missing}"


def surcharges_go_back_in_proportion(world: World) -> Iterator[str]:
    """No refund bears more than itself, all never more than the surcharge, and exactly it when all is given back."""
    payments = {row["id"]: row for row in world.rows("payments_payment")}
    refunds = grouped(world.rows("payments_refund"), lambda row: row["payment_id"])
    for payment_id, found in refunds.items():
        standing = [row for row in found if row["state"] in HOLDING]
        surcharge = surcharge_of(world, payments[payment_id])
        borne, back = (sum(row[name] for row in standing) for name in ("fee_cents", "amount_cents"))
        is_whole = back == payments[payment_id]["amount_cents"]
        wrong = any(not 0 <= row["fee_cents"] <= row["amount_cents"] for row in found)
        if wrong or borne > surcharge or (is_whole and borne != surcharge):
            yield f"{borne} of {surcharge} cents of surcharge went back with {back} cents of payment {payment_id}"


CHECKS = (
    fees_follow_the_rules,
    discounts_are_allocated,
    adjustments_are_in_the_ledger_once,
    discounts_go_back_in_proportion,
    ledger_adjustments_are_ours,
    adjustments_are_final,
    adjustments_have_their_events,
    surcharges_go_back_in_proportion,
)
