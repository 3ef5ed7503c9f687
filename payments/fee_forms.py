"""The form of Settings → Payment Settings → Fees: one decision, refused in words where the rules don't allow it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import forms

from payments import fees
from payments.fees import Mode, Terms
from payments.models import FeeSettings
from payments.upward import AdjustmentTypes

# Typed by a person who has done both; kept with the decision.
WORDS = "NOTICE GIVEN, SIGNS POSTED"
NOTICE = timedelta(days=30)
MOST_DISCOUNT = Decimal(10)
# The two letters of each, one after the other.
_CODES = "ALAKAZARCACOCTDEDCFLGAHIIDILINIAKSKYLAMEMDMAMIMNMSMOMTNENVNHNJNMNYNCNDOHOKORPARISCSDTNTXUTVTVAWAWVWIWY"
STATES = [_CODES[place : place + 2] for place in range(0, len(_CODES), 2)]
_PERCENT = {"step": "0.01", "inputmode": "decimal", "class": "short"}
_DAY = {"type": "date", "class": "short"}


def _percent_field(label: str, most: Decimal | int, hint: str) -> forms.DecimalField:
    return forms.DecimalField(
        label=label, required=False, min_value=Decimal("0.01"), max_value=Decimal(most), max_digits=4, decimal_places=2,
        widget=forms.NumberInput(attrs=_PERCENT), help_text=hint,
    )  # fmt: skip


class FeeForm(forms.Form):
    """What the practice decides about fees, from a practice-local day on. Percent are turned into hundredths of one."""

    mode = forms.ChoiceField(label="What patients pay", choices=FeeSettings.Mode.choices, widget=forms.RadioSelect)
    effective_on = forms.DateField(label="From", widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"))
    discount = _percent_field("Discount for cash and check, in percent", MOST_DISCOUNT, "0.01 to 10.")
    cash_types = forms.TypedMultipleChoiceField(
        label="Payment types that are cash or check", coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )
    adj_type = forms.TypedChoiceField(
        label="Adjustment type in Open Dental",
        coerce=int,
        required=False,
        help_text="The discount is posted with it, attached to the procedures that were paid.",
    )
    state = forms.ChoiceField(
        label="State of the practice", required=False, choices=[("", "Choose"), *((one, one) for one in STATES)]
    )
    surcharge = _percent_field(
        "Surcharge on credit cards, in percent", 3, "At most 3, or less where your state caps it."
    )
    cost = _percent_field(
        "What accepting a card costs you, in percent", 10, "From your processor's statements. Never more is taken."
    )
    notice_on = forms.DateField(
        label="Notice was given to the acquirer on", required=False,
        widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"),
        help_text="The card networks want it 30 days before the first surcharge.",
    )  # fmt: skip
    acknowledgement = forms.CharField(
        label=f"Type: {WORDS}", required=False, max_length=80, widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="That notice was given, and that signs stand at the entrance and where people pay.",
    )  # fmt: skip

    def __init__(
        self, *args: Any, today: date, pay_types: dict[int, str], adjustment_types: AdjustmentTypes, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._today, self._types = today, adjustment_types
        self.fields["cash_types"].choices = list(pay_types.items())  # type: ignore[attr-defined]
        names = list(adjustment_types.names.items())
        self.fields["adj_type"].choices = [("", "Choose"), *names]  # type: ignore[attr-defined]

    def clean_effective_on(self) -> date:
        day: date = self.cleaned_data["effective_on"]
        if day < self._today:
            raise forms.ValidationError("Choose today or a later day: what was taken before stays as it was.")
        return day

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("mode") == Mode.DISCOUNT:
            self._check_discount(data)
        if data.get("mode") == Mode.SURCHARGE:
            self._check_surcharge(data)
        return data

    def _check_discount(self, data: dict[str, Any]) -> None:
        if self._types.refusal:
            self.add_error("adj_type", self._types.refusal)
        elif not data.get("adj_type"):
            self.add_error("adj_type", "Choose the adjustment type of the discount.")
        if "discount" not in self.errors and not data.get("discount"):
            self.add_error("discount", "Enter the discount.")
        if not data.get("cash_types"):
            self.add_error("cash_types", "Choose which payment types get the discount.")

    def _check_surcharge(self, data: dict[str, Any]) -> None:
        if refusal := fees.state_refusal(data.get("state", "")):
            self.add_error("state", refusal)
            return
        for name, words in (("surcharge", "Enter the surcharge."), ("cost", "Enter what accepting a card costs you.")):
            if name not in self.errors and not data.get(name):
                self.add_error(name, words)
        cap = fees.cap(data["state"])
        if _rate(data.get("surcharge")) > cap:
            self.add_error("surcharge", f"{data['state']} permits at most {fees.percent(cap)}.")
        if data.get("acknowledgement", "").strip().upper() != WORDS:
            self.add_error("acknowledgement", f"Type exactly: {WORDS}")
        self._check_notice(data)

    def _check_notice(self, data: dict[str, Any]) -> None:
        notice, begins = data.get("notice_on"), data.get("effective_on")
        if "notice_on" not in self.errors and (notice is None or notice > self._today):
            self.add_error("notice_on", "Enter the day on which the acquirer was told.")
        elif notice and begins and begins < notice + NOTICE:
            first = notice + NOTICE
            self.add_error("effective_on", f"30 days after the notice is {first:%b} {first.day}, {first.year}.")

    @property
    def terms(self) -> Terms:
        """Of whatever could be read, also of a form that is being filled in."""
        data = getattr(self, "cleaned_data", {})
        rates = (_rate(data.get(name)) for name in ("discount", "surcharge", "cost"))
        return Terms(data.get("mode", Mode.ABSORB), *rates)


def _rate(percent: Decimal | None) -> int:
    return int((percent or 0) * 100)
