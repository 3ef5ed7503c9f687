"""The queue of ledger postings that are not settled: what waits for a person and why, what is late, what goes on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Case, Count, IntegerField, Q, QuerySet, Sum, Value, When
from django.http import QueryDict
from django.urls import reverse

from payments import needs_adjusting, refund_rows
from payments.models import LedgerPosting
from payments.needs_adjusting import LATE, Action
from practices import listing
from practices.models import Practice

State = LedgerPosting.State
PAGE_SIZE = 50
# Nothing comes of these by itself. (A refund that staff enter is recognized, but staff must enter it.)
FOR_PEOPLE = [State.REFUSED, State.MISMATCH, State.BY_HAND]
_MOVING = [State.QUEUED, State.SENDING, State.UNCLEAR, State.POSTED]
LABELS = {
    "open": "All open",
    "person": "Waits for you",
    "late": "Late",
    "moving": "On its way",
    "marked": "Posted by hand, not read back",
}
# Each state's own index serves its part (postings_of_people, postings_to_work).
_UNSETTLED = Q(state__in=FOR_PEOPLE) | Q(state__in=_MOVING)
_WHAT_TO_DO = {
    State.QUEUED: "It is posted by itself.",
    State.SENDING: "Open Dental is being asked right now.",
    State.UNCLEAR: "Open Dental is searched for it, twice, before anything is sent again.",
    State.POSTED: "It is in Open Dental and is read back by itself.",
    State.REFUSED: "Put right what Open Dental objects to, then look again. Entered by hand already? Give its number.",
    State.MISMATCH: "Correct it in Open Dental, then look again.",
    State.BY_HAND: "Enter it in Open Dental. It is recognized there within minutes, or look again.",
    State.MARKED: "Nobody has compared it with Open Dental. Give its payment number, and it is.",
}


@dataclass(frozen=True)
class Waiting:
    """One row: a posting, what staff do about it, and which buttons it has."""

    posting: LedgerPosting
    is_late: bool
    steps: str

    @property
    def waits_for_staff(self) -> bool:
        return self.posting.state in FOR_PEOPLE

    @property
    def what_to_do(self) -> str:
        if self.posting.state == State.REFUSED and not self.posting.sends:
            return "Put right what Open Dental objects to, then post it. Entered by hand already? Give its number."
        return self.steps or _WHAT_TO_DO[State(self.posting.state)]

    @property
    def hurry_words(self) -> str:
        """The button that brings the next look forward; '' = none. A search's gap proves something and is kept."""
        return {State.QUEUED: "Post now", State.POSTED: "Read back now"}.get(State(self.posting.state), "")

    @property
    def again_words(self) -> str:
        """The button of "look again"."""
        if not self.waits_for_staff:
            return ""
        never_sent = self.posting.state == State.REFUSED and not self.posting.sends
        return "Post now" if never_sent else "Look again"

    @property
    def can_call_off(self) -> bool:
        """A move that staff have not begun with in Open Dental."""
        return self.posting.state == State.BY_HAND and self.posting.movement == LedgerPosting.Movement.MOVE_OUT

    @property
    def menu(self) -> list[Action]:
        """What changes something opens in the drawer first. The addresses are opendental's, known by name."""
        if self.posting.state not in [*FOR_PEOPLE, State.MARKED]:
            return []
        named = Action("It is payment number …", reverse("posting_name", args=[self.posting.pk]), "search")
        if self.posting.state == State.MARKED:
            return [named]
        return [
            *self._elsewhere,
            named,
            Action("Mark as posted by hand", reverse("posting_mark", args=[self.posting.pk]), "held"),
        ]

    @property
    def _elsewhere(self) -> list[Action]:
        """What Open Dental refused may go to another place. An installment's payment stays on its plan."""
        is_payment = self.posting.movement in (LedgerPosting.Movement.PAYMENT, LedgerPosting.Movement.MOVE_IN)
        if not is_payment or self.posting.plan_id or self.posting.state != State.REFUSED:
            return []
        url = reverse("move_payment", args=[self.posting.payment_id])
        return [
            Action("Allocate", f"{url}?patient={self.posting.patient_id}", "money"),
            Action("Assign to patient", url, "search"),
        ]

    @property
    def menu_id(self) -> str:
        return f"posting-{self.posting.pk}"

    @property
    def menu_label(self) -> str:
        return f"Actions for {self.posting.reference}"


def unsettled(practice: Practice) -> QuerySet[LedgerPosting]:
    return LedgerPosting.objects.filter(_UNSETTLED, practice=practice)


def count(practice: Practice) -> int:
    """What the chip "Needs posting" says: payments, refunds and moves, and discounts."""
    return unsettled(practice).count() + needs_adjusting.count(practice)


def page(practice: Practice, given: QueryDict, *, now: datetime) -> dict[str, Any]:
    """The page's context; an unknown filter falls back to everything that is open. People first, then the oldest."""
    chosen = given.get("filter", "")
    chosen = chosen if chosen in LABELS else "open"
    conditions = _conditions(now)
    counts, cents = _counts(practice, conditions)
    of_discounts = needs_adjusting.conditions(now)
    discounts = needs_adjusting.counts(practice, of_discounts)
    for name, number in discounts.items():
        counts[name] += number
    rows = LedgerPosting.objects.filter(conditions[chosen], practice=practice)
    related = rows.select_related("patient", "plan", "refund", "move", "payment__attempt__card")
    found = Paginator(related.order_by(_people_first(), "created_at", "pk"), PAGE_SIZE).get_page(given.get("page", "1"))
    return {
        "page": found,
        "rows": _rows(list(found), now),
        "discounts": needs_adjusting.rows(practice, of_discounts[chosen], now=now) if discounts[chosen] else [],
        "filters": listing.filters(LABELS, counts, chosen, ""),
        "chosen": chosen,
        "query": listing.query(filter=chosen),
        "cents": cents[chosen],
        "needs_posting": counts["open"],
    }


def _conditions(now: datetime) -> dict[str, Q]:
    return {
        "open": _UNSETTLED,
        "person": Q(state__in=FOR_PEOPLE),
        "late": Q(state__in=_MOVING, created_at__lte=now - LATE),
        "moving": Q(state__in=_MOVING),
        "marked": Q(state=State.MARKED),
    }


def _counts(practice: Practice, conditions: dict[str, Q]) -> tuple[dict[str, int], dict[str, int]]:
    """Number and cents of each filter."""
    rows = LedgerPosting.objects.filter(_UNSETTLED | conditions["marked"], practice=practice)
    numbers = {f"n_{name}": Count("pk", filter=condition) for name, condition in conditions.items()}
    sums = {f"cents_{name}": Sum("amount_cents", filter=condition) for name, condition in conditions.items()}
    found = rows.aggregate(**numbers, **sums)
    return {name: found[f"n_{name}"] for name in conditions}, {name: found[f"cents_{name}"] or 0 for name in conditions}


def _people_first() -> Case:
    first = When(state__in=FOR_PEOPLE, then=Value(0))
    return Case(first, default=Value(1), output_field=IntegerField())


def _rows(postings: list[LedgerPosting], now: datetime) -> list[Waiting]:
    waiting = [one for one in postings if one.state == State.BY_HAND]
    steps = refund_rows.steps_of(one.refund_id for one in waiting if one.refund_id)
    of_moves = refund_rows.steps_of_moves(waiting)
    return [
        Waiting(
            posting=one,
            is_late=one.state in _MOVING and one.created_at <= now - LATE,
            steps=(steps.get(one.refund_id or 0) or of_moves.get(one.pk, "")) if one.state == State.BY_HAND else "",
        )
        for one in postings
    ]
