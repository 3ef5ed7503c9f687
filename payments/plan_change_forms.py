"""Forms of plan work at the desk: pause, skip, move, another card for one charge. Days are practice-local."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms

from cards.models import Card
from payments.forms import LANGUAGES, card_field

_DAY = {"required": "Enter a day.", "invalid": "Write a day as 2026-12-31."}


def day_field(label: str, **more: Any) -> forms.DateField:
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    return forms.DateField(label=label, widget=widget, error_messages=_DAY, **more)


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label="Why",
        max_length=200,
        error_messages={"required": "Say why; it stands in the timeline."},
        help_text="For staff, for example “asked by phone”. It stands in the plan's timeline.",
    )

    field_order: list[str] | None = None


class PauseForm(ReasonForm):
    first = day_field("First day")
    last = day_field("Last day", help_text="At most 180 days in all.")
    field_order = ["first", "last", "reason"]


class MoveForm(ReasonForm):
    day = day_field("Charge on")
    field_order = ["day", "reason"]

    def __init__(self, *args: Any, last: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["day"].help_text = f"The latest day is {last:%m/%d/%Y}."


class ChargeCardForm(ReasonForm):
    """Which card for this one charge, and that the person agreed to the text that stood there."""

    language = forms.ChoiceField(label="Language of the text", choices=LANGUAGES)
    agreed = forms.BooleanField(label="Consent", error_messages={"required": "Without it the card can't be charged."})
    shown = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, cards: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["card"] = card_field(cards)

    @property
    def card(self) -> Card:
        card: Card = self.cleaned_data["card"]
        return card
