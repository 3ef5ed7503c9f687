"""Discounts in the Needs posting queue: adjustments that are not proven to stand in Open Dental, with their verbs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q
from django.urls import reverse

from payments.models import LedgerAdjustment
from practices.models import Practice

State = LedgerAdjustment.State
MOST = 50
# Posting takes seconds. Longer than this, somebody may want to know.
LATE = timedelta(minutes=10)
_MOVING = State.unsettled()
_OPEN = Q(state__in=[*_MOVING, State.BY_HAND])
_WHAT_TO_DO = {
    State.QUEUED: "It is posted by itself.",
    State.SENDING: "Open Dental is being asked right now.",
    State.UNCLEAR: "Open Dental is searched for it, twice, before anything is sent again.",
    State.POSTED: "It is in Open Dental and is read back by itself.",
    State.MARKED: "Nobody has compared it with Open Dental.",
}


@dataclass(frozen=True)
class Action:
    """An entry of a row's menu (templates/parts/menu.html)."""

    label: str
    url: str
    icon: str
    drawer: bool = True


@dataclass(frozen=True)
class Waiting:
    """One discount, what staff do about it, and which buttons it has."""

    row: LedgerAdjustment
    is_late: bool

    @property
    def waits_for_staff(self) -> bool:
        return self.row.state == State.BY_HAND

    @property
    def what_to_do(self) -> str:
        return self.row.steps if self.waits_for_staff else _WHAT_TO_DO[State(self.row.state)]

    @property
    def verb(self) -> str:
        """The button that brings the next look forward; '' = none."""
        words = {State.QUEUED: "Post now", State.POSTED: "Read back now", State.BY_HAND: "Look again"}
        return words.get(State(self.row.state), "")

    @property
    def again_url(self) -> str:
        return reverse("adjustment_again", args=[self.row.pk]) if self.waits_for_staff else ""

    @property
    def menu(self) -> list[Action]:
        if not self.waits_for_staff:
            return []
        return [Action("Mark as entered by hand", reverse("adjustment_mark", args=[self.row.pk]), "held")]

    @property
    def menu_id(self) -> str:
        return f"adjustment-{self.row.pk}"

    @property
    def menu_label(self) -> str:
        return f"Actions for {self.row.reference}"


def conditions(now: datetime) -> dict[str, Q]:
    """By the queue's filters."""
    return {
        "open": _OPEN,
        "person": Q(state=State.BY_HAND),
        "late": Q(state__in=_MOVING, created_at__lte=now - LATE),
        "moving": Q(state__in=_MOVING),
        "marked": Q(state=State.MARKED),
    }


def count(practice: Practice) -> int:
    return LedgerAdjustment.objects.filter(_OPEN, practice=practice).count()


def counts(practice: Practice, by: dict[str, Q]) -> dict[str, int]:
    """How many each filter shows."""
    rows = LedgerAdjustment.objects.filter(practice=practice).exclude(state=State.MATCHED)
    found = rows.aggregate(**{name: Count("pk", filter=condition) for name, condition in by.items()})
    return {name: int(number) for name, number in found.items()}


def rows(practice: Practice, condition: Q, *, now: datetime) -> list[Waiting]:
    """The oldest MOST, those that wait for people first."""
    found = LedgerAdjustment.objects.filter(condition, practice=practice).select_related("patient", "payment")
    ordered = sorted(found.order_by("created_at", "pk")[:MOST], key=lambda one: one.state != State.BY_HAND)
    return [Waiting(one, one.state in _MOVING and one.created_at <= now - LATE) for one in ordered]
