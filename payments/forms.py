"""Forms of the money screens: attaching a card with consent, stopping autopay, Pay Now."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from cards.models import Card
from core.money import format_cents

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


class StopForm(forms.Form):
    reason = forms.CharField(
        label="Why", max_length=200, help_text="Kept with the consent, for example “asked by phone”."
    )
