"""What somebody wants to see of the payments: the filter form, and which attempts and refunds it lets through."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import Q
from django.http import QueryDict

from core.calendar import at_hour
from core.money import UnableToReadMoney, format_cents, parse_cents
from patients import search
from payments.models import Attempt, DuePart, LedgerPosting
from practices.models import Clinic, Membership, Practice
from practices.templatetags.show import plain_day

# Who acts besides people, as `actor` names them.
_OTHERS = {"autopay": "Autopay", "patient": "The patient", "processor": "Somebody at the card processor"}
_EARLIEST, _LATEST = date(2000, 1, 1), date(2100, 1, 1)
_REFERENCE = re.compile(r"KP-[A-Z2-7]+", re.IGNORECASE)
_PROCESSORS_OWN = re.compile(r"(pi|ch|py|re|pyr)_\w+")


@dataclass(frozen=True)
class Pill:
    """A filter that is on: what it says, and the fields that taking it off empties."""

    words: str
    fields: tuple[str, ...]


class MoneyField(forms.CharField):
    """Dollars as people type them; cents when cleaned, None when empty."""

    def __init__(self, label: str) -> None:
        typed = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "placeholder": "$"})
        super().__init__(label=label, required=False, max_length=20, widget=typed)

    def clean(self, value: Any) -> int | None:
        text = str(super().clean(value) or "").strip()
        if not text:
            return None
        try:
            cents = parse_cents(text)
        except UnableToReadMoney as error:
            raise forms.ValidationError("That is not an amount. Write it as 40.00.") from error
        if cents < 0:
            raise forms.ValidationError("Write it without a minus sign; refunds count by their size.")
        return cents


class DayField(forms.DateField):
    """A practice-local day."""

    def __init__(self, label: str) -> None:
        wrong = "That is not a date. Write it as 2026-03-09."
        typed = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        super().__init__(label=label, required=False, widget=typed, error_messages={"invalid": wrong})

    def clean(self, value: Any) -> date | None:
        day: date | None = super().clean(value)
        if day is not None and not _EARLIEST <= day < _LATEST:
            raise forms.ValidationError("Choose a day between 2000 and 2100.")
        return day


class FilterForm(forms.Form):
    """Filters of the Payments list, combined by "and". Amounts are typed in dollars, days are practice-local."""

    q = forms.CharField(label="Patient or reference", required=False, max_length=100)
    channel = forms.ChoiceField(label="Channel", required=False)
    by = forms.ChoiceField(label="By", required=False)
    clinic = forms.ChoiceField(label="Clinic of the payer", required=False)
    least = MoneyField("Amount from")
    most = MoneyField("to")
    since = DayField("Day from")
    until = DayField("to")

    def __init__(self, data: QueryDict | Mapping[str, Any], *, practice: Practice) -> None:
        super().__init__(data, auto_id="filter_%s")
        self._choose("channel", "Any channel", Attempt.Channel.choices)
        people = Membership.objects.filter(practice=practice).select_related("user").order_by("user__name", "user_id")
        self.people = {f"user:{one.user_id}": one.user.name for one in people}
        self._choose("by", "Anyone", [*_OTHERS.items(), *self.people.items()])
        clinics = Clinic.objects.filter(practice=practice).order_by("name", "clinic_num")
        named = [(str(one.clinic_num), f"{one.name}{' (hidden)' if one.is_hidden else ''}") for one in clinics]
        self._choose("clinic", "Any clinic", named)
        if not named:
            del self.fields["clinic"]

    def _choose(self, name: str, any_word: str, choices: Any) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", any_word), *choices]
        field.error_messages["invalid_choice"] = "That can't be chosen here."

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        self._in_order(data, "least", "most", "The upper amount is below the lower one.")
        self._in_order(data, "since", "until", "The last day is before the first one.")
        return data

    def _in_order(self, data: Mapping[str, Any], low: str, high: str, text: str) -> None:
        if data.get(low) is not None and data.get(high) is not None and data[low] > data[high]:
            self.add_error(high, text)

    @property
    def inner(self) -> list[forms.BoundField]:
        """The fields below the search."""
        return [field for field in self if field.name != "q"]

    @property
    def kept(self) -> dict[str, str]:
        """The parameters that are set, as they were typed, for addresses."""
        return {name: text for name in self.fields if (text := str(self.data.get(name, "")).strip())}

    def pills(self, today: date) -> list[Pill]:
        """The filters that are on; of a valid form."""
        data, chosen = self.cleaned_data, []
        if data["q"].strip():
            chosen.append(Pill(f"“{data['q'].strip()}”", ("q",)))
        for name in ("channel", "by", "clinic"):
            if data.get(name):
                field = self.fields[name]
                assert isinstance(field, forms.ChoiceField)
                words = dict(field.choices)[data[name]]  # type: ignore[arg-type]
                chosen.append(Pill(str(words), (name,)))
        money = _between(data["least"], data["most"], format_cents)
        days = _between(data["since"], data["until"], lambda day: plain_day(day, today))
        named = ((money, ("least", "most")), (days, ("since", "until")))
        return [*chosen, *(Pill(words, fields) for words, fields in named if words)]


def _between(low: Any, high: Any, worded: Any) -> str:
    if low is None and high is None:
        return ""
    if low == high:
        return str(worded(low))
    if low is None:
        return f"up to {worded(high)}"
    return f"from {worded(low)}" if high is None else f"{worded(low)} to {worded(high)}"


@dataclass(frozen=True)
class Wanted:
    """Conditions on attempts and on refunds, and whether text was searched for."""

    tries: Q
    refunds: Q
    is_search: bool


def wanted(form: FilterForm, practice: Practice) -> Wanted:
    """What a valid form lets through. Attempts by the moment of the try, refunds by the moment they were ordered."""
    data = form.cleaned_data
    tries, refunds = Q(practice=practice), Q(practice=practice)
    both = _amounts(data["least"], data["most"]) & _moments(data["since"], data["until"], practice.zone)
    if data["channel"]:
        tries &= Q(channel=data["channel"])
        refunds &= Q(payment__attempt__channel=data["channel"])
    if data["by"]:
        both &= _by(data["by"])
        # So that the index of what people did is of use (attempts_by_people).
        tries &= ~Q(channel=Attempt.Channel.AUTOPAY) if data["by"].startswith("user:") else Q()
    if data.get("clinic"):
        tries &= Q(due_part__payer__clinic_num=int(data["clinic"]))
        refunds &= Q(payment__payer__clinic_num=int(data["clinic"]))
    text = data["q"].strip()
    found = _found(practice, text) if text else (Q(), Q())
    return Wanted(tries & both & found[0], refunds & both & found[1], bool(text))


def _amounts(least: int | None, most: int | None) -> Q:
    low = Q() if least is None else Q(amount_cents__gte=least)
    return low if most is None else low & Q(amount_cents__lte=most)


def _moments(since: date | None, until: date | None, zone: ZoneInfo) -> Q:
    """From the first moment of a day to the last one of another, on the practice's clocks."""
    low = Q() if since is None else Q(started_at__gte=_midnight(since, zone))
    return low if until is None else low & Q(started_at__lt=_midnight(until + timedelta(days=1), zone))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return at_hour(day, 0, zone)


def _by(who: str) -> Q:
    return Q(actor__startswith="patient:") if who == "patient" else Q(actor=who)


def _found(practice: Practice, text: str) -> tuple[Q, Q]:
    """Our reference, one of the processor's, or people: each found by its own index before attempts are looked at."""
    if _REFERENCE.fullmatch(text):
        rows = LedgerPosting.objects.filter(practice=practice, reference=text.upper())
        posted = rows.values_list("payment__attempt_id", "refund_id").first() or (0, 0)
        return (Q(pk=0), Q(pk=posted[1])) if posted[1] else (Q(pk=posted[0]), Q(pk=0))
    if _PROCESSORS_OWN.fullmatch(text):
        return Q(reference=text) | Q(charge_reference=text), Q(reference=text)
    people = search.find(practice, text).order_by().values("pk")
    paid_by, paid_for = (
        DuePart.objects.filter(payer__in=people),
        DuePart.objects.filter(installment__plan__patient__in=people),
    )
    parts = list(paid_by.values_list("pk", flat=True).union(paid_for.values_list("pk", flat=True)))
    return Q(due_part__in=parts), Q(payment__attempt__due_part__in=parts)
