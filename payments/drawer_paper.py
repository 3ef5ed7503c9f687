"""The drawer as a PDF to count by and file, and as CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone

from core.pdf import Cell, Column, Document
from payments import report_csv
from payments.drawer import Drawer, Group, Move
from payments.models import Attempt
from payments.receipt_paper import head_of
from payments.report_csv import dollars, text
from practices.templatetags.show import plain_day

HEAD = ("Day", "Time", "What", "Means", "Number", "Channel", "Payer", "PatNum", "Amount", "By", "Payment")
_SUMS = [Column("", 2.4), Column("Payments", right=True), Column("Taken", right=True), Column("Given back", right=True),
         Column("Net", right=True)]  # fmt: skip


def document(drawer: Drawer, person: str, *, now: datetime) -> Document:
    day = plain_day(drawer.span.start, drawer.span.start)
    made = Document(
        f"Drawer of {day}, {drawer.span.start.year}", head=head_of(drawer.span.practice), made_at=now,
        foot=f"Made {plain_day(timezone.localdate(now), drawer.span.start)} {timezone.localtime(now):%H:%M}",
    )  # fmt: skip
    made.rows([
        ("Person", person), ("Cash at the start", drawer.opening_cents), ("Cash taken", drawer.cash.taken_cents),
        ("Cash given back", drawer.cash.back_cents), ("Expected in the drawer", drawer.expected_cash_cents),
    ])  # fmt: skip
    made.rows([
        ("Counted", "______________________"), ("Difference", "______________________"),
        ("Signature", "______________________________________"),
    ])  # fmt: skip
    for title, groups in (("By means", drawer.means), ("By channel", drawer.channels)):
        made.heading(title)
        made.table(_SUMS, [_sums(one) for one in groups], totals=[_sums(drawer.total)])
    _add_moves(made, "Checks", drawer.checks, ("Number", lambda move: move.number))
    _add_moves(made, "Refunds and voids", drawer.refunds, ("What", lambda move: move.what))
    if drawer.ties:
        made.heading("From the Payments list to this page")
        made.rows([*((line.words, line.cents) for line in drawer.ties), ("Here", drawer.total.net_cents)])
    return made


def _sums(group: Group) -> list[Cell]:
    return [group.name, str(group.taken), group.taken_cents, group.back_cents, group.net_cents]


def _add_moves(made: Document, title: str, moves: Iterable[Move], extra: tuple[str, Callable[[Move], str]]) -> None:
    shown = list(moves)
    if not shown:
        return
    made.heading(title)
    columns = [Column("Time"), Column(extra[0]), Column("Payer", 2.4), Column("With"), Column("Amount", right=True)]
    rows: list[list[Cell]] = [
        [f"{timezone.localtime(one.at):%H:%M}", extra[1](one), one.payment.payer.full_name, one.means, one.cents]
        for one in shown
    ]
    made.table(columns, rows, totals=[["Together", "", "", "", sum(one.cents for one in shown)]])


def csv(drawer: Drawer, people: Mapping[str, str]) -> StreamingHttpResponse:
    """One line for each payment and refund; they sum to the page's net."""
    rows = [_cells(move, people) for move in drawer.moves]
    return report_csv.stream(f"drawer-{drawer.span.start}.csv", HEAD, rows)


def _cells(move: Move, people: Mapping[str, str]) -> list[str]:
    local, payer = timezone.localtime(move.at), move.payment.payer
    return [
        f"{local:%Y-%m-%d}", f"{local:%H:%M}", move.what, text(move.means), text(move.number),
        text(Attempt.Channel(move.attempt.channel).label), text(payer.full_name), str(payer.pat_num),
        dollars(move.cents), text(people.get(move.by, move.by)), str(move.payment.pk),
    ]  # fmt: skip


def answer(made: Document, drawer: Drawer) -> HttpResponse:
    answer = HttpResponse(made.render(), content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="drawer-{drawer.span.start}.pdf"'
    answer["Cache-Control"] = "no-store"
    return answer
