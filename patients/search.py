"""Finding a patient by name, phone, birth date, PatNum or the last four digits of a saved card."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime

from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.db.models.expressions import RawSQL

from patients.models import Patient
from practices.models import Practice

# Answer with the ids of patients that something in a higher app knows by these four digits (decisions 2).
Finder = Callable[[str], Iterable[int]]
_finders: list[Finder] = []

_DATE_FORMATS = ("%m/%d/%Y", "%m-%d-%Y", "%Y-%m-%d", "%m/%d/%y")


def add_last4_finder(finder: Finder) -> None:
    """Called once by the composition root for every app that knows cards."""
    if finder not in _finders:
        _finders.append(finder)


def find(practice: Practice, text: str, *, most: int | None = None) -> QuerySet[Patient]:
    """Patients of the practice that match, the exact PatNum first, then by name. Nothing for an empty text.

    `most`: no more are wanted (besides those found by number), which is quicker where many match.
    """
    wanted = text.strip().lower()
    everybody = Patient.objects.filter(practice=practice, gone_at=None)
    if not wanted:
        return everybody.none()
    born = _as_date(wanted)
    number = int(wanted) if wanted.isdecimal() and len(wanted) < 18 else -1
    matches = everybody.filter(birth_date=born) if born else everybody.filter(pk__in=_matching(wanted, number, most))
    if number < 0:
        return matches.order_by("last_name", "first_name", "pk")
    exact = Case(When(pat_num=number, then=Value(0)), default=Value(1), output_field=IntegerField())
    return matches.annotate(rank=exact).order_by("rank", "last_name", "first_name", "pk")


def _matching(wanted: str, number: int, most: int | None) -> RawSQL:
    """Ids, found by a function of the database that may use the index of words (migration 0003)."""
    digits = _digits(wanted)
    also: list[int] = []
    if digits and not re.search(r"[^\d\s().+\-]", wanted):
        # People write a phone number with a leading 1 or +1; it is kept as ten digits.
        words = [digits[1:] if len(digits) == 11 and digits.startswith("1") else digits]
        also = [*_by_last4(digits), *Patient.objects.filter(pat_num=number).values_list("pk", flat=True)]
    else:
        words = [word.strip(",") for word in wanted.split()]
    return RawSQL("SELECT patients_matching(%s::text[], %s::bigint[], %s)", [words, also, most])  # noqa: S611


def _by_last4(digits: str) -> list[int]:
    if len(digits) != 4:
        return []
    return [patient_id for finder in _finders for patient_id in finder(digits)]


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _as_date(text: str) -> date | None:
    for shape in _DATE_FORMATS:
        try:
            # Only the calendar day is used; there is no time zone in a birth date.
            return datetime.strptime(text, shape).date()  # noqa: DTZ007
        except ValueError:
            continue
    return None
