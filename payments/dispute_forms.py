"""Forms of the dispute pages."""

from __future__ import annotations

from typing import Any

from django import forms


class ReleaseForm(forms.Form):
    reason = forms.CharField(
        label="Why may autopay go on?", max_length=200, help_text="Kept in the timeline, with your name.",
        error_messages={"required": "Say why autopay may go on."},
    )  # fmt: skip


class SubmittedForm(forms.Form):
    day = forms.DateField(
        label="Submitted on", widget=forms.DateInput(attrs={"type": "date", "class": "short"}, format="%Y-%m-%d"),
        error_messages={"required": "Enter the day.", "invalid": "Enter a day."},
    )  # fmt: skip
    note = forms.CharField(label="Note", required=False, max_length=200)

    def refuse(self, why: str) -> None:
        """Said beside the day."""
        self.add_error("day", f"{why}.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["day"].widget.attrs["autocomplete"] = "off"
