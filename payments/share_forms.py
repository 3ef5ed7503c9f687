"""Who else pays a plan, and how much of each payment."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import Q

from cards.shares import Wish
from patients.models import Patient
from payplans.models import PayPlan

HOWS = [
    ("percent", "Percent of each payment"),
    ("dollars", "Dollars of each payment"),
    ("end", "Nothing: the guarantor pays all of each payment"),
]


def family(plan: PayPlan) -> list[Patient]:
    """The families of the patient and of the guarantor, but for the guarantor."""
    numbers = {plan.patient.guarantor_num, plan.guarantor.guarantor_num} - {0}
    related = Q(guarantor_num__in=numbers) | Q(pk=plan.patient_id)
    found = Patient.objects.filter(related, practice=plan.practice_id, gone_at=None).exclude(pk=plan.guarantor_id)
    return list(found.order_by("last_name", "first_name", "pk")[:30])


class ShareForm(forms.Form):
    payer = forms.ChoiceField(label="Who", required=False, widget=forms.RadioSelect)
    pat_num = forms.IntegerField(
        label="Or somebody else, by patient number", required=False, min_value=1, help_text="As in Open Dental."
    )
    how = forms.ChoiceField(label="They pay", choices=HOWS, widget=forms.RadioSelect)
    value = forms.DecimalField(
        label="How much", required=False, max_digits=9, decimal_places=2, min_value=Decimal("0.01"),
        widget=forms.NumberInput(attrs={"step": "0.01", "inputmode": "decimal", "class": "short"}),
    )  # fmt: skip
    reason = forms.CharField(
        label="Why", max_length=200, error_messages={"required": "Say why; it stands in the timeline."}
    )

    def __init__(self, *args: Any, plan: PayPlan, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._plan = plan
        people = [(str(one.pk), one.full_name) for one in family(plan)]
        self.fields["payer"].choices = people  # type: ignore[attr-defined]
        self._asked_by = "payer" if people else "pat_num"
        if not people:
            self.fields["pat_num"].label = "Who, by patient number"

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if given.get("how") == "end":
            return given
        if given.get("value") is None and "value" not in self.errors:
            self.add_error("value", "Enter how much.")
        if given.get("how") == "percent" and (given.get("value") or 0) >= 100:
            self.add_error("value", "Less than 100 percent: the guarantor pays the rest.")
        given["payer_id"] = self._payer_id(given)
        return given

    def _payer_id(self, given: dict[str, Any]) -> int | None:
        if not given.get("pat_num"):
            if not given.get("payer"):
                self.add_error(self._asked_by, "Choose who pays.")
            return int(given["payer"]) if given.get("payer") else None
        known = Patient.objects.filter(practice=self._plan.practice_id, pat_num=given["pat_num"], gone_at=None)
        found = known.values_list("pk", flat=True).first()
        if found is None:
            self.add_error("pat_num", "No patient has this number.")
        return found

    @property
    def wish(self) -> Wish:
        """Of a valid form."""
        given = self.cleaned_data
        if given["how"] == "end":
            return Wish(None, None, None, given["reason"].strip())
        hundredths = int(given["value"] * 100)
        is_percent = given["how"] == "percent"
        bp, cents = (hundredths, None) if is_percent else (None, hundredths)
        return Wish(given["payer_id"], bp, cents, given["reason"].strip())
