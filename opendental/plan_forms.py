"""Forms of plan work in Open Dental: a new plan, other terms, closing. Money is typed in dollars and kept in cents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms

from core.calendar import add_months
from opendental import plan_terms
from opendental.plan_production import Offer, Work
from opendental.plan_terms import Preview, UnableToSchedule, Wish
from payments.forms import read_cents
from payments.plan_change_forms import day_field
from payplans.models import PayPlan
from payplans.schedule import Frequency, TreatmentPlanned

_DOLLARS = {"inputmode": "decimal", "autocomplete": "off", "class": "short"}
TREATMENTS = [
    (TreatmentPlanned.AWAIT_COMPLETE.value, "Charge it once it is done"),
    (TreatmentPlanned.TREAT_AS_COMPLETE.value, "Charge it as if it were done"),
]


def dollars_field(label: str, **more: Any) -> forms.CharField:
    return forms.CharField(label=label, widget=forms.TextInput(attrs=_DOLLARS), **more)


class TermsForm(forms.Form):
    """Amount or number of payments, interest, dates. Of a plan that exists only what may still be changed."""

    pay = dollars_field("Each payment, in dollars", required=False)
    payments = forms.IntegerField(
        label="or number of payments",
        required=False,
        min_value=1,
        max_value=600,
        widget=forms.NumberInput(attrs={"class": "short"}),
        help_text="One of the two. Open Dental keeps the amount; the last payment is what is left.",
    )
    frequency = forms.ChoiceField(label="How often", choices=PayPlan.Frequency.choices)
    start = day_field("First payment due on")
    apr = forms.DecimalField(
        label="Yearly interest (APR), in percent",
        min_value=Decimal(0),
        max_value=Decimal(100),
        decimal_places=2,
        required=False,
        widget=forms.NumberInput(attrs={"class": "short", "step": "0.01", "inputmode": "decimal"}),
    )
    interest_start = day_field("Interest runs from", required=False, help_text="Empty: from the start.")
    agreed = day_field("Date of agreement")
    locked = forms.BooleanField(label="Lock the plan: its work and amounts stay as they are now", required=False)

    def __init__(self, *args: Any, today: date, may_be_future: bool, must_lock: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today, self._may_be_future, self._must_lock = today, may_be_future, must_lock
        self.preview: Preview | None = None

    def clean_pay(self) -> int | None:
        text = self.cleaned_data["pay"].strip()
        cents = read_cents(text) if text else None
        if cents is not None and cents < 1:
            raise forms.ValidationError("A payment is more than $0.00.")
        return cents

    def clean_apr(self) -> Decimal:
        return self.cleaned_data["apr"] or Decimal(0)

    def clean_agreed(self) -> date:
        agreed: date = self.cleaned_data["agreed"]
        if agreed > self.today and not self._may_be_future:
            raise forms.ValidationError("This office does not allow a date of agreement in the future.")
        return agreed

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if "pay" in found and "payments" in found and (found["pay"] is None) == (found["payments"] is None):
            self.add_error("pay", "Enter either an amount or a number of payments.")
        if self._must_lock and found.get("apr") and not found.get("locked"):
            self.add_error("locked", "This office wants plans with an APR to be locked.")
        # The schedule is shown while the rest is still being filled in.
        if not set(self.errors) - {"reason", "note", "order"}:
            self._schedule()
        return found

    def _schedule(self) -> None:
        try:
            self.preview = self.worked_out()
        except UnableToSchedule as error:
            self.add_error(error.field if error.field in self.fields else None, str(error))

    def worked_out(self) -> Preview:
        """The schedule of these terms. Raises UnableToSchedule."""
        raise NotImplementedError

    def wish(self, *, down_cents: int = 0, treatment: TreatmentPlanned = TreatmentPlanned.AWAIT_COMPLETE) -> Wish:
        found = self.cleaned_data
        return Wish(
            found["pay"], found["payments"], found["apr"], down_cents, Frequency(found["frequency"]), found["start"],
            found["interest_start"], treatment,
        )  # fmt: skip


class NewPlanForm(TermsForm):
    """Every field of POST /payplans/Dynamic; work and adjustments from the ledger as it was just read."""

    works = forms.MultipleChoiceField(
        label="Work on the plan",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one procedure or adjustment."},
    )
    down = dollars_field("Down payment, in dollars", required=False, help_text="Due at once, taken at the desk.")
    treatment = forms.ChoiceField(label="Work that is not done yet", choices=TREATMENTS)
    guarantor = forms.TypedChoiceField(label="Who pays", coerce=int)
    category = forms.TypedChoiceField(label="Category", coerce=int, required=False)
    note = forms.CharField(label="Note in Open Dental", required=False, max_length=200)
    # Names the account as it stood on the screen, and the order: pressed twice, it is one.
    token = forms.CharField(widget=forms.HiddenInput, max_length=40)
    order = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, offer: Offer, people: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._works = {work.key: work for work in offer.works}
        for name, choices in (
            ("works", [(key, work.description) for key, work in self._works.items()]),
            ("guarantor", list(people)),
            ("category", [(0, "None"), *offer.categories]),
        ):
            self.fields[name].choices = choices  # type: ignore[attr-defined]

    @property
    def chosen(self) -> list[Work]:
        return [self._works[key] for key in self.cleaned_data["works"]]

    def clean_down(self) -> int:
        text = self.cleaned_data["down"].strip()
        return read_cents(text) if text else 0

    def whole_wish(self) -> Wish:
        found = self.cleaned_data
        return self.wish(down_cents=found["down"], treatment=TreatmentPlanned(found["treatment"]))

    def worked_out(self) -> Preview:
        return plan_terms.of_new(self.whole_wish(), self.chosen, self.today)

    def body(self, pat_num: int, reference: str) -> dict[str, Any]:
        """What is sent to Open Dental."""
        found = self.cleaned_data
        return plan_terms.body_of_new(
            self.whole_wish(), self.chosen,
            PatNum=pat_num, Guarantor=found["guarantor"], PayPlanDate=found["agreed"].isoformat(),
            IsLocked="true" if found["locked"] else "false", PlanCategory=found["category"] or None,
            # The reference by which the plan is found again after an unclear answer.
            Note=f"{found['note']} {reference}".strip(),
        )  # fmt: skip


def first_day(today: date) -> date:
    """Open Dental's own default: one month after the agreement."""
    return add_months(today, 1)


