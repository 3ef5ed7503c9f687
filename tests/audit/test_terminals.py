"""What the auditor says about a terminal that nobody lets go of, and about cards kept without their owner's words."""

from __future__ import annotations

from typing import Any

from tests.audit.conftest import Spoiled


def paid(spoiled: Spoiled) -> dict[str, Any]:
    """The payment of a presented card, as if it had been taken at a terminal."""
    spoiled.sql("UPDATE payments_attempt SET channel = 'TERMINAL' WHERE channel = 'HOSTED'")
    return spoiled.row("SELECT * FROM payments_attempt WHERE channel = 'TERMINAL'")


def wish(spoiled: Spoiled, attempt: dict[str, Any], state: str, card: int | None = None) -> int:
    return spoiled.number(
        "INSERT INTO terminals_cardwish"
        " (practice_id, due_part_id, state, text, text_version, given_by, given_at, card_id)"
        " VALUES (%(practice)s, %(part)s, %(state)s, 'I agree', '1', 'user:1', now(), %(card)s) RETURNING id",
        practice=attempt["practice_id"], part=attempt["due_part_id"], state=state, card=card,
    )  # fmt: skip


def test_a_terminal_that_is_kept_by_a_payment_that_is_over_is_found(spoiled: Spoiled) -> None:
    attempt = paid(spoiled)
    spoiled.sql(
        "INSERT INTO terminals_readerrun (practice_id, uuid, due_part_id, attempt_id, reader_id, state, actor, made_at,"
        " code, decline, is_stopping) VALUES (%(practice)s, gen_random_uuid(), %(part)s, %(attempt)s, 7, 'WAITING',"
        " 'user:1', now(), '', '', false)",
        practice=attempt["practice_id"], part=attempt["due_part_id"], attempt=attempt["id"],
    )  # fmt: skip
    found = spoiled.only("terminals_are_free_again")
    assert found == f"reader 7 is WAITING for attempt {attempt['id']}, which is over"


def test_a_card_that_is_saved_though_nobody_agreed_is_found(spoiled: Spoiled) -> None:
    attempt = paid(spoiled)
    where = f"id = '{attempt['reference']}'"
    spoiled.stripe("payment_intent", lambda one: one.update(setup_future_usage="off_session"), where=where)
    found = spoiled.only("terminals_keep_only_cards_that_were_agreed_to")
    assert found == f"attempt {attempt['id']} saves a card, and nobody agreed to that"


def test_a_wish_that_is_never_settled_and_a_card_without_its_words_are_found(spoiled: Spoiled) -> None:
    attempt = paid(spoiled)
    made = wish(spoiled, attempt, "OPEN")
    found = spoiled.only("terminals_keep_only_cards_that_were_agreed_to")
    assert found == f"attempt {attempt['id']} is over, and its card is neither kept nor said not to be"

    card = spoiled.number("SELECT min(id) FROM cards_card")
    spoiled.sql(
        "UPDATE terminals_cardwish SET state = 'KEPT', card_id = %(card)s WHERE id = %(id)s", card=card, id=made
    )
    found = spoiled.only("terminals_keep_only_cards_that_were_agreed_to")
    assert found == f"card {card} was kept at a terminal without a consent in the words of wish {made}"
