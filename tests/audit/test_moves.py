"""What the auditor says about payments that were moved, and about those that the ledger was not told of."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.audit.conftest import Spoiled


def moved(spoiled: Spoiled, kind: str = "SPLITS", state: str = "DONE", **more: Any) -> dict[str, Any]:
    """The $35 of a card page, as if they had been moved to where they are, with events. Returns the move."""
    payment = spoiled.row(
        "SELECT p.*, d.sale_id FROM payments_payment p JOIN payments_attempt a ON a.id = p.attempt_id"
        " JOIN payments_duepart d ON d.id = a.due_part_id WHERE a.channel = 'HOSTED'"
    )
    fields = {
        "practice_id": payment["practice_id"], "payment_id": payment["id"], "target_id": payment["sale_id"],
        "kind": kind, "state": state, "state_reason": "", "reason": "look", "actor": "user:1",
        "before": "", "after": "", "started_at": spoiled.books.now - timedelta(hours=1), "next_at": spoiled.books.now,
        "tries": 0, **more,
    }  # fmt: skip
    names, marks = ", ".join(fields), ", ".join(f"%({name})s" for name in fields)
    move = spoiled.row(f"INSERT INTO payments_move ({names}) VALUES ({marks}) RETURNING *", **fields)  # noqa: S608
    event = spoiled.number("SELECT min(id) FROM practices_event")
    for word in ("move_ordered", *([f"move_{state.lower()}"] if state != "ORDERED" else [])):
        spoiled.insert_like("practices_event", event, kind=word, about={"move": move["id"]})
    return move


def said(spoiled: Spoiled, check: str) -> list[str]:
    return [one.text for one in spoiled.found() if one.check == check]


def test_a_move_that_all_books_know_is_fine(spoiled: Spoiled) -> None:
    moved(spoiled)
    assert spoiled.found() == []


def test_a_move_that_never_ends_is_found(spoiled: Spoiled) -> None:
    move = moved(spoiled, state="ORDERED")
    expected = f"move {move['id']} of payment {move['payment_id']} is still under way"
    assert spoiled.only("moves_come_to_an_end") == expected
    spoiled.alarm(move["practice_id"], "MOVE_STUCK", f"move:{move['id']}")
    assert spoiled.found() == []


def test_a_payment_that_was_taken_off_and_not_posted_again_is_found(spoiled: Spoiled) -> None:
    move = moved(spoiled, "REPOST")
    own = spoiled.number(f"SELECT id FROM payments_ledgerposting WHERE payment_id = {move['payment_id']}")
    for movement, cents, state in (("MOVE_OUT", -35_00, "MATCHED"), ("MOVE_IN", 35_00, "WITHDRAWN")):
        spoiled.insert_like(
            "payments_ledgerposting", own, movement=movement, amount_cents=cents, state=state, move_id=move["id"],
            reference=f"KP-{movement}", pay_num=None,
        )  # fmt: skip
    expected = f"move {move['id']} is DONE, its postings are MATCHED -3500, WITHDRAWN 3500"
    assert said(spoiled, "moved_payments_are_posted_again") == [expected]


def test_a_moved_payment_that_stands_elsewhere_is_found(spoiled: Spoiled) -> None:
    first = spoiled.row("SELECT s.*, l.proc_num FROM payments_sale s JOIN payments_saleline l ON l.sale_id = s.id "
                        "WHERE l.proc_num IS NOT NULL ORDER BY s.id")  # fmt: skip
    move = moved(spoiled, target_id=first["id"])
    text = spoiled.only("moved_payments_stand_where_they_belong")
    assert text.startswith(f"payment {move['payment_id']} was moved to {{{first['proc_num']}: 9000}}, it stands on ")


def test_a_move_that_nobody_ordered_is_found(spoiled: Spoiled) -> None:
    move = moved(spoiled)
    spoiled.sql("DELETE FROM practices_event WHERE kind = 'move_ordered'")
    assert spoiled.only("moves_have_their_events") == f"move {move['id']} is DONE, its events are {{'move_done': 1}}"


def test_a_payment_that_the_ledger_was_not_told_of_without_a_void_is_found(spoiled: Spoiled) -> None:
    posting = spoiled.row("SELECT * FROM payments_ledgerposting WHERE route = 'PREPAYMENT'")
    spoiled.sql("UPDATE payments_ledgerposting SET state = 'WITHDRAWN' WHERE id = %(id)s", id=posting["id"])
    assert said(spoiled, "withdrawn_payments_were_voided") == [
        f"posting {posting['id']} of 10000 cents is withdrawn, 0 were voided",
        f"posting {posting['id']} is withdrawn, payments [{posting['pay_num']}] are in the ledger",
    ]


def test_a_payment_that_was_moved_onto_a_plan_and_is_not_on_it_is_found(spoiled: Spoiled) -> None:
    installment = spoiled.number("SELECT max(id) FROM payplans_installment")
    move = moved(spoiled, installment_id=installment)
    text = spoiled.only("moved_payments_pay_their_installment")
    assert text == f"payment {move['payment_id']} was moved onto installment {installment}, 0 are there"
