"""What the auditor says about disputes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.audit.conftest import Spoiled
from tests.audit.test_refunds import refund

CENTS = 30_00


def dispute(spoiled: Spoiled, state: str = "UNDER_REVIEW", status: str = "under_review", **row: Any) -> dict[str, Any]:
    """$30 of an early payment is disputed: at the processor, and here with its event. Returns the row."""
    payment = spoiled.row(
        "SELECT p.*, c.fingerprint FROM payments_payment p JOIN payments_ledgerposting l ON l.payment_id = p.id "
        "JOIN payments_attempt a ON a.id = p.attempt_id JOIN cards_card c ON c.id = a.card_id "
        "WHERE l.route = 'PREPAYMENT'"
    )
    since = spoiled.books.now
    spoiled.later(hours=6, minutes=11)
    there = spoiled.stripe_copy("charge", {
        "object": "dispute", "amount": CENTS, "payment_intent": payment["processor_reference"], "status": status,
        "created": int(since.timestamp()), "balance_transactions": [{"amount": -CENTS}],
    })  # fmt: skip
    spoiled.file("stripe/stripe.sqlite3", "UPDATE objects SET object = 'dispute' WHERE id = ?", there)
    fields = {
        "practice_id": payment["practice_id"], "payment_id": payment["id"], "reference": there, "state": state,
        "reason": "fraudulent", "network_code": "", "amount_cents": CENTS, "withdrawn_cents": CENTS, "fee_cents": 0,
        "is_refundable": False, "made_at": since, "heard_at": since, "fingerprint": payment["fingerprint"],
        "is_frozen": True, "released_by": "", "release_reason": "", "submitted_note": "", **row,
    }  # fmt: skip
    names, marks = ", ".join(fields), ", ".join(f"%({name})s" for name in fields)
    made = spoiled.row(f"INSERT INTO payments_dispute ({names}) VALUES ({marks}) RETURNING *", **fields)  # noqa: S608
    event = spoiled.number("SELECT min(id) FROM practices_event")
    after = {"state": made["state"], "withdrawn_cents": made["withdrawn_cents"], "is_frozen": made["is_frozen"]}
    spoiled.insert_like(
        "practices_event", event, kind="dispute_opened", about={"dispute": made["id"]}, after=after, at=since
    )
    return made


def test_a_dispute_that_all_books_know_is_fine(spoiled: Spoiled) -> None:
    dispute(spoiled)
    assert spoiled.found() == []


def test_a_dispute_nobody_heard_of_or_heard_of_wrongly_is_found(spoiled: Spoiled) -> None:
    row = dispute(spoiled)
    spoiled.stripe("dispute", lambda body: body.update(status="won"))
    expected = f"dispute {row['reference']} is ('WON', 3000) at the processor and"
    assert spoiled.only("disputes_are_known") == f"{expected} [('UNDER_REVIEW', 3000)] here"
    spoiled.sql("DELETE FROM payments_dispute")
    assert spoiled.only("disputes_are_known") == f"{expected} [] here"


def test_a_lost_dispute_that_is_not_booked_is_found_and_one_that_is_booked_is_fine(spoiled: Spoiled) -> None:
    row = dispute(spoiled, "LOST", "lost", is_frozen=False)
    text = spoiled.only("lost_disputes_left_the_books_once")
    assert text == f"dispute {row['reference']} is lost with 3000 cents gone, booked are []"

    refund(spoiled)
    spoiled.file("stripe/stripe.sqlite3", "DELETE FROM objects WHERE object = 'refund'")
    spoiled.sql(
        "UPDATE payments_refund SET reason = 'DISPUTE', origin = 'ELSEWHERE', actor = 'processor', "
        "reference = %(there)s",
        there=row["reference"],
    )
    assert spoiled.found() == []
    spoiled.stripe("dispute", lambda body: body.update(status="won", balance_transactions=[]))
    spoiled.sql("UPDATE payments_dispute SET state = 'WON', withdrawn_cents = 0")
    spoiled.sql("UPDATE practices_event SET after = %(after)s WHERE kind = 'dispute_opened'",
                after=Jsonb({"state": "WON", "withdrawn_cents": 0}))  # fmt: skip
    text = spoiled.only("lost_disputes_left_the_books_once")
    assert text == f"dispute {row['reference']} is won with 0 cents gone, booked are [3000]"


def test_a_loss_of_a_dispute_that_is_not_there_is_found(spoiled: Spoiled) -> None:
    refund(spoiled)
    spoiled.file("stripe/stripe.sqlite3", "DELETE FROM objects WHERE object = 'refund'")
    spoiled.sql("UPDATE payments_refund SET reason = 'DISPUTE', origin = 'ELSEWHERE', reference = 'du_none'")
    text = spoiled.only("lost_disputes_left_the_books_once")
    assert text == "a loss is booked for dispute du_none, which the processor does not know"


def test_autopay_with_a_frozen_card_is_found(spoiled: Spoiled) -> None:
    row = dispute(spoiled)
    attempt = spoiled.number(
        "UPDATE payments_attempt SET channel = 'AUTOPAY', started_at = %(at)s WHERE id = (SELECT min(a.id) "
        "FROM payments_attempt a JOIN cards_card c ON c.id = a.card_id WHERE c.fingerprint = %(number)s "
        "AND a.state = 'SUCCEEDED') RETURNING id",
        at=spoiled.books.now - timedelta(hours=2), number=row["fingerprint"],
    )  # fmt: skip
    texts = {violation.check: violation.text for violation in spoiled.found()}
    expected = f"attempt {attempt} charged a card by autopay that dispute {row['id']} has frozen"
    assert texts["frozen_cards_are_not_charged_by_autopay"] == expected


def test_a_dispute_without_its_events_is_found(spoiled: Spoiled) -> None:
    row = dispute(spoiled)
    spoiled.sql("DELETE FROM practices_event WHERE kind = 'dispute_opened'")
    text = spoiled.only("disputes_have_their_events")
    assert text == f"dispute {row['id']} is UNDER_REVIEW, its events are []"


@pytest.mark.parametrize(
    ("state", "status", "kind", "key", "what"),
    [
        ("NEEDS_RESPONSE", "needs_response", "DISPUTE_OPEN", "dispute:{}:needs_response", "is NEEDS_RESPONSE"),
        ("WON", "won", "DISPUTE_OPEN", "dispute:{}:won", "is WON"),
    ],
)
def test_a_dispute_that_asks_for_somebody_needs_its_alarm(
    spoiled: Spoiled, state: str, status: str, kind: str, key: str, what: str
) -> None:
    row = dispute(spoiled, state, status, is_frozen=state != "WON")
    key = key.format(row["reference"])
    text = spoiled.only("trouble_has_its_alarm")
    assert text == f"dispute {row['id']} of 3000 cents {what}, and no alarm {key} says so"
    spoiled.alarm(row["practice_id"], kind, key, dispute=row["id"])
    assert spoiled.found() == []
