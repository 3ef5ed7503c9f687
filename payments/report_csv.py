"""Reports as CSV of any size, a page of rows at a time; no cell can become a formula in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import StreamingHttpResponse

from practices import tenancy

ROWS = 500
# Source: OWASP, "CSV Injection".
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
Row = TypeVar("Row", bound=Model)
Cells = list[str]


class _Line:
    """What csv.writer writes to: gives each line back."""

    def write(self, text: str) -> str:
        return text


def text(value: object) -> str:
    """A cell of words. One that a spreadsheet would take for a formula begins with an apostrophe."""
    words = "" if value is None else str(value)
    return f"'{words}" if words.lstrip(" ").startswith(_FORMULA) else words


def dollars(cents: int | None) -> str:
    """A cell of money as a plain number, 12860 -> "128.60", -500 -> "-5.00"."""
    if cents is None:
        return ""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def stream(name: str, head: Sequence[str], cells: Iterable[Cells]) -> StreamingHttpResponse:
    """A download called `name`; `cells` are asked for while it is sent."""

    def lines() -> Iterator[str]:
        writer: Any = csv.writer(_Line())
        # Spreadsheets take a file without this mark for another encoding.
        yield "\ufeff" + writer.writerow(head)
        for row in cells:
            yield writer.writerow(row)

    answer = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def pages(practice_id: int, rows: QuerySet[Row], at: str, cells: Callable[[list[Row]], list[Cells]]) -> Iterator[Cells]:
    """All rows by the moment `at`, ROWS at a time: no long transaction, no cursor open while somebody downloads slowly.

    Each page is read in the practice's scope, which has ended for the request when its answer is being sent.
    """
    rest = rows.order_by(at, "pk")
    while True:
        with tenancy.scope(practice_id):
            found = list(rest[:ROWS])
            made = cells(found)
        yield from made
        if len(found) < ROWS:
            return
        moment, last = getattr(found[-1], at), found[-1].pk
        rest = rows.filter(Q(**{f"{at}__gt": moment}) | Q(**{at: moment}, pk__gt=last)).order_by(at, "pk")
