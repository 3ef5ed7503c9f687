"""Forms of sign-in and of Settings → Payment Settings → General."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, QueryDict

from core.money import UnableToReadMoney, format_cents, parse_cents
from practices.models import PaymentSettings
from practices.templatetags.show import hour

WEEKDAYS = [
    (1, "Monday"),
    (2, "Tuesday"),
    (3, "Wednesday"),
    (4, "Thursday"),
    (5, "Friday"),
    (6, "Saturday"),
    (7, "Sunday"),
]
EVERY_DAY = [number for number, _ in WEEKDAYS]
SHORT = {"class": "short"}
HOURS = [(at, hour(at)) for at in range(24)]
# The law of texts: nothing before 8 in the morning or after 9 in the evening, in the recipient's zone (SMS-3).
EARLIEST, LATEST = 8, 21


def posted(request: HttpRequest) -> QueryDict | None:
    """What binds a form: the data of a POST, also an empty one."""
    return request.POST if request.method == "POST" else None


class SignInForm(forms.Form):
    email = forms.EmailField(
        label="E-mail", widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
    )
    password = forms.CharField(
        label="Password", strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )


class DollarsField(forms.CharField):
    """An amount in dollars, in cents once it is clean; empty is None."""

    widget = forms.TextInput(attrs={**SHORT, "inputmode": "decimal", "autocomplete": "off"})

    def __init__(self, **more: Any) -> None:
        super().__init__(required=False, max_length=12, **more)

    def prepare_value(self, value: Any) -> Any:
        return format_cents(value).removeprefix("$") if isinstance(value, int) else value

    def clean(self, value: Any) -> int | None:
        text = super().clean(value)
        try:
            cents = parse_cents(text) if text else None
        except UnableToReadMoney as error:
            raise forms.ValidationError("That is not an amount of money. Write it as 40.00.") from error
        if cents is not None and cents < 0:
            raise forms.ValidationError("It can't be less than nothing.")
        return cents


class PaymentSettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    """When cards are charged, how often a failed one is tried, when patients are told. Hours are practice-local."""

    charge_hour = forms.TypedChoiceField(
        label="Charge cards at",
        coerce=int,
        choices=HOURS,
        widget=forms.Select(attrs=SHORT),
        help_text="On the due date, in the practice's time zone. Never before Open Dental's own plan run of that day.",
    )
    max_tries = forms.IntegerField(
        label="Tries for one payment",
        min_value=1,
        max_value=15,
        widget=forms.NumberInput(attrs=SHORT),
        help_text="1 to 15. Card networks allow 15 declined tries of a card in 30 days; no setting can exceed that.",
    )
    retry_weekdays = forms.TypedMultipleChoiceField(
        label="Try again on",
        coerce=int,
        choices=WEEKDAYS,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one day."},
    )
    quiet_until_hour = forms.TypedChoiceField(
        label="Send messages from", coerce=int, choices=[pair for pair in HOURS if EARLIEST <= pair[0] < LATEST]
    )
    quiet_from_hour = forms.TypedChoiceField(
        label="until", coerce=int, choices=[pair for pair in HOURS if EARLIEST < pair[0] <= LATEST]
    )
    notify_every_nth_failure = forms.IntegerField(
        label="After the first failure, tell the patient again every … tries",
        min_value=1,
        max_value=15,
        widget=forms.NumberInput(attrs=SHORT),
        help_text="The first failure and “needs new card” are always told.",
    )
    upcoming_days = forms.IntegerField(
        label="Announce a charge this many days before",
        min_value=0,
        max_value=14,
        widget=forms.NumberInput(attrs=SHORT),
        help_text="0 sends no announcement.",
    )
    texts_per_day = forms.IntegerField(
        label="Texts to one person within 24 hours, at most",
        min_value=1,
        max_value=20,
        widget=forms.NumberInput(attrs=SHORT),
        help_text="What is more waits. Receipts that are asked for and what staff write go at once.",
    )
    refund_front_desk_cents = DollarsField(label="Front desk, at once")
    refund_front_desk_day_cents = DollarsField(label="Front desk, a day")
    refund_biller_cents = DollarsField(label="Biller, at once")
    refund_biller_day_cents = DollarsField(label="Biller, a day")
    refund_manager_cents = DollarsField(label="Manager, at once")
    refund_manager_day_cents = DollarsField(label="Manager, a day")

    move_days = forms.IntegerField(
        label="Staff may move a charge by at most … days",
        min_value=1,
        max_value=90,
        widget=forms.NumberInput(attrs=SHORT),
        help_text="Later than its due date, and never past the plan's next payment. Open Dental's date stays as it is.",
    )

    patient_move_days = forms.IntegerField(
        label="Patients may put a charge off by at most … days",
        min_value=0,
        max_value=60,
        widget=forms.NumberInput(attrs=SHORT),
    )
    patient_moves = forms.IntegerField(
        label="and so many times for one payment",
        min_value=0,
        max_value=6,
        widget=forms.NumberInput(attrs=SHORT),
        help_text="From the link of a failed payment, or by texting MOVE and a day; a split in two counts as one. "
        "0 turns it off.",
    )

    first_reminder_days = forms.IntegerField(
        label="Remind of an unpaid request after … days",
        min_value=0,
        max_value=14,
        widget=forms.NumberInput(attrs=SHORT),
    )
    second_reminder_days = forms.IntegerField(
        label="and once more after … days",
        min_value=0,
        max_value=30,
        widget=forms.NumberInput(attrs=SHORT),
        help_text="Counted from the day it was sent. 0 sends no reminder.",
    )
    part_payments = forms.BooleanField(label="Patients may pay a part of a request", required=False)

    class Meta:
        model = PaymentSettings
        fields = [
            "charge_hour",
            "max_tries",
            "retry_weekdays",
            "quiet_until_hour",
            "quiet_from_hour",
            "notify_every_nth_failure",
            "upcoming_days",
            "texts_per_day",
            "move_days",
            "patient_move_days",
            "patient_moves",
            "refund_front_desk_cents",
            "refund_front_desk_day_cents",
            "refund_biller_cents",
            "refund_biller_day_cents",
            "refund_manager_cents",
            "refund_manager_day_cents",
            "first_reminder_days",
            "second_reminder_days",
            "part_payments",
        ]

    def __init__(self, *args: Any, is_admin: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("refund_manager_cents", "refund_manager_day_cents"):
            # Nobody sets the limit of their own role.
            self.fields[name].disabled = not is_admin
        # An empty list in the database means every day.
        self.initial["retry_weekdays"] = self.initial.get("retry_weekdays") or EVERY_DAY

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        start, end = data.get("quiet_until_hour"), data.get("quiet_from_hour")
        if start is not None and end is not None and start >= end:
            self.add_error("quiet_from_hour", "The end must be later than the start.")
        return data

    def clean_retry_weekdays(self) -> list[int]:
        days = sorted(self.cleaned_data["retry_weekdays"])
        return [] if days == EVERY_DAY else days
