"""The rows behind the daily settlement: a handful of sums by day, however many payments there are. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import (
    BooleanField,
    Case,
    Count,
    DateTimeField,
    F,
    FilteredRelation,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce, TruncDate

from core.calendar import at_hour
from payments.models import LedgerPosting, Payment, PayoutLine, Refund, RefundState
from payments.settlement import Day, Source, Sums, place_of
from practices.models import Practice

_LINE = {"counted": Sum("line__amount_cents"), "fee": Sum("line__fee_cents"), "net": Sum("line__net_cents")}


@dataclass(frozen=True)
class Span:
    """Practice-local days from `start` to `end`, both included."""

    practice: Practice
    start: date
    end: date

    @property
    def zone(self) -> ZoneInfo:
        return self.practice.zone

    @property
    def since(self) -> datetime:
        return at_hour(self.start, 0, self.zone)

    @property
    def until(self) -> datetime:
        return at_hour(self.end + timedelta(days=1), 0, self.zone)

    def of(self, name: str) -> Q:
        return Q(**{f"{name}__gte": self.since, f"{name}__lt": self.until, "practice": self.practice})


def payments_in(span: Span) -> QuerySet[Payment]:
    return Payment.objects.filter(span.of("paid_at"))


def refunds_in(span: Span) -> QuerySet[Refund]:
    """What went back for certain, at the time it did; oldest first. Lost disputes count by the processor's line."""
    rows = Refund.objects.annotate(back_at=Coalesce("settled_at", "started_at", output_field=DateTimeField()))
    given = rows.filter(span.of("back_at"), state=RefundState.SUCCEEDED).exclude(reason=Refund.Reason.DISPUTE)
    return given.order_by("back_at", "pk")


def other_lines_in(span: Span) -> QuerySet[PayoutLine]:
    """Lines that are no payment and no standing refund of ours. What comes back with a payout is no movement."""
    ours = Q(kind=PayoutLine.Kind.PAYMENT, payment__isnull=False)
    given_back = Q(kind=PayoutLine.Kind.REFUND, refund__state=RefundState.SUCCEEDED)
    rows = PayoutLine.objects.filter(span.of("made_at")).exclude(kind=PayoutLine.Kind.RETURNED)
    return rows.exclude(ours).exclude(given_back)


def days(span: Span) -> list[Day]:
    """The days on which something moved, newest first; five queries however many."""
    found: dict[date, Day] = {}
    for source, rows in (
        (Source.PAYMENT, _payments(span)),
        (Source.REFUND, _refunds(span)),
        (Source.OTHER, _other(span)),
    ):
        for row in rows:
            place = place_of(row["held"], row["carrier"], in_hand=row["in_hand"])
            found.setdefault(row["day"], Day(row["day"])).add(source, place, _sums(row))
    for row in _postings(span):
        found.setdefault(row["day"], Day(row["day"])).add_posting(row["state"], _sums(row))
    return sorted(found.values(), key=lambda one: one.day or date.min, reverse=True)


def _sums(row: dict[str, Any]) -> Sums:
    return Sums(row["n"], row["moved"] or 0, row.get("counted") or 0, row.get("fee") or 0, row.get("net") or 0)


def _grouped(rows: QuerySet[Any], at: str, zone: ZoneInfo, **names: Any) -> Any:
    """A query of one row per day and whatever `names` tells apart."""
    return rows.annotate(day=TruncDate(at, tzinfo=zone), **names).values("day", *names).order_by()


def _in_hand(name: str) -> Case:
    return Case(When(Q(**{name: ""}), then=Value(True)), default=Value(False), output_field=BooleanField())


def _with_line(rows: Any, kind: str) -> Any:
    """Each movement with the line of this kind that holds it, if a payout does already."""
    return rows.annotate(line=FilteredRelation("payout_lines", condition=Q(payout_lines__kind=kind)))


def _payments(span: Span) -> list[dict[str, Any]]:
    rows = _with_line(payments_in(span), PayoutLine.Kind.PAYMENT)
    grouped = _grouped(rows, "paid_at", span.zone, **_held("line__payout"), in_hand=_in_hand("processor_reference"))
    return list(grouped.annotate(n=Count("pk"), moved=Sum("amount_cents"), **_LINE))


def _refunds(span: Span) -> list[dict[str, Any]]:
    rows = _with_line(refunds_in(span), PayoutLine.Kind.REFUND)
    hand = _in_hand("payment__processor_reference")
    grouped = _grouped(rows, "back_at", span.zone, **_held("line__payout"), in_hand=hand)
    return list(grouped.annotate(n=Count("pk"), moved=-Sum("amount_cents"), **_LINE))


def _other(span: Span) -> list[dict[str, Any]]:
    never = Value(False, output_field=BooleanField())
    grouped = _grouped(other_lines_in(span), "made_at", span.zone, **_held("payout"), in_hand=never)
    cents = {"moved": Sum("amount_cents"), "fee": Sum("fee_cents"), "net": Sum("net_cents")}
    return [{**row, "counted": row["moved"]} for row in grouped.annotate(n=Count("pk"), **cents)]


def _held(payout: str) -> dict[str, Any]:
    return {"held": F(f"{payout}__state"), "carrier": F(f"{payout}__carried_by__state")}


def _postings(span: Span) -> list[dict[str, Any]]:
    rows = LedgerPosting.objects.filter(practice=span.practice)
    taken = rows.filter(
        movement=LedgerPosting.Movement.PAYMENT, payment__paid_at__gte=span.since, payment__paid_at__lt=span.until
    )
    back = rows.filter(movement=LedgerPosting.Movement.REFUND, refund__in=refunds_in(span).values("pk"))
    back = back.annotate(back_at=Coalesce("refund__settled_at", "refund__started_at", output_field=DateTimeField()))
    return [
        *_by_state(taken, "payment__paid_at", span.zone, Sum("payment__amount_cents")),
        *_by_state(back, "back_at", span.zone, -Sum("refund__amount_cents")),
    ]


def _by_state(rows: Any, at: str, zone: ZoneInfo, cents: Any) -> list[dict[str, Any]]:
    grouped = rows.annotate(day=TruncDate(at, tzinfo=zone)).values("day", "state").order_by()
    return list(grouped.annotate(n=Count("pk"), moved=cents))
