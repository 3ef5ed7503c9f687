"""Requests for money: paid exactly when the money came, never beyond what was asked, each charge agreed to."""

from __future__ import annotations

from collections.abc import Iterator

from ops.audit.world import World, grouped

PHONE = ("LINK_PAGE", "LINK_CARD")


def requests_say_what_was_paid(world: World) -> Iterator[str]:
    """PAID exactly when its tenders reach its amount, which its lines allow; settled in the office only without any."""
    parts = grouped(world.rows("payments_duepart"), lambda row: row["sale_id"])
    tries = grouped(world.rows("paylinks_requesttry"), lambda row: row["request_id"])
    lines = grouped(world.rows("paylinks_requestline"), lambda row: row["request_id"])
    for request in world.rows("paylinks_paymentrequest"):
        sales = [one["sale_id"] for one in tries.get(request["id"], []) if one["sale_id"]]
        mine = [part for sale in sales for part in parts.get(sale, [])]
        paid = sum(part["amount_cents"] for part in mine if part["state"] == "PAID")
        asked, most = request["amount_cents"], sum(row["amount_cents"] for row in lines.get(request["id"], []))
        if paid > asked or asked > most or (request["state"] == "PAID") != (paid == asked):
            yield f"request {request['id']} of {asked} of {most} cents is {request['state']}, {paid} were paid"
        if request["state"] == "SETTLED" and paid:
            yield f"request {request['id']} is settled in the office, {paid} cents were paid on its link"


def money_of_phones_was_agreed_to(world: World) -> Iterator[str]:
    """Each try to take money by a link is of the sale of one press, for the cents that stood on the button."""
    pressed = {row["sale_id"]: row for row in world.rows("paylinks_requesttry") if row["sale_id"]}
    sale_of = {row["id"]: row["sale_id"] for row in world.rows("payments_duepart")}
    for attempt in world.rows("payments_attempt"):
        press = pressed.get(sale_of[attempt["due_part_id"]])
        if attempt["channel"] in PHONE and (press is None or press["amount_cents"] != attempt["amount_cents"]):
            yield f"attempt {attempt['id']} of {attempt['amount_cents']} cents was agreed to by nobody"


def presses_come_to_an_end(world: World) -> Iterator[str]:
    for row in world.rows("paylinks_requesttry"):
        if row["state"] != "DONE" and world.is_old(row["agreed_at"]):
            yield f"request try {row['id']} is {row['state']} since {row['agreed_at']}"


CHECKS = (requests_say_what_was_paid, money_of_phones_was_agreed_to, presses_come_to_an_end)
