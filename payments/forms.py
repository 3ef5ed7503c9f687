"""Forms of the money screens: attaching a card with consent, stopping autopay, Pay Now, giving money back."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms

from cards.models import Card
from core.money import UnableToReadMoney, format_cents, parse_cents
from payments.models import Refund

# What becomes of an installment that was paid by what goes back.
AFTERWARDS = [
    ("open", "Is owed again, held: nothing is charged for it until staff decide"),
    ("close", "Is closed: KasperPay never collects it. Open Dental still shows it owed"),
]
LANGUAGES = [("en", "English"), ("es", "Español")]


class CardChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Radio buttons of saved cards: brand, last four digits, expiry."""

    def label_from_instance(self, obj: Any) -> str:
        primary = " · primary" if obj.is_primary else ""
        return f"{obj} · expires {obj.exp_month:02d}/{obj.exp_year % 100:02d}{primary}"


def card_field(cards: Any) -> CardChoice:
    return CardChoice(
        label="Card",
        queryset=cards,
        empty_label=None,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose a card.", "invalid_choice": "That card can't be used any more."},
    )


class AttachForm(forms.Form):
    """Which card, up to how much, in which language the text was read, and that the person agreed to it."""

    maximum = forms.DecimalField(
        label="Maximum per charge, in dollars",
        max_digits=9,
        decimal_places=2,
        min_value=Decimal("0.50"),
        help_text="A charge above this is held until the patient agrees again.",
        widget=forms.NumberInput(attrs={"step": "0.01", "inputmode": "decimal", "class": "short"}),
    )
    language = forms.ChoiceField(label="Language of the text", choices=LANGUAGES)
    # The text that stood on the screen: what is recorded must be what was read.
    shown = forms.CharField(widget=forms.HiddenInput)
    agreed = forms.BooleanField(label="Consent", error_messages={"required": "Without it autopay can't be turned on."})
    charge_overdue = forms.BooleanField(required=False)

    def __init__(self, *args: Any, cards: Any, least_cents: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["card"] = card_field(cards)
        self._least_cents = least_cents

    @property
    def card(self) -> Card:
        card: Card = self.cleaned_data["card"]
        return card

    @property
    def maximum_cents(self) -> int:
        return int(self.cleaned_data["maximum"] * 100)

    def clean_maximum(self) -> Decimal:
        maximum: Decimal = self.cleaned_data["maximum"]
        if maximum * 100 < self._least_cents:
            raise forms.ValidationError(f"It must cover the largest payment, {format_cents(self._least_cents)}.")
        return maximum


class PayNowForm(forms.Form):
    def __init__(self, *args: Any, cards: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["card"] = card_field(cards)

    @property
    def card(self) -> Card:
        card: Card = self.cleaned_data["card"]
        return card


class PresentedForm(forms.Form):
    """An installment with a card that is not saved: at a terminal, or typed in on the processor's page."""

    way = forms.ChoiceField(choices=[("terminal", "Terminal"), ("manual", "Manual entry")])
    reader = forms.TypedChoiceField(label="Terminal", coerce=int, required=False, empty_value=None)
    # The newest try this page has shown: a second click, or another window, sends the same one.
    newest = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def __init__(self, *args: Any, readers: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reader"].choices = list(readers)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if found.get("way") == "terminal" and not found.get("reader"):
            self.add_error("reader", "Choose a terminal.")
        return found


class StopForm(forms.Form):
    reason = forms.CharField(
        label="Why", max_length=200, help_text="Kept with the consent, for example “asked by phone”."
    )


class RefundForm(forms.Form):
    """How much of what is left (cents) goes back to the card, and why."""

    amount = forms.CharField(
        label="Amount, in dollars",
        error_messages={"required": "Enter an amount."},
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "class": "short"}),
    )
    reason = forms.ChoiceField(label="Reason", choices=Refund.Reason.of_staff)
    then = forms.ChoiceField(
        label="The installment",
        choices=AFTERWARDS,
        widget=forms.RadioSelect,
        required=False,
        error_messages={"invalid_choice": "Choose what becomes of the installment."},
    )
    note = forms.CharField(
        label="Note for staff", required=False, max_length=200, help_text="Kept here, never sent to the card processor."
    )
    # The newest refund of the payment that stood on the screen: a second click asks with the same and gets nothing.
    newest = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def __init__(self, *args: Any, left_cents: int, has_plan: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._left_cents = left_cents
        if not has_plan:
            del self.fields["then"]
        self.fields[
            "amount"
        ].help_text = f"Everything left is {format_cents(left_cents)}. Type less to give back a part."

    @property
    def wish(self) -> dict[str, Any]:
        """What payments/asking.py wants to know, once the form is valid."""
        given = {name: self.cleaned_data[name] for name in ("reason", "note", "newest")}
        return {**given, "cents": self.cents, "closes": self.cleaned_data.get("then") == "close"}

    @property
    def cents(self) -> int:
        cents: int = self.cleaned_data["amount"]
        return cents

    def clean_amount(self) -> int:
        cents = read_cents(self.cleaned_data["amount"])
        if cents < 1:
            raise forms.ValidationError("A refund is at least $0.01.")
        if cents > self._left_cents:
            raise forms.ValidationError(f"Only {format_cents(self._left_cents)} can still be given back.")
        return cents


class VoidForm(forms.Form):
    """Nothing to choose but a note: all of it goes back."""

    note = forms.CharField(
        label="Note for staff", required=False, max_length=200, help_text="Kept here, never sent to the card processor."
    )
    newest = forms.IntegerField(min_value=0, widget=forms.HiddenInput)


def read_cents(text: str) -> int:
    """What somebody typed as dollars, in cents. Raises ValidationError with how to write it."""
    try:
        cents = parse_cents(text)
    except UnableToReadMoney as error:
        raise forms.ValidationError(_unreadable(text)) from error
    if _decimals(text) > 2:
        raise forms.ValidationError(_unreadable(text))
    return cents


def _decimals(text: str) -> int:
    return len(text.strip().partition(".")[2])


def _unreadable(text: str) -> str:
    if _decimals(text) > 2 and text.strip().lstrip("$").replace(".", "", 1).isdecimal():
        return "Cents have two digits at most, as in 40.00."
    return "That is not an amount of money. Write it as 40.00."
