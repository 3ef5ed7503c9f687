"""What the auditor says about patients who were told twice, or told something that is not so."""

from __future__ import annotations

from typing import Any

import pytest

from tests.audit.conftest import Spoiled

BOX = "messaging/messaging.sqlite3"
COPY = (
    "INSERT INTO messages (sid, account_sid, channel, direction, sender, recipient, subject, body, status, "
    "callback_url, created, updated) SELECT 'SM-again', account_sid, channel, direction, sender, recipient, subject, "
    "body, status, callback_url, created, updated FROM messages WHERE channel = ? ORDER BY id LIMIT 1"
)


def message(spoiled: Spoiled, **wanted: str) -> dict[str, Any]:
    where = " AND ".join(f"{name} = '{value}'" for name, value in wanted.items())
    return spoiled.row(f"SELECT * FROM notifications_message WHERE {where} ORDER BY id LIMIT 1")


def test_a_text_that_arrived_twice_is_found(spoiled: Spoiled) -> None:
    spoiled.file(BOX, COPY, "sms")
    text = spoiled.only("nobody_is_texted_twice")
    sent = message(spoiled, channel="SMS")
    assert text == f"message {sent['id']} was texted 2 times ({sent['carrier_reference']}, SM-again)"


def test_an_e_mail_that_arrived_twice_is_found(spoiled: Spoiled) -> None:
    spoiled.file(BOX, COPY, "email")
    mailed = message(spoiled, channel="EMAIL")
    assert spoiled.only("nobody_is_mailed_twice") == f"message {mailed['id']} was mailed 2 times instead of 1"


def test_a_text_that_the_carrier_never_got_is_found(spoiled: Spoiled) -> None:
    sent = message(spoiled, channel="SMS")
    spoiled.file(BOX, "DELETE FROM messages WHERE sid = ?", sent["carrier_reference"])
    text = spoiled.only("sent_texts_are_at_the_carrier")
    assert text == f"message {sent['id']} is SENT, the carrier does not have it"


@pytest.mark.parametrize(
    ("kind", "key"),
    [("PAYMENT_SUCCESSFUL", "attempt"), ("PAYMENT_FAILED", "attempt"), ("UPCOMING_CHARGE", "installment")],
)
def test_one_event_in_two_messages_is_found(spoiled: Spoiled, kind: str, key: str) -> None:
    row = message(spoiled, kind="PAYMENT_FAILED" if kind == "PAYMENT_FAILED" else "PAYMENT_SUCCESSFUL")
    state = {"kind": kind, "state": "BLOCKED", "carrier_reference": ""}
    ids = [spoiled.insert_like("notifications_message", row["id"], dedupe_key=f"again {n}", **state) for n in (1, 2)]
    about = row["about"][key]
    text = spoiled.only("events_are_told_once")
    expected = ids if kind == "UPCOMING_CHARGE" else [row["id"], *ids]
    assert text.startswith(f"{kind} {about}")
    assert text.endswith(f"is told by messages {expected}")


def test_a_receipt_for_a_payment_that_was_not_taken_is_found(spoiled: Spoiled) -> None:
    row = message(spoiled, kind="PAYMENT_FAILED")
    spoiled.sql("UPDATE notifications_message SET kind = 'PAYMENT_SUCCESSFUL' WHERE id = %(id)s", id=row["id"])
    text = spoiled.only("messages_are_true")
    assert text == f"message {row['id']} says PAYMENT_SUCCESSFUL, attempt {row['about']['attempt']} is DECLINED"


def test_a_payment_without_a_receipt_is_found(spoiled: Spoiled) -> None:
    row = message(spoiled, kind="PAYMENT_SUCCESSFUL")
    spoiled.sql("UPDATE notifications_message SET kind = 'CONSENT_COPY' WHERE id = %(id)s", id=row["id"])
    payment = spoiled.number(f"SELECT id FROM payments_payment WHERE attempt_id = {row['about']['attempt']}")
    assert spoiled.only("payments_have_their_receipt") == f"payment {payment} of 10000 cents has no receipt"
