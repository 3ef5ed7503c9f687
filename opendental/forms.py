"""Forms of the Needs posting queue, and of moving a payment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from core.money import format_cents
from payments.account import Account
from payplans.models import Installment


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


class MoveForm(forms.Form):
    """Where a payment of `cents` goes in an account that was just read, and why."""

    where = forms.ChoiceField(
        label="Where it goes",
        choices=[
            ("procedures", "On procedures"),
            ("prepayment", "On the account, as a prepayment"),
            ("plan", "On a payment plan"),
        ],
        widget=forms.RadioSelect,
        initial="procedures",
        error_messages={"required": "Choose where it goes."},
    )
    procedures = forms.TypedMultipleChoiceField(coerce=int, required=False, label="Procedures")
    installment = forms.ChoiceField(required=False, label="Payment of the plan")
    reason = forms.CharField(
        label="Reason",
        min_length=5,
        max_length=200,
        error_messages={"required": "Say why it is moved."},
        help_text="Kept with the payment and your name, for example “posted to the brother by mistake”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(
        self, *args: Any, account: Account, cents: int, places: Sequence[Installment] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._account, self._cents = account, cents
        self.places = {str(one.pk): one for one in places}
        self.fields["installment"].choices = [(key, key) for key in self.places]  # type: ignore[attr-defined]
        numbers = [(one.proc_num, one.description) for one in account.procedures]
        self.fields["procedures"].choices = numbers  # type: ignore[attr-defined]

    def clean_procedures(self) -> list[int]:
        chosen: list[int] = self.cleaned_data["procedures"]
        if self.cleaned_data.get("where") in ("prepayment", "plan"):
            return []
        room = sum(one.open_cents for one in self._account.procedures if one.proc_num in set(chosen))
        if not chosen:
            raise forms.ValidationError("Choose at least one procedure.")
        if room < self._cents:
            there, paid = format_cents(room), format_cents(self._cents)
            raise forms.ValidationError(f"The chosen procedures have only {there} open, the payment is {paid}.")
        return chosen

    def clean_installment(self) -> Installment | None:
        if self.cleaned_data.get("where") != "plan":
            return None
        found = self.places.get(self.cleaned_data["installment"])
        if found is None:
            raise forms.ValidationError("Choose which payment of the plan it pays.")
        return found
