"""What the auditor says about work that nobody finishes: nothing for ten minutes, then a violation."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.audit.conftest import Spoiled


@pytest.mark.parametrize("state", ["STARTED", "UNKNOWN", "PENDING"])
def test_an_attempt_that_is_not_final_is_found(spoiled: Spoiled, state: str) -> None:
    row = spoiled.row("SELECT * FROM payments_attempt WHERE state = 'SUCCEEDED' ORDER BY id DESC LIMIT 1")
    attempt = spoiled.insert_like(
        "payments_attempt", spoiled.number("SELECT id FROM payments_attempt WHERE state = 'DECLINED'"),
        uuid="00000000-0000-4000-8000-000000000000", reference="", state=state,
        started_at=spoiled.books.now, channel="PAY_NOW",
        due_part_id=spoiled.number("SELECT max(id) FROM payments_duepart WHERE state = 'OPEN'"),
    )  # fmt: skip
    spoiled.insert_like(
        "practices_event", spoiled.number("SELECT min(id) FROM practices_event"),
        kind="attempt_started", about={"attempt": attempt},
    )  # fmt: skip
    assert spoiled.found() == []
    spoiled.later(minutes=11)
    assert spoiled.only("attempts_are_final") == f"attempt {attempt} of 10000 cents is {state} for 11 minutes"
    assert row["id"] != attempt


def test_an_attempt_may_be_pending_while_the_bank_works_on_it(spoiled: Spoiled) -> None:
    part = spoiled.number("SELECT max(id) FROM payments_duepart WHERE state = 'OPEN'")
    row = spoiled.row(
        "UPDATE payments_attempt SET state = 'PENDING', channel = 'PAY_NOW', due_part_id = %(part)s"
        " WHERE state = 'DECLINED' RETURNING *",
        part=part,
    )
    spoiled.stripe("payment_intent", lambda body: body.update(status="processing"), where=f"id = '{row['reference']}'")
    spoiled.sql("DELETE FROM notifications_message WHERE kind = 'PAYMENT_FAILED'")
    spoiled.sql("DELETE FROM practices_event WHERE kind = 'payment_declined'")
    assert spoiled.found() == []


@pytest.mark.parametrize("state", ["QUEUED", "SENDING", "UNCLEAR", "POSTED"])
def test_a_posting_that_is_not_final_is_found(spoiled: Spoiled, state: str) -> None:
    row = spoiled.row("SELECT * FROM payments_ledgerposting ORDER BY id DESC LIMIT 1")
    spoiled.sql(
        "UPDATE payments_ledgerposting SET state = %(state)s, created_at = %(at)s WHERE id = %(id)s",
        state=state, at=spoiled.books.now - timedelta(minutes=11), id=row["id"],
    )  # fmt: skip
    found = [violation for violation in spoiled.found() if violation.check == "postings_are_final"]
    assert [one.text for one in found] == [
        f"posting {row['id']} of {row['amount_cents']} cents is {state} for 11 minutes"
    ]


def test_a_posting_may_wait_for_an_office_that_is_away(spoiled: Spoiled) -> None:
    spoiled.sql("UPDATE payments_ledgerposting SET state = 'QUEUED' WHERE route = 'PREPAYMENT'")
    spoiled.file("opendental/offices.sqlite", "UPDATE office SET body = json_set(body, '$.offline', json('true'))")
    assert spoiled.found() == []


@pytest.mark.parametrize("state", ["QUEUED", "SENDING", "UNKNOWN"])
def test_a_message_that_is_not_final_is_found(spoiled: Spoiled, state: str) -> None:
    row = spoiled.row("SELECT * FROM notifications_message WHERE kind = 'CONSENT_COPY' ORDER BY id LIMIT 1")
    spoiled.sql("UPDATE notifications_message SET state = %(state)s WHERE id = %(id)s", state=state, id=row["id"])
    minutes = int((spoiled.books.now - row["not_before"]).total_seconds() // 60)
    text = spoiled.only("messages_are_final")
    assert text == f"message {row['id']} (CONSENT_COPY) is {state} for {minutes} minutes"


def test_a_message_may_wait_for_the_morning(spoiled: Spoiled) -> None:
    tomorrow = spoiled.books.now + timedelta(hours=9)
    spoiled.sql(
        "UPDATE notifications_message SET state = 'QUEUED', not_before = %(at)s WHERE kind = 'CONSENT_COPY'",
        at=tomorrow,
    )
    assert spoiled.found() == []


def test_a_webhook_nobody_works_on_is_found(spoiled: Spoiled) -> None:
    practice = spoiled.number("SELECT id FROM practices_practice")
    spoiled.sql(
        "INSERT INTO payments_webhookevent (practice_id, event_id, type, object_id, api_version, received_at, state, "
        "note, tries) VALUES (%(practice)s, 'evt_1', 'payment_intent.succeeded', 'pi_1', '', %(at)s, 'NEW', '', 0)",
        practice=practice, at=spoiled.books.now,
    )  # fmt: skip
    assert spoiled.found() == []
    spoiled.later(minutes=12)
    number = spoiled.number("SELECT id FROM payments_webhookevent")
    text = spoiled.only("webhooks_are_worked_through")
    assert text == f"webhook {number} (payment_intent.succeeded) is NEW for 12 minutes"


@pytest.mark.parametrize(
    ("state", "is_stuck"), [("READY", True), ("RUNNING", True), ("AGREED", False), ("DONE", False)]
)
def test_a_charge_on_a_link_that_nobody_finishes_is_found(spoiled: Spoiled, state: str, *, is_stuck: bool) -> None:
    link = spoiled.row("SELECT * FROM paylinks_patientlink")
    spoiled.sql(
        "INSERT INTO paylinks_linkcharge (uuid, practice_id, link_id, due_part_id, amount_cents, state, consent_text, "
        "language, agreed_at, refusal) VALUES (gen_random_uuid(), %(practice)s, %(link)s, %(part)s, 10000, %(state)s, "
        "'I agree', 'en', %(at)s, '')",
        practice=link["practice_id"], link=link["id"], part=link["due_part_id"], state=state, at=spoiled.books.now,
    )  # fmt: skip
    spoiled.later(minutes=11)
    number = spoiled.number("SELECT id FROM paylinks_linkcharge")
    expected = [f"link charge {number} of 10000 cents is {state}"] if is_stuck else []
    assert [(one.check, one.text) for one in spoiled.found()] == [("link_charges_are_done", text) for text in expected]


def asked_too_late(spoiled: Spoiled, part: int) -> list[str]:
    texts = [one.text for one in spoiled.found() if one.check == "due_money_is_asked_for"]
    return [text for text in texts if text.startswith(f"due part {part} ")]


def test_due_money_that_nobody_asks_for_is_found(spoiled: Spoiled) -> None:
    part = spoiled.row("SELECT * FROM payments_duepart WHERE state = 'OPEN' AND hold = '' ORDER BY id LIMIT 1")
    spoiled.at(part["next_try_at"] + timedelta(minutes=9))
    assert asked_too_late(spoiled, part["id"]) == []
    spoiled.later(minutes=2)
    assert asked_too_late(spoiled, part["id"]) == [
        f"due part {part['id']} of 10000 cents should have been tried at {part['next_try_at']}"
    ]
