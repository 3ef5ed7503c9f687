"""Reading disputes for people: the list, one dispute with what is frozen and what can be shown to the bank."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import QueryDict
from django.shortcuts import get_object_or_404

from cards.models import Autopay
from payments import dispute_words, evidence, refund_rows
from payments.dispute_words import Why
from payments.models import Dispute
from payments.models.disputes import OPEN_FIRST
from practices import listing, timeline
from practices.models import Event, Practice

PAGE_SIZE = 50
LABELS = {"all": "All", "open": "Open", "lost": "Lost", "over": "Over"}
_STATES: dict[str, Q] = {
    "all": Q(),
    "open": Q(over_at=None),
    "lost": Q(state=Dispute.State.LOST),
    "over": Q(over_at__isnull=False),
}


@dataclass(frozen=True)
class Row:
    dispute: Dispute
    why: Why
    # Practice-local days in which a reply is in time; None: none is due.
    days_left: int | None

    @property
    def is_urgent(self) -> bool:
        return self.days_left is not None and self.days_left <= 3

    @property
    def time_words(self) -> str:
        """ "today", "in 4 days", "2 days late"; '' when no reply is due."""
        if self.days_left is None:
            return ""
        if self.days_left < 0:
            return f"{-self.days_left} day{'s' if self.days_left < -1 else ''} late"
        return ("today", "tomorrow")[self.days_left] if self.days_left < 2 else f"in {self.days_left} days"


def _rows_of(practice: Practice) -> QuerySet[Dispute]:
    return Dispute.objects.filter(practice=practice).select_related(
        "practice", "payment__payer", "payment__attempt__card", "payment__attempt__due_part__installment__plan"
    )


def _row(dispute: Dispute, now: datetime) -> Row:
    return Row(dispute, dispute_words.why(dispute.reason), dispute.days_left(now))


def count_open(practice: Practice) -> int:
    return Dispute.objects.filter(practice=practice, over_at=None).count()


def page(practice: Practice, given: QueryDict, *, now: datetime) -> dict[str, Any]:
    """Open ones first, of those the nearest day to reply by first. An unknown filter falls back to all."""
    chosen = given.get("filter", "")
    chosen = chosen if chosen in LABELS else "all"
    numbers = {f"n_{name}": Count("pk", filter=condition) for name, condition in _STATES.items()}
    counts = Dispute.objects.filter(practice=practice).aggregate(**numbers)
    rows = _rows_of(practice).filter(_STATES[chosen]).order_by(*OPEN_FIRST)
    found = Paginator(rows, PAGE_SIZE).get_page(given.get("page", "1"))
    return {
        "page": found,
        "rows": [_row(one, now) for one in found],
        "filters": listing.filters(LABELS, {name: counts[f"n_{name}"] for name in LABELS}, chosen, ""),
        "query": listing.query(filter=chosen if chosen != "all" else ""),
        "is_new": not counts["n_all"],
    }


def dispute_or_404(practice: Practice, dispute_id: int) -> Dispute:
    return get_object_or_404(_rows_of(practice), pk=dispute_id)


def one(dispute: Dispute, *, now: datetime) -> dict[str, Any]:
    """The context of its page. The evidence is read to tell which parts have something in them."""
    events = Event.objects.filter(practice=dispute.practice_id).about(dispute=dispute.pk).order_by("-at", "-pk")
    losses = [row for row in refund_rows.of_payment(dispute.payment) if row.refund.pk == dispute.loss_id]
    return {
        "row": _row(dispute, now),
        "dispute": dispute,
        "why": dispute_words.why(dispute.reason),
        "payment": dispute.payment,
        "frozen_plans": _frozen_plans(dispute),
        "loss": losses[0] if losses else None,
        "parts": evidence.parts(dispute),
        "bars_refunds": dispute.is_in_play and not dispute.is_refundable,
        "released_by": timeline.names({dispute.released_by})[dispute.released_by] if dispute.released_by else "",
        "lines": timeline.lines(events),
    }


def _frozen_plans(dispute: Dispute) -> list[Autopay]:
    """Whose autopay waits for this dispute."""
    if not dispute.is_frozen:
        return []
    same = Autopay.objects.filter(practice=dispute.practice_id, is_on=True, card__fingerprint=dispute.fingerprint)
    return list(same.select_related("plan__patient", "card").order_by("plan__pay_plan_num"))
