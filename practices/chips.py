"""Status words people read: for every state its word, tone and icon, in one table (never color alone, WCAG 1.4.1)."""

from __future__ import annotations

from typing import NamedTuple


class Chip(NamedTuple):
    word: str
    tone: str
    icon: str


GOOD, WARN, BAD, INFO, CALM = "good", "warn", "bad", "info", "calm"
TONE_ICONS = {GOOD: "check", WARN: "alert", BAD: "error", INFO: "info", CALM: "wait"}

# Keys are "family:STATE"; the families are those of the models that own the state.
CHIPS = {
    "installment:PENDING": Chip("Pending", CALM, "clock"),
    "installment:PAID": Chip("Paid", GOOD, "check"),
    "installment:FAILED": Chip("Failed", BAD, "error"),
    "installment:OVERDUE": Chip("Overdue", BAD, "alert"),
    "installment:PROCESSING": Chip("Processing", INFO, "repeat"),
    "installment:HELD": Chip("Held", WARN, "held"),
    "installment:CANCELED": Chip("Canceled", CALM, "no"),
    "installment:CLOSED": Chip("Closed", CALM, "no"),
    "attempt:STARTED": Chip("Charging", INFO, "repeat"),
    "attempt:PENDING": Chip("Processing", INFO, "repeat"),
    "attempt:UNKNOWN": Chip("Outcome unknown", WARN, "ask"),
    "attempt:SUCCEEDED": Chip("Paid", GOOD, "check"),
    "attempt:DECLINED": Chip("Declined", BAD, "error"),
    "attempt:NOT_TAKEN": Chip("Not charged", WARN, "alert"),
    "refund:STARTED": Chip("Giving back", INFO, "repeat"),
    "refund:PENDING": Chip("Processing", INFO, "repeat"),
    "refund:UNKNOWN": Chip("Outcome unknown", WARN, "ask"),
    "refund:SUCCEEDED": Chip("Given back", GOOD, "check"),
    "refund:FAILED": Chip("Refund failed", BAD, "error"),
    "refund:NOT_TAKEN": Chip("Not given back", WARN, "alert"),
    "move:ORDERED": Chip("Being moved", INFO, "repeat"),
    "move:DONE": Chip("Moved", GOOD, "check"),
    "move:REFUSED": Chip("Not moved", WARN, "alert"),
    "posting:QUEUED": Chip("Not posted yet", INFO, "clock"),
    "posting:SENDING": Chip("Posting", INFO, "sync"),
    "posting:UNCLEAR": Chip("Looking in Open Dental", WARN, "ask"),
    "posting:POSTED": Chip("Posted, reading back", INFO, "sync"),
    "posting:MATCHED": Chip("In Open Dental", GOOD, "check"),
    "posting:MISMATCH": Chip("Open Dental differs", BAD, "alert"),
    "posting:REFUSED": Chip("Refused by Open Dental", BAD, "error"),
    "posting:BY_HAND": Chip("Staff enter it", WARN, "held"),
    "posting:MARKED": Chip("By hand, not read back", WARN, "ask"),
    "posting:WITHDRAWN": Chip("Withdrawn", CALM, "no"),
    "dispute:INQUIRY": Chip("Inquiry", WARN, "ask"),
    "dispute:INQUIRY_REVIEW": Chip("Bank reads the reply", INFO, "clock"),
    "dispute:INQUIRY_CLOSED": Chip("Inquiry closed", GOOD, "check"),
    "dispute:NEEDS_RESPONSE": Chip("Needs a reply", BAD, "alert"),
    "dispute:UNDER_REVIEW": Chip("Bank decides", INFO, "clock"),
    "dispute:PREVENTED": Chip("Prevented", CALM, "no"),
    "dispute:LOST": Chip("Lost", BAD, "error"),
    "dispute:APPEAL": Chip("Appeal needs a reply", WARN, "alert"),
    "dispute:APPEAL_REVIEW": Chip("Appeal: bank decides", INFO, "clock"),
    "dispute:WON": Chip("Won", GOOD, "check"),
    "payout:PENDING": Chip("Being prepared", INFO, "clock"),
    "payout:IN_TRANSIT": Chip("On its way", INFO, "send"),
    "payout:PAID": Chip("Paid out", GOOD, "check"),
    "payout:FAILED": Chip("Returned by the bank", BAD, "error"),
    "payout:CANCELED": Chip("Canceled", CALM, "no"),
    "message:QUEUED": Chip("Waiting", INFO, "clock"),
    "message:SENDING": Chip("Sending", INFO, "send"),
    "message:UNKNOWN": Chip("Checking with the carrier", WARN, "ask"),
    "message:SENT": Chip("Sent", INFO, "send"),
    "message:DELIVERED": Chip("Delivered", GOOD, "check"),
    "message:UNDELIVERED": Chip("Undelivered", BAD, "error"),
    "message:BLOCKED": Chip("Could not be sent", WARN, "no"),
    "message:CALLED_OFF": Chip("Not needed any more", CALM, "no"),
    "request:QUEUED": Chip("Waiting", INFO, "clock"),
    "request:SENT": Chip("Sent", INFO, "send"),
    "request:DELIVERED": Chip("Delivered", INFO, "check"),
    "request:OPENED": Chip("Opened", INFO, "link"),
    "request:PAID": Chip("Paid", GOOD, "check"),
    "request:SETTLED": Chip("Settled in the office", GOOD, "check"),
    "request:EXPIRED": Chip("Expired", WARN, "clock"),
    "request:CANCELED": Chip("Canceled", CALM, "no"),
    "request:UNDELIVERABLE": Chip("Undeliverable", BAD, "error"),
    "card:ACTIVE": Chip("Good", GOOD, "check"),
    "card:BLOCKED": Chip("Needs replacement", BAD, "error"),
    "card:REMOVED": Chip("Removed", CALM, "no"),
}


def chip(key: str, word: str = "") -> Chip:
    """The chip of "family:STATE", or of a bare tone ("good") with its own word. KeyError for an unknown key."""
    if key in TONE_ICONS:
        return Chip(word, key, TONE_ICONS[key])
    found = CHIPS[key]
    return found._replace(word=word) if word else found
