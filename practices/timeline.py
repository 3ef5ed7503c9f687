"""Events as people read them: what happened, who did it, with an icon and a tone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from practices.chips import BAD, CALM, GOOD, INFO, WARN
from practices.models import Event, User

# First match decides; the kinds are written by the modules that cause the events.
_LOOKS = (
    (("ALARM", "DECLINED", "FAILED", "REFUSED", "MISMATCH", "UNDELIVERED"), BAD, "error"),
    (("UNKNOWN", "UNCLEAR", "HELD", "NOT_TAKEN", "BLOCKED", "QUARANTINE"), WARN, "alert"),
    (("SUCCEEDED", "PAID", "MATCHED", "DELIVERED", "COMPLETED"), GOOD, "check"),
    (("CARD",), INFO, "card"),
    (("CONSENT", "AUTOPAY"), INFO, "shield"),
    (("MESSAGE", "TEXT", "LINK"), INFO, "send"),
    (("POST",), INFO, "sync"),
    (("PLAN", "INSTALLMENT", "SYNC"), CALM, "plan"),
)
# Actors that are not people.
_ACTORS = {
    "autopay": "Autopay",
    "sweep": "Autopay",
    "webhook": "News from the card processor",
    "reconciler": "KasperPay asked the card processor",
    "sync": "Open Dental",
    "poster": "Posting to Open Dental",
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
    text = event.text or event.kind.replace("_", " ").capitalize()
    return Line(text=text, at=event.at, by=called[event.actor], tone=tone, icon=icon)


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
