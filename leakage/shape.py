"""The shape of a cause: what it finds, which button fixes it, and what became of a leak it no longer finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property

from core.calendar import local_date
from leakage import owed
from leakage.models import Leak
from leakage.owed import Owed
from practices.models import Practice


class Group(StrEnum):
    """The filters of the Dashboard; the value stands in its address."""

    CARDS = "cards"
    POSTING = "posting"
    REQUESTS = "requests"
    BANK = "bank"
    SYNC = "sync"


@dataclass(frozen=True)
class Found:
    """One thing that leaks now. `paid_cents`: what has been paid on it so far, where it can be paid in parts."""

    key: str
    cents: int
    since: datetime
    words: str
    about: dict[str, int]
    patient_id: int | None
    paid_cents: int = 0


@dataclass(frozen=True)
class Back:
    """What became of a leak that is gone. `cents` of it, never more than leaked."""

    outcome: Leak.Outcome
    cents: int = 0
    by: str = ""


GONE = Back(Leak.Outcome.GONE)


@dataclass(frozen=True)
class Button:
    """The one action: a page named `view` with the id `about[of]`. `post` changes something at once; else a page."""

    label: str
    view: str
    of: str = ""
    drawer: bool = True
    post: bool = False


@dataclass(frozen=True)
class Around:
    """What all causes of one look share: the practice, the time, and what is owed on plans, read once."""

    practice: Practice
    now: datetime

    @cached_property
    def today(self) -> date:
        return local_date(self.now, self.practice.zone)

    @cached_property
    def owed(self) -> list[Owed]:
        return owed.late(self.practice, self.now)


@dataclass(frozen=True)
class Cause:
    name: Leak.Cause
    group: Group
    tone: str
    button: Button
    # When it closes by itself, for people.
    closes: str
    find: Callable[[Around], Iterable[Found]]
    # What became of leaks that are no longer found, by id; what is not named is GONE.
    came_back: Callable[[Sequence[Leak]], dict[int, Back]] = field(default=lambda _leaks: {})
