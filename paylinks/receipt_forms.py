"""The birth date that opens a receipt, in three fields; and how staff want it sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from notifications.models import Channel
from notifications.ways import Way
from practices.templatetags.show import phone

NOT_A_DATE = _("That is not a date. Write month, day and year in numbers.")


def _number(label: Any, name: str, digits: int, least: int = 1) -> forms.IntegerField:
    typed = {"inputmode": "numeric", "autocomplete": f"bday-{name}", "size": digits, "maxlength": digits}
    return forms.IntegerField(label=label, min_value=least, widget=forms.TextInput(attrs=typed))


class BirthDateForm(forms.Form):
    month = _number(_("Month"), "month", 2)
    day = _number(_("Day"), "day", 2)
    # "86" is no guess, and costs no try.
    year = _number(_("Year"), "year", 4, 1900)

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        try:
            found["born"] = date(found["year"], found["month"], found["day"])
        except (KeyError, ValueError, OverflowError) as error:
            raise forms.ValidationError(NOT_A_DATE) from error
        return found

    @property
    def born(self) -> date:
        """Of a valid form."""
        born: date = self.cleaned_data["born"]
        return born


class SendForm(forms.Form):
    channel = forms.ChoiceField(
        label="Send it", widget=forms.RadioSelect, error_messages={"required": "Choose how it is sent."}
    )
    # Made with the page, so that a double click is one message.
    click = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, offers: Sequence[Way], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = {Channel.SMS: "Text to", Channel.EMAIL: "E-mail to"}
        self.fields["channel"].choices = [  # type: ignore[attr-defined]
            (way.channel, f"{named[Channel(way.channel)]} {phone(way.to)}") for way in offers if not way.problem
        ]
