"""The days a report is about, from the address; a wrong one gets a plain answer beside its field."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.http import QueryDict

from core.calendar import local_date
from payments.settlement_rows import Span
from practices.models import Practice

DAYS, MOST_DAYS = 14, 366
FIRST, LAST = date(2000, 1, 1), date(2100, 1, 1)
_WRONG = {"invalid": "Enter a day such as 03/10/2026.", "required": "Enter a day."}


class SpanForm(forms.Form):
    start = forms.DateField(
        label="From", widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}), error_messages=_WRONG
    )
    end = forms.DateField(
        label="To", widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}), error_messages=_WRONG
    )

    def __init__(self, practice: Practice, given: QueryDict, now: datetime) -> None:
        today = local_date(now, practice.zone)
        usual = {"start": (today - timedelta(days=DAYS - 1)).isoformat(), "end": today.isoformat()}
        super().__init__({name: given.get(name) or usual[name] for name in usual})
        self._practice = practice

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        start, end = data.get("start"), data.get("end")
        for name, day in (("start", start), ("end", end)):
            if day is not None and not FIRST <= day <= LAST:
                self.add_error(name, "Enter a day between 2000 and 2100.")
        if start and end and end < start:
            self.add_error("end", "The last day must not be before the first.")
        if start and end and end - start >= timedelta(days=MOST_DAYS):
            self.add_error("end", f"At most {MOST_DAYS} days at a time.")
        return data

    @property
    def span(self) -> Span:
        """Of a valid form."""
        return Span(self._practice, self.cleaned_data["start"], self.cleaned_data["end"])
