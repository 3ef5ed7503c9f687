"""Payments that were moved: what was taken off is posted again, once, and stands where the move says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ops.audit.sources import Row
from ops.audit.world import World, grouped

_THERE = ("MATCHED", "MARKED")
# With these a person has it, and the queue says so.
_PEOPLES = ("REFUSED", "MISMATCH", "BY_HAND")


def moves_come_to_an_end(world: World) -> Iterator[str]:
    """One under way for long waits for an office that can't be posted to, or for a person who is told."""
    postings = grouped(world.rows("payments_ledgerposting"), lambda row: row["move_id"])
    for move in world.rows("payments_move"):
        office = world.office_of.get(move["practice_id"])
        if move["state"] != "ORDERED" or not world.is_old(move["started_at"]):
            continue
        with_people = any(row["state"] in _PEOPLES for row in postings.get(move["id"], []))
        is_told = world.is_told(move["practice_id"], f"move:{move['id']}")
        if (office is None or office.can_be_posted_to) and not with_people and not is_told:
            yield f"move {move['id']} of payment {move['payment_id']} is still under way"


def moved_payments_are_posted_again(world: World) -> Iterator[str]:
    """A finished move that took a payment off posted it again with the same cents; a refused one did neither."""
    postings = grouped(world.rows("payments_ledgerposting"), lambda row: row["move_id"])
    for move in world.rows("payments_move"):
        if move["kind"] != "REPOST" or move["state"] == "ORDERED":
            continue
        mine = {row["movement"]: row for row in postings.get(move["id"], [])}
        out, back = mine["MOVE_OUT"], mine["MOVE_IN"]
        wanted = _THERE if move["state"] == "DONE" else ("WITHDRAWN",)
        is_right = out["amount_cents"] == -back["amount_cents"] and {out["state"], back["state"]} <= set(wanted)
        if not is_right:
            states = f"{out['state']} {out['amount_cents']}, {back['state']} {back['amount_cents']}"
            yield f"move {move['id']} is {move['state']}, its postings are {states}"


def moved_payments_stand_where_they_belong(world: World) -> Iterator[str]:
    """What a payment's last finished move names by procedure has these cents there, unless it was given back since."""
    last: dict[int, Row] = {row["payment_id"]: row for row in world.rows("payments_move") if row["state"] == "DONE"}
    lines = grouped(world.rows("payments_saleline"), lambda row: row["sale_id"])
    for payment_id, move in last.items():
        office = world.office_of.get(move["practice_id"])
        numbers = _pay_nums(world, payment_id, move)
        if office is None or not numbers or world.refunded_by_payment[payment_id]:
            continue
        there: Counter[int] = Counter()
        for split in office.tables["paysplit"]:
            if split["PayNum"] in numbers:
                there[split["ProcNum"]] += split["SplitAmt"]
        wanted = {row["proc_num"]: row["amount_cents"] for row in lines[move["target_id"]] if row["proc_num"]}
        if any(there[number] != cents for number, cents in wanted.items()):
            yield f"payment {payment_id} was moved to {wanted}, it stands on {dict(there)}"


def moved_payments_pay_their_installment(world: World) -> Iterator[str]:
    """What was moved onto a plan stands on the charges of its installment, whole, unless it was given back since."""
    for move in world.rows("payments_move"):
        if move["state"] != "DONE" or not move["installment_id"] or world.refunded_by_payment[move["payment_id"]]:
            continue
        office, numbers = world.office_of.get(move["practice_id"]), _pay_nums(world, move["payment_id"], move)
        rows = world.charge_rows_by_installment.get(move["installment_id"], [])
        charges = {row["pay_plan_charge_num"] for row in rows}
        splits = office.tables["paysplit"] if office is not None and numbers else []
        mine = [row for row in splits if row["PayNum"] in numbers]
        there = sum(row["SplitAmt"] for row in mine if row["PayPlanChargeNum"] in charges)
        if mine and there != sum(row["SplitAmt"] for row in mine):
            yield f"payment {move['payment_id']} was moved onto installment {move['installment_id']}, {there} are there"


def _pay_nums(world: World, payment_id: int, move: Row) -> set[int]:
    """The payment it stands under now; none where a person's word was taken."""
    rows = [row for row in world.rows("payments_ledgerposting") if row["payment_id"] == payment_id]
    moved = [row for row in rows if row["movement"] == "MOVE_IN" and row["state"] in _THERE]
    found = moved[-1:] or [row for row in rows if row["movement"] == "PAYMENT"]
    return {row["pay_num"] for row in found if row["pay_num"] and row["state"] == "MATCHED"}


def moves_have_their_events(world: World) -> Iterator[str]:
    """A person ordered it, at least once; how it ended stands there once."""
    kinds = world.events_about("move")
    for move in world.rows("payments_move"):
        found = kinds.get(move["id"], Counter())
        endings = {kind: found[kind] for kind in ("move_done", "move_refused") if found[kind]}
        wanted = {} if move["state"] == "ORDERED" else {f"move_{move['state'].lower()}": 1}
        if not found["move_ordered"] or endings != wanted:
            yield f"move {move['id']} is {move['state']}, its events are {dict(sorted(found.items()))}"


CHECKS = (
    moves_come_to_an_end,
    moved_payments_are_posted_again,
    moved_payments_stand_where_they_belong,
    moved_payments_pay_their_installment,
    moves_have_their_events,
)