class EditPlanForm(TermsForm):
    """What PUT /payplans/{n}/Dynamic may change. Only what differs is sent."""

    reason = forms.CharField(label="Why", max_length=200, error_messages={"required": "Say why."})
    order = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, plan: PayPlan, has_charges: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.plan = plan
        if has_charges:
            self.fields["start"].disabled = True
            self.fields["start"].help_text = "Can't be changed once charges exist."
        if plan.is_locked:
            self.fields["locked"].disabled = True

    def worked_out(self) -> Preview:
        wish = self.wish(treatment=TreatmentPlanned(self.plan.treatment_option))
        return plan_terms.of_plan(self.plan, wish, self.today)

    def body(self) -> dict[str, Any]:
        """The fields that differ; {} when none does."""
        found, plan = self.cleaned_data, self.plan
        wanted: dict[str, tuple[Any, Any]] = {
            "ChargeFrequency": (found["frequency"], plan.frequency),
            "DatePayPlanStart": (_iso(found["start"]), _iso(plan.start_date)),
            "APR": (float(found["apr"]), float(plan.apr)),
            "DateInterestStart": (_iso(found["interest_start"]), _iso(plan.interest_start_date)),
            "PayPlanDate": (_iso(found["agreed"]), _iso(plan.agreed_date)),
            "IsLocked": (_flag(found["locked"]), _flag(plan.is_locked)),
        }
        changed = {name: new for name, (new, old) in wanted.items() if new != old and new is not None}
        if found["payments"] is not None:
            changed["NumberOfPayments"] = found["payments"]
        elif found["pay"] != plan.pay_amount_cents:
            changed["PayAmt"] = plan_terms.dollars(found["pay"])
        if "APR" in changed:
            # Open Dental asks for it alongside, where the office wants such plans locked.
            changed["IsLocked"] = _flag(found["locked"])
        return changed

    def clean(self) -> dict[str, Any]:
        found = super().clean()
        if not self.errors and not self.body():
            raise forms.ValidationError("These are the terms the plan has now.")
        return found


class ClosePlanForm(forms.Form):
    reason = forms.CharField(
        label="Why", max_length=200, error_messages={"required": "Say why."}, help_text="It stands in the timeline."
    )
    order = forms.UUIDField(widget=forms.HiddenInput)


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _flag(value: bool) -> str:
    return "true" if value else "false"
