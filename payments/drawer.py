"""The drawer of one person on one practice-local day: what they took and gave back, by means and by channel.

A payment counts on the day it was taken, as in the daily settlement; the Payments list shows a try on the day it
began. Where those differ, at midnight, the difference stands in lines of its own. Cents; refunds below zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet, Sum

from payments import settlement_rows, upward
from payments.models import Attempt, AttemptState, Payment, Refund, RefundState
from payments.settlement_rows import Span

CASH, CHECK = "Cash", "Check"
_WHAT = {Refund.Reason.VOID.value: "Void", Refund.Reason.DISPUTE.value: "Lost dispute"}
# What offices call them in Open Dental's list of payment types.
_NAMED = ((CASH, ("cash", "efectivo")), (CHECK, ("check", "cheque")))


@dataclass(frozen=True)
class Move:
    """A payment, or a refund (cents below zero). `by` is the actor who ordered it."""

    payment: Payment
    at: datetime
    cents: int
    means: str
    by: str
    began_that_day: bool
    refund: Refund | None = None

    @property
    def attempt(self) -> Attempt:
        return self.payment.attempt

    @property
    def what(self) -> str:
        if self.refund is None:
            return "Payment"
        return _WHAT.get(self.refund.reason, "Refund")

    @property
    def number(self) -> str:
        """Of a check: "1044"; '' where none was written down."""
        return self.attempt.paid_with.partition(" ")[2] if self.means == CHECK else ""


@dataclass
class Group:
    """Payments and refunds of one means or channel."""

    name: str
    taken: int = 0
    taken_cents: int = 0
    back: int = 0
    back_cents: int = 0

    @property
    def net_cents(self) -> int:
        return self.taken_cents + self.back_cents

    def add(self, move: Move) -> None:
        if move.refund is None:
            self.taken, self.taken_cents = self.taken + 1, self.taken_cents + move.cents
        else:
            self.back, self.back_cents = self.back + 1, self.back_cents + move.cents


@dataclass(frozen=True)
class Tie:
    """A line between this page and the Payments list."""

    words: str
    cents: int


@dataclass
class Drawer:
    """`opening_cents` is what the drawer began with, as somebody typed it."""

    span: Span
    actor: str
    opening_cents: int = 0
    moves: list[Move] = field(default_factory=list)
    # In the list of that day, but taken or given back on another one.
    began_only: Group = field(default_factory=lambda: Group(""))

    @property
    def total(self) -> Group:
        return _sum("Together", self.moves)

    @property
    def means(self) -> list[Group]:
        """Cash and checks first, then other types and cards by name."""
        first = {CASH: 0, CHECK: 1}
        return sorted(_groups(self.moves, lambda move: move.means), key=lambda one: (first.get(one.name, 2), one.name))

    @property
    def channels(self) -> list[Group]:
        found = _groups(self.moves, lambda move: Attempt.Channel(move.attempt.channel).label)
        return sorted(found, key=lambda one: one.name)

    @property
    def checks(self) -> list[Move]:
        return [move for move in self.moves if move.means == CHECK and move.refund is None]

    @property
    def refunds(self) -> list[Move]:
        return [move for move in self.moves if move.refund is not None]

    @property
    def cash(self) -> Group:
        return _sum(CASH, (move for move in self.moves if move.means == CASH))

    @property
    def check(self) -> Group:
        return _sum(CHECK, (move for move in self.moves if move.means == CHECK))

    @property
    def cards(self) -> Group:
        """Through the card processor, whatever the channel."""
        return _sum("Cards", (move for move in self.moves if move.attempt.channel != Attempt.Channel.RECORDED))

    @property
    def expected_cash_cents(self) -> int:
        return self.opening_cents + self.cash.net_cents

    @property
    def listed(self) -> Group:
        """What the Payments list of that day and person sums to."""
        found = _sum("", (move for move in self.moves if move.began_that_day))
        one = self.began_only
        found.taken, found.taken_cents = found.taken + one.taken, found.taken_cents + one.taken_cents
        found.back, found.back_cents = found.back + one.back, found.back_cents + one.back_cents
        return found

    @property
    def ties(self) -> list[Tie]:
        """From the Payments list's net to this page's, line by line; empty where they are the same."""
        before = _sum("", (move for move in self.moves if not move.began_that_day)).net_cents
        lines = [
            Tie("Begun on this day, done on another", -self.began_only.net_cents),
            Tie("Begun on another day, done on this one", before),
        ]
        shown = [line for line in lines if line.cents]
        return [Tie("Payments list of this day", self.listed.net_cents), *shown] if shown else []


def _groups(moves: Iterable[Move], name_of: Any) -> list[Group]:
    found: dict[str, Group] = {}
    for move in moves:
        found.setdefault(name_of(move), Group(name_of(move))).add(move)
    return list(found.values())


def _sum(name: str, moves: Iterable[Move]) -> Group:
    found = Group(name)
    for move in moves:
        found.add(move)
    return found


def read(span: Span, actor: str, opening_cents: int = 0) -> Drawer:
    """The drawer of `actor` ('' = everyone) on the one day of the span. Five queries."""
    types = upward.handlers.payment_types(span.practice.pk)
    taken = [_taken(one, types, span) for one in _payments(span, actor)]
    back = [_back(one, types, span) for one in _refunds(span, actor)]
    moves = sorted([*taken, *back], key=lambda move: (move.at, move.cents))
    return Drawer(span, actor, opening_cents, moves, _began_only(span, actor))


def _payments(span: Span, actor: str) -> QuerySet[Payment]:
    rows = settlement_rows.payments_in(span).select_related("payer", "attempt__card")
    return rows.filter(attempt__actor=actor) if actor else rows


def _refunds(span: Span, actor: str) -> QuerySet[Refund]:
    rows = settlement_rows.refunds_in(span).select_related("payment__payer", "payment__attempt__card")
    return rows.filter(actor=actor) if actor else rows


def _taken(payment: Payment, types: dict[int, str], span: Span) -> Move:
    attempt = payment.attempt
    began = span.since <= attempt.started_at < span.until
    return Move(payment, payment.paid_at, payment.amount_cents, means_of(attempt, types), attempt.actor, began)


def _back(refund: Refund, types: dict[int, str], span: Span) -> Move:
    payment, at = refund.payment, refund.settled_at or refund.started_at
    began = span.since <= refund.started_at < span.until
    means = means_of(payment.attempt, types)
    return Move(payment, at, refund.back_cents, means, refund.actor, began, refund)


def means_of(attempt: Attempt, types: dict[int, str]) -> str:
    """ "Cash", "Check", another payment type of the office, or the card's brand."""
    card = attempt.card_told
    if card is not None:
        return card.brand or "Card"
    name = types.get(attempt.pay_type_num or 0, attempt.paid_with) or "Other"
    low = name.lower()
    return next((means for means, words in _NAMED if any(word in low for word in words)), name)


def _began_only(span: Span, actor: str) -> Group:
    """What the Payments list counts on this day because it began then, though it was done on another one."""
    began = Q(practice=span.practice, started_at__gte=span.since, started_at__lt=span.until)
    began &= Q(actor=actor) if actor else Q()
    that_day = Q(payment__paid_at__gte=span.since, payment__paid_at__lt=span.until)
    tries = Attempt.objects.filter(began, state=AttemptState.SUCCEEDED).exclude(that_day)
    back = Refund.objects.filter(began, state=RefundState.SUCCEEDED)
    back = back.filter(Q(settled_at__lt=span.since) | Q(settled_at__gte=span.until))
    taken_cents, back_cents = (rows.aggregate(cents=Sum("amount_cents"))["cents"] or 0 for rows in (tries, back))
    return Group("", taken_cents=taken_cents, back_cents=-back_cents)
