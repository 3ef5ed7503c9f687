"""Whose drawer, on which day, and with how much cash it began."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django import forms
from django.http import QueryDict

from core.calendar import local_date
from payments.payment_filters import DayField, MoneyField
from payments.settlement_rows import Span
from practices.models import Membership, Practice

EVERYONE = "everyone"


class DrawerForm(forms.Form):
    """Today and the person who looks, unless the address says otherwise."""

    day = DayField("Day")
    by = forms.ChoiceField(
        label="Person", required=False, error_messages={"invalid_choice": "That can't be chosen here."}
    )
    opening = MoneyField("Cash at the start")

    def __init__(self, practice: Practice, given: QueryDict, *, actor: str, now: datetime) -> None:
        usual = {"day": local_date(now, practice.zone).isoformat(), "by": actor, "opening": ""}
        super().__init__({name: given.get(name) or usual[name] for name in usual})
        members = Membership.objects.filter(practice=practice).select_related("user").order_by("user__name", "user_id")
        self.people = {f"user:{one.user_id}": one.user.name for one in members}
        field = self.fields["by"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(EVERYONE, "Everyone"), *self.people.items()]
        self._practice = practice

    def clean_day(self) -> date:
        day: date | None = self.cleaned_data["day"]
        if day is None:
            raise forms.ValidationError("Enter a day.")
        return day

    @property
    def span(self) -> Span:
        """Of a valid form."""
        return Span(self._practice, self.cleaned_data["day"], self.cleaned_data["day"])

    @property
    def actor(self) -> str:
        """As attempts name it; '' = everyone."""
        chosen: str = self.cleaned_data["by"]
        return "" if chosen == EVERYONE else chosen

    @property
    def opening_cents(self) -> int:
        return self.cleaned_data["opening"] or 0

    @property
    def person(self) -> str:
        return self.people.get(self.actor, "Everyone")

    @property
    def kept(self) -> dict[str, Any]:
        """For the addresses of the files."""
        return {name: text for name, text in self.data.items() if text}
