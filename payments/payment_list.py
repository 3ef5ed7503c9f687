"""The Payments list: every try to take money and every refund, newest first, with counts and totals of its filters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from hashlib import sha256
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.http import QueryDict

from core.calendar import local_date
from payments import dispute_pages, needs_posting
from payments.models import Alarm, Attempt, AttemptState, LedgerPosting, Refund, RefundState
from payments.payment_filters import FilterForm, Wanted, wanted
from practices import listing, timeline
from practices.models import Practice

PAGE_SIZE = 50
LABELS = {
    "all": "All",
    "paid": "Paid",
    "declined": "Declined",
    "in_flight": "In flight",
    "not_taken": "Not charged",
    "refunds": "Refunds",
}
# What of each kind a filter shows; None: nothing.
_TRIES: dict[str, Q | None] = {
    "all": Q(),
    "paid": Q(state=AttemptState.SUCCEEDED),
    "declined": Q(state=AttemptState.DECLINED),
    "in_flight": Q(state__in=AttemptState.open()),
    "not_taken": Q(state=AttemptState.NOT_TAKEN),
    "refunds": None,
}
_REFUNDS: dict[str, Q | None] = {"all": Q(), "in_flight": Q(state__in=RefundState.open()), "refunds": Q()}
_TRY, _REFUND = "TRY", "REFUND"


@dataclass(frozen=True)
class Row:
    """One line of the list. `posting` is how it gets into Open Dental, `by` who asked for it."""

    posting: LedgerPosting | None
    by: str
    attempt: Attempt | None = None
    refund: Refund | None = None

    @property
    def waits_for_staff(self) -> bool:
        failed = self.refund is not None and self.refund.state == RefundState.FAILED
        return failed or (self.posting is not None and self.posting.state in needs_posting.FOR_PEOPLE)


@dataclass(frozen=True)
class Totals:
    """Numbers and cents of what a filter shows: money taken, and money given back for certain."""

    taken: int = 0
    taken_cents: int = 0
    back: int = 0
    back_cents: int = 0

    @property
    def net_cents(self) -> int:
        return self.taken_cents - self.back_cents


@dataclass(frozen=True)
class Counts:
    shown: dict[str, int]
    totals: Totals

    def of(self, chosen: str) -> Totals:
        """The totals of one filter: only tries that succeeded take, only refunds give back."""
        all_of = self.totals
        if chosen == "all":
            return all_of
        if chosen == "paid":
            return Totals(taken=all_of.taken, taken_cents=all_of.taken_cents)
        return Totals(back=all_of.back, back_cents=all_of.back_cents) if chosen == "refunds" else Totals()


def page(practice: Practice, given: QueryDict, *, now: datetime) -> dict[str, Any]:
    """The page's context. An unknown status falls back to all; a filter that can't be read shows nothing."""
    form, chosen = FilterForm(given, practice=practice), _chosen(given)
    also = {
        "form": form,
        "chosen": chosen,
        "alarms": Alarm.objects.filter(practice=practice, closed_at=None).order_by("-opened_at"),
        "needs_posting": needs_posting.count(practice),
        # Asked only where somebody sees it.
        "open_disputes": partial(dispute_pages.count_open, practice),
    }
    if not form.is_valid():
        return {**also, "rows": [], "is_wrong": True}
    today, asked = local_date(now, practice.zone), wanted(form, practice)
    counts = _counts(practice, asked, form.kept)
    found = _Counted(feed(asked, chosen), PAGE_SIZE, counts.shown[chosen]).get_page(given.get("page", "1"))
    return {
        **also,
        "page": found,
        "rows": _rows(found, form.people),
        "totals": counts.of(chosen),
        "filters": _filters(counts.shown, chosen, form.kept),
        "pills": _pills(form, chosen, today),
        "query": listing.query(filter=_shorter(chosen), **form.kept),
        "is_new": counts.shown["all"] == 0 and not form.kept,
    }


def _chosen(given: QueryDict) -> str:
    chosen = given.get("filter", "")
    return chosen if chosen in LABELS else "all"


def _shorter(chosen: str) -> str:
    return "" if chosen == "all" else chosen


def chosen_of(given: QueryDict) -> str:
    """The status filter of an address."""
    return _chosen(given)


def _filters(counts: Mapping[str, int], chosen: str, kept: Mapping[str, str]) -> list[listing.Filter]:
    return [
        listing.Filter(label, counts[key], "?" + listing.query(filter=key, **kept).rstrip("&"), key == chosen)
        for key, label in LABELS.items()
    ]


def _pills(form: FilterForm, chosen: str, today: date) -> list[tuple[str, str]]:
    """(words, address without it) of each filter that is on."""
    shown = []
    for pill in form.pills(today):
        rest = {name: text for name, text in form.kept.items() if name not in pill.fields}
        shown.append((pill.words, "?" + listing.query(filter=chosen, **rest).rstrip("&")))
    return shown


class _Counted(Paginator):  # type: ignore[type-arg]
    """A paginator that is told how many there are."""

    def __init__(self, found: QuerySet[Any, Any], size: int, count: int) -> None:
        super().__init__(found, size)
        self._known = count

    @property
    def count(self) -> int:
        return self._known


def tries(asked: Wanted, chosen: str) -> QuerySet[Attempt] | None:
    """The attempts a filter shows; None where it shows none."""
    condition = _TRIES.get(chosen)
    return None if condition is None else Attempt.objects.filter(asked.tries & condition)


def refunds(asked: Wanted, chosen: str) -> QuerySet[Refund] | None:
    condition = _REFUNDS.get(chosen)
    return None if condition is None else Refund.objects.filter(asked.refunds & condition)


def feed(asked: Wanted, chosen: str) -> QuerySet[Any, Any]:
    """(kind, id, moment) of what a filter shows, newest first. Two lists that the database merges by their indexes."""
    taken, back = tries(asked, chosen), refunds(asked, chosen)
    parts: list[QuerySet[Any, Any]] = [
        rows.order_by().annotate(kind=Value(kind), row=F("pk"), at=F("started_at")).values_list("kind", "row", "at")
        for kind, rows in ((_TRY, taken), (_REFUND, back))
        if rows is not None
    ]
    if len(parts) == 1:
        return parts[0].order_by("-started_at", "-pk")
    return parts[0].union(*parts[1:], all=True).order_by("-at", "-row")


def _counts(practice: Practice, asked: Wanted, kept: Mapping[str, str]) -> Counts:
    """How much each status shows under the other filters; of a large practice up to 30 s old unless searched for."""
    named = sha256(repr(sorted(kept.items())).encode()).hexdigest()
    key = None if asked.is_search else f"payment-counts:{practice.pk}:{named}"
    return listing.kept(key, lambda: _count(asked), lambda made: made.shown["all"] >= listing.MANY)


def _count(asked: Wanted) -> Counts:
    """One question, one pass over each table."""
    names = ("kind", "n", "done", "declined", "open", "not_taken", "cents")
    taken = Attempt.objects.filter(asked.tries).order_by().values(kind=Value(_TRY))
    back = Refund.objects.filter(asked.refunds).order_by().values(kind=Value(_REFUND))
    of_tries = taken.annotate(
        n=Count("pk"), done=_n(AttemptState.SUCCEEDED), declined=_n(AttemptState.DECLINED),
        open=_n(*AttemptState.open()), not_taken=_n(AttemptState.NOT_TAKEN),
        cents=Sum("amount_cents", filter=Q(state=AttemptState.SUCCEEDED)),
    ).values_list(*names)  # fmt: skip
    of_refunds = back.annotate(
        n=Count("pk"), done=_n(RefundState.SUCCEEDED), declined=_n(RefundState.FAILED), open=_n(*RefundState.open()),
        not_taken=_n(RefundState.NOT_TAKEN), cents=Sum("amount_cents", filter=Q(state=RefundState.SUCCEEDED)),
    ).values_list(*names)  # fmt: skip
    found = {row[0]: row[1:] for row in of_tries.union(of_refunds, all=True)}
    n, done, declined, is_open, not_taken, cents = found.get(_TRY, (0,) * 6)
    refunds_n, back_n, _, refunds_open, _, back_cents = found.get(_REFUND, (0,) * 6)
    shown = {
        "all": n + refunds_n, "paid": done, "declined": declined, "in_flight": is_open + refunds_open,
        "not_taken": not_taken, "refunds": refunds_n,
    }  # fmt: skip
    return Counts(shown, Totals(done, cents or 0, back_n, back_cents or 0))


def _n(*states: str) -> Count:
    return Count("pk", filter=Q(state__in=states))


def _rows(found: Page[Any], people: Mapping[str, str]) -> list[Row]:
    """What one page shows, in its order."""
    listed = [(kind, pk) for kind, pk, _ in found]
    attempts = _attempts([pk for kind, pk in listed if kind == _TRY])
    given_back = _given_back([pk for kind, pk in listed if kind == _REFUND])
    actors = {one.actor for one in attempts.values()} | {one.actor for one in given_back.values()}
    called = _called(actors, people)
    rows: list[Row] = []
    for kind, pk in listed:
        if kind == _TRY and (attempt := attempts.get(pk)):
            payment = getattr(attempt, "payment", None)
            rows.append(Row(payment.posting if payment else None, called[attempt.actor], attempt=attempt))
        elif refund := given_back.get(pk):
            rows.append(Row(getattr(refund, "posting", None), called[refund.actor], refund=refund))
    return rows


def _called(actors: set[str], people: Mapping[str, str]) -> dict[str, str]:
    """Names; the members are known already, so that others are asked for only where there are any."""
    return {**people, **timeline.names(actors - people.keys())}


def _attempts(ids: list[int]) -> dict[int, Attempt]:
    back = Refund.objects.filter(payment__attempt=OuterRef("pk"), state=RefundState.SUCCEEDED).order_by()
    cents = back.values("payment__attempt").annotate(cents=Sum("amount_cents")).values("cents")
    rows = Attempt.objects.filter(pk__in=ids).annotate(given_back_cents=Subquery(cents))
    related = rows.select_related("card", "payment", "due_part__payer", "due_part__installment__plan__patient")
    return {row.pk: row for row in related.prefetch_related("payment__postings")}


def _given_back(ids: list[int]) -> dict[int, Refund]:
    rows = Refund.objects.filter(pk__in=ids)
    related = rows.select_related("posting", "payment__payer", "payment__attempt__card")
    return {row.pk: row for row in related}
