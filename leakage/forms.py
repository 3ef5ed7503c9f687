"""Forms about a leak."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms

LONGEST = timedelta(days=90)


class SnoozeForm(forms.Form):
    until = forms.DateField(
        label="Until", widget=forms.DateInput(attrs={"type": "date", "class": "short"}, format="%Y-%m-%d"),
        error_messages={"required": "Enter the day on which it comes back.", "invalid": "Enter a day."},
    )  # fmt: skip
    reason = forms.CharField(
        label="Why", max_length=200, error_messages={"required": "Say why it can wait."},
        help_text="Kept in the trail, with your name.",
    )  # fmt: skip

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def clean_until(self) -> date:
        until: date = self.cleaned_data["until"]
        if until <= self.today:
            raise forms.ValidationError("Choose a day after today.")
        if until > self.today + LONGEST:
            raise forms.ValidationError("At most 90 days: what waits longer is forgotten.")
        return until


class NoteForm(forms.Form):
    text = forms.CharField(label="Note", max_length=400, error_messages={"required": "Write the note."})
