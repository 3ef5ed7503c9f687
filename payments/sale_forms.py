"""Forms of Process Payment: what is paid, and by which means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from cards.models import Card
from core.money import format_cents
from payments.account import Account
from payments.forms import read_cents
from payments.models import Sale
from payments.sale_lines import Line, UnableToAllocate, lines

Basis = Sale.Basis
RECORDED = "recorded"
MANUAL = "manual"
TERMINAL = "terminal"
_DOLLARS = {"inputmode": "decimal", "autocomplete": "off", "class": "short"}
_NEEDS_AMOUNT = (Basis.CUSTOM, Basis.PREPAYMENT)


class SaleForm(forms.Form):
    """What is paid, chosen from an account that was just read."""

    basis = forms.ChoiceField(label="What is paid", choices=Basis.choices, widget=forms.RadioSelect)
    procedures = forms.TypedMultipleChoiceField(
        label="Procedures", coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )
    amount = forms.CharField(label="Amount, in dollars", required=False, widget=forms.TextInput(attrs=_DOLLARS))
    note = forms.CharField(
        label="Note", required=False, max_length=200, help_text="Kept here and in Open Dental's note of the payment."
    )
    # Names the account as it stood on the screen (sale_pages.py keeps it).
    token = forms.CharField(widget=forms.HiddenInput, max_length=40)

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account = account
        self.fields["procedures"].choices = [  # type: ignore[attr-defined]
            (one.proc_num, one.description) for one in account.procedures
        ]
        self.lines: list[Line] = []

    def clean_amount(self) -> int | None:
        text = self.cleaned_data["amount"].strip()
        return read_cents(text) if text else None

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return found
        basis, cents = found["basis"], found["amount"]
        if basis in _NEEDS_AMOUNT and not cents:
            raise forms.ValidationError({"amount": "Enter an amount."})
        try:
            self.lines = lines(self.account, basis, chosen=found["procedures"], cents=self._cents(basis, cents))
        except UnableToAllocate as error:
            raise forms.ValidationError(str(error)) from error
        return found

    @staticmethod
    def _cents(basis: str, cents: int | None) -> int | None:
        """Balances are paid as they are; whoever wants another amount chooses Custom Amount."""
        return None if basis in (Basis.PATIENT, Basis.FAMILY) else cents


class TenderForm(forms.Form):
    """By which means, and how much of what is left (cents)."""

    method = forms.ChoiceField(
        label="Paid with", widget=forms.RadioSelect, error_messages={"required": "Choose how it is paid."}
    )
    pay_type = forms.TypedChoiceField(label="Payment type in Open Dental", coerce=int, required=False)
    number = forms.CharField(label="Check number", required=False, max_length=25)
    reader = forms.TypedChoiceField(label="Terminal", coerce=int, required=False)
    keeps_card = forms.BooleanField(required=False)
    amount = forms.CharField(
        label="Amount, in dollars",
        widget=forms.TextInput(attrs=_DOLLARS),
        error_messages={"required": "Enter an amount."},
    )

    # The newest tender this page has shown: a second click, or another window, sends the same one.
    newest = forms.IntegerField(widget=forms.HiddenInput)
    # The price that stood on the screen, in cents; without fees there is none (payments/fee_pages.py).
    shown = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        *args: Any,
        cards: Sequence[Card],
        pay_types: dict[int, str],
        readers: Sequence[tuple[str, str]],
        left_cents: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._left_cents, self._pay_types = left_cents, pay_types
        self.cards = {str(card.pk): card for card in cards}
        saved = [(key, f"{card} of {card.patient.full_name}") for key, card in self.cards.items()]
        terminal = [(TERMINAL, "Terminal: tap, chip or swipe")] if readers else []
        other = [(MANUAL, "Manual entry, on the card processor's page"), (RECORDED, "Cash, check or other")]
        self.fields["method"].choices = [*saved, *terminal, *other]  # type: ignore[attr-defined]
        self.fields["reader"].choices = list(readers)  # type: ignore[attr-defined]
        self.fields["pay_type"].choices = [("", "Choose"), *pay_types.items()]  # type: ignore[attr-defined]
        self.fields["amount"].help_text = f"{format_cents(left_cents)} is left. Type less to split it."

    @property
    def card(self) -> Card | None:
        """The saved one that was chosen; None: none was."""
        return self.cards.get(self.cleaned_data["method"])

    @property
    def is_recorded(self) -> bool:
        """Cash, check or other: no processor is asked."""
        return bool(self.cleaned_data["method"] == RECORDED)

    @property
    def is_manual(self) -> bool:
        """The card is typed in on the processor's page."""
        return bool(self.cleaned_data["method"] == MANUAL)

    @property
    def reader_id(self) -> int | None:
        """The terminal that the card is presented to, where that was chosen."""
        return self.cleaned_data["reader"] if self.cleaned_data["method"] == TERMINAL else None

    @property
    def cents(self) -> int:
        cents: int = self.cleaned_data["amount"]
        return cents

    @property
    def paid_with(self) -> str:
        """As people say it: "Check 1044"."""
        return f"{self._pay_types[self.cleaned_data['pay_type']]} {self.cleaned_data['number']}".strip()

    def clean_amount(self) -> int:
        cents = read_cents(self.cleaned_data["amount"])
        if cents < 1:
            raise forms.ValidationError("Enter an amount.")
        if cents > self._left_cents:
            raise forms.ValidationError(f"Only {format_cents(self._left_cents)} is still to be paid.")
        return cents

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if found.get("method") == RECORDED and not found.get("pay_type"):
            self.add_error("pay_type", "Choose the payment type that Open Dental shows.")
        if found.get("method") == TERMINAL and not found.get("reader"):
            self.add_error("reader", "Choose a terminal.")
        if self._is_too_small(found):
            self.add_error("amount", "Cards can't be charged less than $0.50.")
        return found

    @staticmethod
    def _is_too_small(found: dict[str, Any]) -> bool:
        return found.get("method") not in (None, RECORDED) and 0 < found.get("amount", 0) < 50
