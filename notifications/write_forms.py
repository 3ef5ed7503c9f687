"""The form in which staff write to one patient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from notifications.models import Channel
from notifications.ways import Way
from practices.templatetags.show import phone


class WriteForm(forms.Form):
    words = forms.CharField(
        label="Write",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "true"}),
        error_messages={"required": "The message is empty."},
    )
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
