"""Status words people read: for every state its word, tone and icon, in one table (never color alone, WCAG 1.4.1)."""

from __future__ import annotations

from typing import NamedTuple


class Chip(NamedTuple):
    word: str
    tone: str
    icon: str


GOOD, WARN, BAD, INFO, CALM = "good", "warn", "bad", "info", "calm"
TONE_ICONS = {GOOD: "check", WARN: "alert", BAD: "error", INFO: "clock", CALM: "wait"}

# Keys are "family:STATE"; the families are those of the models that own the state.
CHIPS = {
    "installment:PENDING": Chip("Pending", CALM, "clock"),
    "installment:PAID": Chip("Paid", GOOD, "check"),
    "installment:FAILED": Chip("Failed", BAD, "error"),
    "installment:OVERDUE": Chip("Overdue", BAD, "alert"),
    "installment:HELD": Chip("Held", WARN, "held"),
    "installment:CANCELED": Chip("Canceled", CALM, "no"),
    "installment:SKIPPED": Chip("Skipped", CALM, "no"),
    "installment:PROCESSING": Chip("Processing", INFO, "repeat"),
    "attempt:STARTED": Chip("Charging", INFO, "repeat"),
    "attempt:PENDING": Chip("Processing", INFO, "repeat"),
    "attempt:SUCCEEDED": Chip("Paid", GOOD, "check"),
    "attempt:DECLINED": Chip("Declined", BAD, "error"),
    "attempt:NOT_TAKEN": Chip("Not charged", WARN, "alert"),
    "attempt:UNKNOWN": Chip("Outcome unknown", WARN, "ask"),
    "attempt:CANCELED": Chip("Canceled", CALM, "no"),
    "posting:PENDING": Chip("Posting", INFO, "sync"),
    "posting:SENT": Chip("Sent, not read back", INFO, "sync"),
    "posting:POSTED": Chip("Posted", INFO, "sync"),
    "posting:MATCHED": Chip("In Open Dental", GOOD, "check"),
    "posting:UNCLEAR": Chip("Checking Open Dental", WARN, "ask"),
    "posting:REFUSED": Chip("Refused by Open Dental", BAD, "error"),
    "posting:MISMATCH": Chip("Amounts differ", BAD, "alert"),
    "posting:BY_HAND": Chip("Post by hand", WARN, "held"),
    "message:PENDING": Chip("Waiting to send", INFO, "clock"),
    "message:QUEUED": Chip("Waiting to send", INFO, "clock"),
    "message:SENDING": Chip("Sending", INFO, "send"),
    "message:SENT": Chip("Sent", INFO, "send"),
    "message:DELIVERED": Chip("Delivered", GOOD, "check"),
    "message:FAILED": Chip("Not delivered", BAD, "error"),
    "message:BLOCKED": Chip("Not sent", WARN, "no"),
    "message:CANCELED": Chip("Canceled", CALM, "no"),
}


def chip(key: str, word: str = "") -> Chip:
    """The chip of "family:STATE", or of a bare tone ("good") with its own word. KeyError for an unknown key."""
    if key in TONE_ICONS:
        return Chip(word, key, TONE_ICONS[key])
    found = CHIPS[key]
    return found._replace(word=word) if word else found
