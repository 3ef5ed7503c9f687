"""The port to card readers: what a desk asks of one, and the closed set of answers. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class ReaderAction:
    """What a reader was last told to do. `intent` '' = nothing about a payment.

    `status`: in_progress, succeeded or failed. `failure` and `decline` as the processor gave them.
    """

    status: str
    intent: str
    failure: str = ""
    decline: str = ""


@dataclass(frozen=True)
class ReaderFacts:
    """A reader as the processor knows it. `is_online` None: it can't tell. Never decide by it; only show it."""

    reference: str
    label: str
    device_type: str
    serial: str
    location: str
    is_online: bool | None
    seen_at: datetime | None
    action: ReaderAction | None

    def is_at(self, intent: str) -> bool:
        """It was told to take this payment, whatever became of that."""
        return self.action is not None and self.action.intent == intent

    def is_busy_with(self, intent: str) -> bool:
        """It still asks for a card, or the bank, for this payment."""
        return self.action is not None and self.action.intent == intent and self.action.status == "in_progress"


@dataclass(frozen=True)
class Accepted:
    """The reader has the command; its action may be over already."""

    reader: ReaderFacts


@dataclass(frozen=True)
class Busy:
    """It is with another customer, updating, in its settings, has a card inside, or asks the bank just now."""


@dataclass(frozen=True)
class Offline:
    """The processor has heard nothing of it for two minutes. Nothing is queued."""


@dataclass(frozen=True)
class TimedOut:
    """No answer. It may have heard the command all the same: look at the reader before anything is sent again."""


@dataclass(frozen=True)
class NotPayable:
    """The intent waits for no card any more: it may be paid. Only the intent can tell."""


@dataclass(frozen=True)
class Refused:
    """Nothing happened at the reader. `code` as the processor gave it, `reason` in plain words."""

    code: str
    reason: str


ReaderAnswer = Accepted | Busy | Offline | TimedOut | NotPayable | Refused


@dataclass(frozen=True)
class Place:
    """Where readers stand. US addresses only."""

    name: str
    line1: str
    city: str
    state: str
    postal_code: str

    @property
    def address(self) -> dict[str, Any]:
        parts = {"line1": self.line1, "city": self.city, "state": self.state, "postal_code": self.postal_code}
        return {**parts, "country": "US"}


class UnableToSetUp(Exception):
    """A place or a reader that the processor did not accept; the text says why in plain words.

    `field` names what was wrong with it: code, label, location, name, line1, city, state, postal_code; '' = the whole.
    """

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field
