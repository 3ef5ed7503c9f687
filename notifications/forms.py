"""The form of one message template."""

from __future__ import annotations

from django import forms

from notifications.defaults import TemplateText
from notifications.models import Channel


class TemplateForm(forms.Form):
    subject = forms.CharField(max_length=200, required=False, label="Subject")
    body = forms.CharField(
        label="Text",
        required=False,
        max_length=4000,
        strip=False,
        widget=forms.Textarea(attrs={"data-takes-variables": "", "rows": 6, "spellcheck": "true"}),
    )

    def __init__(self, *args: object, channel: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        if channel == Channel.SMS:
            del self.fields["subject"]
        else:
            self.fields["subject"].widget.attrs["data-takes-variables"] = ""

    @property
    def text(self) -> TemplateText:
        """What was typed; line ends as in the database, whatever the browser sends."""
        self.full_clean()
        body = str(self.cleaned_data.get("body", "")).replace("\r\n", "\n")
        return TemplateText(str(self.cleaned_data.get("subject", "")), body)
