"""Events as people read them: what happened, who did it, with an icon and a tone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from practices.chips import BAD, CALM, GOOD, INFO, WARN
from practices.models import Event, User

# First match decides; the kinds are written by the modules that cause the events.
_LOOKS = (
    (("DISPUTE_WON", "DISPUTE_INQUIRY_CLOSED", "DISPUTE_PREVENTED"), GOOD, "check"),
    (("DISPUTE_LOST",), BAD, "error"),
    (("DISPUTE_EVIDENCE", "DISPUTE_SUBMITTED", "DISPUTE_RELEASED"), INFO, "receipt"),
    (("DISPUTE",), WARN, "alert"),
    (("ALARM", "DECLINED", "FAILED", "REFUSED", "MISMATCH", "UNDELIVERED"), BAD, "error"),
    (("UNKNOWN", "UNCLEAR", "HELD", "NOT_TAKEN", "BLOCKED", "QUARANTINE"), WARN, "alert"),
    (("SUCCEEDED", "PAID", "MATCHED", "DELIVERED", "COMPLETED"), GOOD, "check"),
    (("CARD",), INFO, "card"),
    (("CONSENT", "AUTOPAY"), INFO, "shield"),
    (("MESSAGE", "TEXT", "LINK"), INFO, "send"),
    (("RECEIPT",), INFO, "receipt"),
    (("POST",), INFO, "sync"),
    (("PLAN", "INSTALLMENT", "SYNC"), CALM, "plan"),
)
# The code notes routes, codes and bare amounts; people read what they mean. False: the note is for us alone.
_WORDS = {
    "posting_queued": ("Waits to be sent to Open Dental", True),
    "posting_sending": ("Being sent to Open Dental", False),
    "posting_unclear": ("Open Dental gave no clear answer, so the payment is looked for there", False),
    "posting_posted": ("Recorded in Open Dental", True),
    "posting_matched": ("Read back from Open Dental, and it matches", False),
    "posting_mismatch": ("Open Dental shows something else", True),
    "posting_refused": ("Open Dental refused it", True),
    "posting_looked_at_again": ("Staff asked to look in Open Dental again", False),
    "posting_marked": ("Marked as posted by hand, not read back", True),
    "posting_unmarked": ("Staff took back that it was posted by hand", False),
    "posting_hurried": ("Staff asked to post it now", False),
    "posting_adopted": ("Staff said which payment in Open Dental it is", True),
    "posting_by_hand": ("Open Dental lets no program enter it: staff do", True),
    "posting_withdrawn": ("Not entered in Open Dental", True),
    "refund_pending": ("The card processor is working on the refund", True),
    "refund_unknown": ("No clear answer about the refund; the card processor is being asked", False),
    "refund_succeeded": ("Given back", True),
    "refund_failed": ("The refund failed", True),
    "refund_not_taken": ("Not given back", True),
}
# Actors that are not people.
_ACTORS = {
    "autopay": "Autopay",
    "sweep": "Autopay",
    "webhook": "News from the card processor",
    "reconciler": "KasperPay asked the card processor",
    "sync": "Open Dental",
    "poster": "Posting to Open Dental",
    "processor": "Somebody at the card processor",
    "recovery": "Found again after a restore",
    "sender": "Messages",
    "visitor": "Somebody not signed in",
}


@dataclass(frozen=True)
class Line:
    text: str
    at: datetime
    by: str
    tone: str
    icon: str


def lines(events: Iterable[Event]) -> list[Line]:
    """The events in the order given; two queries however many there are."""
    shown = list(events)
    called = names({event.actor for event in shown})
    return [_line(event, called) for event in shown]


def _line(event: Event, called: dict[str, str]) -> Line:
    tone, icon = _look(event.kind.upper())
    return Line(text=_text(event), at=event.at, by=called[event.actor], tone=tone, icon=icon)


def _text(event: Event) -> str:
    if event.kind in _WORDS:
        words, tells_more = _WORDS[event.kind]
        return f"{words}: {event.text}" if tells_more and event.text else words
    return event.text or event.kind.replace("_", " ").capitalize()


def _look(kind: str) -> tuple[str, str]:
    for words, tone, icon in _LOOKS:
        if any(word in kind for word in words):
            return tone, icon
    return CALM, "activity"


def names(actors: set[str]) -> dict[str, str]:
    """What to call each actor of events; one query."""
    ids = [int(actor[5:]) for actor in actors if actor.startswith("user:") and actor[5:].isdecimal()]
    people = {f"user:{user.pk}": user.name for user in User.objects.filter(pk__in=ids)}
    return {actor: people.get(actor) or _other(actor) for actor in actors}


def _other(actor: str) -> str:
    if actor.startswith("patient:"):
        return "The patient"
    return _ACTORS.get(actor) or actor.replace("_", " ").capitalize()
