"""The inbox against our outbox: nobody is told twice about one event, and what they are told is true."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from ops.audit.sources import Row
from ops.audit.world import World, grouped

ADDRESS = re.compile(r"https?://\S+")
LINK = "[[link]]"
CALLBACK = re.compile(r"[?&]message=(\d+)")
# What an attempt must be for the message about it.
TRUE_OF = {"PAYMENT_SUCCESSFUL": "SUCCEEDED", "PAYMENT_FAILED": "DECLINED"}
# One event of each kind, by these ids.
ONCE_PER = {
    "PAYMENT_SUCCESSFUL": ("attempt",),
    "PAYMENT_FAILED": ("attempt",),
    "PLAN_COMPLETED": ("plan",),
    "REFUND": ("refund",),
}


def nobody_is_texted_twice(world: World) -> Iterator[str]:
    """The carrier took each message of our outbox at most once (the address for its reports names the message)."""
    texts = [row for row in world.inbox if row["channel"] == "sms" and CALLBACK.search(row["callback_url"])]
    for number, found in grouped(texts, _message_number).items():
        if len(found) > 1:
            yield f"message {number} was texted {len(found)} times ({', '.join(row['sid'] for row in found)})"


def _message_number(text: Row) -> int:
    found = CALLBACK.search(text["callback_url"])
    return int(found[1]) if found else 0


def nobody_is_mailed_twice(world: World) -> Iterator[str]:
    """As many e-mails of the same words to the same person as there are messages that say so."""
    mails = [row for row in world.rows("notifications_message") if row["channel"] == "EMAIL"]
    wanted = Counter(_words(row["to"], row["subject"], row["body"]) for row in mails)
    ids = {_words(row["to"], row["subject"], row["body"]): row["id"] for row in mails}
    arrived = Counter(
        _words(row["recipient"], row["subject"], row["body"]) for row in world.inbox if row["channel"] == "email"
    )
    for words, count in arrived.items():
        if count > wanted[words]:
            about = f"message {ids[words]}" if words in ids else "no message of ours"
            yield f"{about} was mailed {count} times instead of {wanted[words]}"


def _words(to: str, subject: str, body: str) -> tuple[str, str, str]:
    return to.lower(), " ".join(subject.split()), " ".join(ADDRESS.sub(LINK, body).split())


def sent_texts_are_at_the_carrier(world: World) -> Iterator[str]:
    known = {row["sid"] for row in world.inbox}
    for row in world.rows("notifications_message"):
        if row["channel"] == "SMS" and row["state"] in ("SENT", "DELIVERED") and row["carrier_reference"] not in known:
            yield f"message {row['id']} is {row['state']}, the carrier does not have it"


def events_are_told_once(world: World) -> Iterator[str]:
    """Also in our own outbox: one message per attempt or completed plan, one reminder per installment, day and card."""
    for key, found in grouped(world.rows("notifications_message"), _event).items():
        if key and len(found) > 1:
            yield f"{key} is told by messages {[row['id'] for row in found]}"


def _event(row: Row) -> str:
    about = row["about"]
    if row["kind"] == "UPCOMING_CHARGE":
        values = row["values"]
        parts = [about.get("installment"), values.get("Payment Due Date"), values.get("Card Last 4")]
    elif row["kind"] == "CARD_UPDATED":
        parts = [about.get("card"), row["values"].get("Card Last 4"), row["values"].get("Card Expiration")]
    else:
        parts = [about.get(name) for name in ONCE_PER.get(row["kind"], ())]
    return " ".join([row["kind"], *(str(part) for part in parts)]) if parts else ""


def messages_are_true(world: World) -> Iterator[str]:
    """Nobody hears of a payment that was not taken, or of a failure that was none."""
    for row in world.rows("notifications_message"):
        expected = TRUE_OF.get(row["kind"])
        if expected and (state := world.one("payments_attempt", row["about"]["attempt"])["state"]) != expected:
            yield f"message {row['id']} says {row['kind']}, attempt {row['about']['attempt']} is {state}"
        if row["kind"] == "REFUND":
            refund = world.one("payments_refund", row["about"]["refund"])
            # One that failed later was given back as far as anybody knew.
            if refund["state"] not in ("SUCCEEDED", "FAILED"):
                yield f"message {row['id']} says REFUND, refund {refund['id']} is {refund['state']}"


def payments_have_their_receipt(world: World) -> Iterator[str]:
    """Who hands over cash or a check stands at the desk; the receipt is printed there."""
    receipts = [row for row in world.rows("notifications_message") if row["kind"] == "PAYMENT_SUCCESSFUL"]
    told = {row["about"]["attempt"] for row in receipts}
    for payment in world.card_payments:
        if payment["attempt_id"] not in told:
            yield f"payment {payment['id']} of {payment['amount_cents']} cents has no receipt"


def refunds_to_cards_are_told(world: World) -> Iterator[str]:
    told = {row["about"]["refund"] for row in world.rows("notifications_message") if row["kind"] == "REFUND"}
    by_card = {row["id"] for row in world.card_payments}
    for row in world.rows("payments_refund"):
        is_news = row["state"] == "SUCCEEDED" and row["reason"] != "DISPUTE" and row["payment_id"] in by_card
        if is_news and row["id"] not in told:
            yield f"refund {row['id']} of {row['amount_cents']} cents was told nobody"


CHECKS = (
    nobody_is_texted_twice,
    nobody_is_mailed_twice,
    sent_texts_are_at_the_carrier,
    events_are_told_once,
    messages_are_true,
    payments_have_their_receipt,
    refunds_to_cards_are_told,
)
