"""What stands in the CSV files of the reports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain
from zoneinfo import ZoneInfo

from django.http import StreamingHttpResponse

from payments import report_csv, report_pages, settlement_rows, settlement_trail
from payments.models import Payment, Payout, PayoutLine, Refund
from payments.report_csv import Cells, dollars, text
from payments.settlement import Place, place_of
from payments.settlement_rows import Span
from payments.settlement_trail import Followed

SETTLEMENT = (
    "Day", "Time", "What", "Payer", "PatNum", "Amount", "Open Dental", "Payment number", "Reference", "Processor",
    "Counted", "Fee", "Net", "Where", "Payout", "Expected at the bank",
)  # fmt: skip
LINES = ("Day", "What", "Type", "Payer", "PatNum", "Amount", "Fee", "Net", "Suspense", "Source", "Description", "Line")


def settlement(span: Span) -> StreamingHttpResponse:
    """Every payment, refund and other line of the days, each with its trail."""
    practice_id, zone = span.practice.pk, span.zone
    payments = settlement_rows.payments_in(span).select_related("payer").prefetch_related("postings")
    refunds = settlement_rows.refunds_in(span).select_related("posting", "payment__payer")
    others = settlement_rows.other_lines_in(span).select_related("payout__carried_by", "payment__payer")

    def of_payments(rows: list[Payment]) -> list[Cells]:
        return _movements(settlement_trail.follow_payments(rows), zone)

    def of_refunds(rows: list[Refund]) -> list[Cells]:
        return _movements(settlement_trail.follow_refunds(rows), zone)

    cells: Iterator[Cells] = chain(
        report_csv.pages(practice_id, payments, "paid_at", of_payments),
        report_csv.pages(practice_id, refunds, "back_at", of_refunds),
        report_csv.pages(practice_id, others, "made_at", lambda rows: [_other(row, zone) for row in rows]),
    )
    return report_csv.stream(f"settlement-{span.start}-{span.end}.csv", SETTLEMENT, cells)


def payout_lines(payout: Payout) -> StreamingHttpResponse:
    """Every line of one payout; their net sums to its amount."""
    zone, rows = payout.practice.zone, report_pages.lines_of(payout)
    cells = report_csv.pages(payout.practice_id, rows, "made_at", lambda found: [_line(row, zone) for row in found])
    return report_csv.stream(f"payout-{payout.arrives_date}-{payout.pk}.csv", LINES, cells)


def _movements(followed: Iterable[Followed], zone: ZoneInfo) -> list[Cells]:
    return [_movement(one, zone) for one in followed]


def _movement(one: Followed, zone: ZoneInfo) -> Cells:
    posting, line = one.posting, one.line
    return [
        *_moment(one.at, zone), "Refund" if one.refund else "Payment", *_person(one.payment), dollars(one.cents),
        text(posting.get_state_display() if posting else "Not posted"), text(posting.pay_num if posting else ""),
        text(posting.reference if posting else ""), text(one.reference),
        *(_cents(line) if line else ("", "", "")), *_where(one.payout, one.place),
    ]  # fmt: skip


def _other(line: PayoutLine, zone: ZoneInfo) -> Cells:
    payout = line.carrier
    place = place_of(payout.state, None, in_hand=False)
    return [
        *_moment(line.made_at, zone), text(line.get_kind_display()), *_person(line.payment), dollars(line.amount_cents),
        "", "", "", text(line.source), *_cents(line), *_where(payout, place),
    ]  # fmt: skip


def _line(line: PayoutLine, zone: ZoneInfo) -> Cells:
    return [
        _moment(line.made_at, zone)[0], text(line.get_kind_display()), text(line.word), *_person(line.payment),
        *_cents(line), "yes" if line.is_in_suspense else "", text(line.source), text(line.description),
        text(line.reference),
    ]  # fmt: skip


def _moment(at: datetime, zone: ZoneInfo) -> tuple[str, str]:
    local = at.astimezone(zone)
    return f"{local:%Y-%m-%d}", f"{local:%H:%M}"


def _person(payment: Payment | None) -> tuple[str, str]:
    return ("", "") if payment is None else (text(payment.payer.full_name), str(payment.payer.pat_num))


def _cents(line: PayoutLine) -> tuple[str, str, str]:
    return dollars(line.amount_cents), dollars(line.fee_cents), dollars(line.net_cents)


def _where(payout: Payout | None, place: Place) -> tuple[str, str, str]:
    return str(place), text(payout.reference if payout else ""), payout.arrives_date.isoformat() if payout else ""
