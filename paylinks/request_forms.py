"""Forms of staff about requests: whom to ask and how, another amount, which ones to list."""

from __future__ import annotations

from typing import Any

from django import forms

from core.money import format_cents
from notifications import ways
from notifications.models import Channel
from patients.models import Patient
from payments.forms import read_cents
from practices.templatetags.show import phone

_NAMED = {Channel.SMS: "Text to", Channel.EMAIL: "E-mail to"}


class AskForm(forms.Form):
    """Whom to ask by which channel, of those that are allowed: "72:SMS" names the row of the person."""

    to = forms.ChoiceField(
        label="Send it", widget=forms.RadioSelect, error_messages={"required": "Choose how it is sent."}
    )
    # Made with the page, so that a double click is one request.
    click = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, people: list[Patient], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {str(one.pk): one for one in people}
        offers = [(one, way) for one in people for way in ways.offers(one)]
        self.problems = [(one, way) for one, way in offers if way.problem]
        self.fields["to"].choices = [  # type: ignore[attr-defined]
            (f"{one.pk}:{way.channel}", f"{_NAMED[Channel(way.channel)]} {phone(way.to)}, {one.full_name}")
            for one, way in offers
            if not way.problem
        ]
        if self.can_send:
            self.initial.setdefault("to", self.fields["to"].choices[0][0])  # type: ignore[attr-defined]

    @property
    def can_send(self) -> bool:
        return bool(self.fields["to"].choices)  # type: ignore[attr-defined]

    @property
    def payer(self) -> Patient:
        """Of a valid form."""
        return self.people[self.cleaned_data["to"].partition(":")[0]]

    @property
    def channel(self) -> str:
        channel: str = self.cleaned_data["to"].partition(":")[2]
        return channel


class AmountForm(forms.Form):
    amount = forms.CharField(
        label="Amount, in dollars",
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "class": "short"}),
        error_messages={"required": "Enter an amount."},
    )

    def __init__(self, *args: Any, cents: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].initial = format_cents(cents).removeprefix("$")

    def clean_amount(self) -> int:
        return read_cents(self.cleaned_data["amount"])
