"""Forms of the Needs posting queue."""

from __future__ import annotations

from django import forms


class NameForm(forms.Form):
    pay_num = forms.IntegerField(
        label="Payment number in Open Dental (PayNum)",
        min_value=1,
        max_value=2**63 - 1,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "class": "short"}),
        error_messages={"required": "Enter the number.", "invalid": "A payment number has digits only, as in 56734."},
        help_text="Its amount, patient and payment plan are compared before anything changes.",
    )


class MarkForm(forms.Form):
    reason = forms.CharField(
        label="Why, and where it stands in Open Dental",
        min_length=5,
        max_length=200,
        error_messages={"required": "Without a reason it can't be marked."},
        help_text="For example “part of the deposit of 62 entered on Mar 9”. Kept with the posting and your name.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
