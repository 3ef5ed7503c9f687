"""Forms of Terminals and of Settings → Payment Settings → Terminal Settings."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms

from practices.models import Clinic, Membership, Practice
from processors.terminal_port import Place, UnableToSetUp
from terminals.models import Location, Reader

STATES = """AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND
OH OK OR PA PR RI SC SD TN TX UT VT VA WA WV WI WY"""
SHORT = {"class": "short", "autocomplete": "off"}


class SetUpForm(forms.Form):
    """A form whose answers the processor judges. The token makes a second click the same request."""

    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def refuse(self, error: UnableToSetUp) -> None:
        """Put the processor's refusal beside its field."""
        self.add_error(error.field if error.field in self.fields else None, f"{error}.")


class LocationForm(SetUpForm):
    clinic = forms.ModelChoiceField(
        queryset=Clinic.objects.none(), required=False, empty_label="The whole practice", label="Clinic"
    )
    name = forms.CharField(label="Name", max_length=100)
    line1 = forms.CharField(label="Street and number", max_length=200)
    city = forms.CharField(label="City", max_length=100)
    state = forms.ChoiceField(
        label="State",
        choices=[("", "Choose"), *((one, one) for one in STATES.split())],
        widget=forms.Select(attrs=SHORT),
    )
    postal_code = forms.RegexField(
        r"^\d{5}(-\d{4})?$", label="ZIP code", widget=forms.TextInput(attrs=SHORT),
        error_messages={"invalid": "Enter a ZIP code like 10001."},
    )  # fmt: skip

    def __init__(self, *args: Any, practice: Practice, location: Location | None = None, **kwargs: Any) -> None:
        kwargs["initial"] = vars(location.place) if location else {"name": practice.name, "state": practice.state}
        super().__init__(*args, **kwargs)
        clinics = Clinic.objects.filter(practice=practice, is_hidden=False).order_by("name", "clinic_num")
        self.fields["clinic"].queryset = clinics  # type: ignore[attr-defined]
        self.fields["clinic"].label_from_instance = lambda clinic: clinic.name  # type: ignore[attr-defined]
        # A place doesn't move to another clinic, and a practice without clinics has nothing to choose.
        if location is not None or not clinics.exists():
            del self.fields["clinic"]

    @property
    def place(self) -> Place:
        return Place(**{name: self.cleaned_data[name] for name in ("name", "line1", "city", "state", "postal_code")})


class ReaderForm(SetUpForm):
    location = forms.ModelChoiceField(queryset=Location.objects.none(), label="Location", empty_label=None)
    code = forms.CharField(
        label="Pairing code", max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="The three words that the reader shows: on the reader, open Settings, then Generate pairing code.",
        error_messages={"required": "Enter the pairing code that the reader shows."},
    )  # fmt: skip
    label = forms.CharField(
        label="Name", max_length=60, help_text="What the desk calls it: Front desk, Room 2, Portable.",
        error_messages={"required": "Give the terminal a name."},
    )  # fmt: skip

    def __init__(self, *args: Any, practice: Practice, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        places = Location.objects.filter(practice=practice, removed_at=None).order_by("name", "pk")
        self.fields["location"].queryset = places  # type: ignore[attr-defined]

    def clean_code(self) -> str:
        return "-".join(self.cleaned_data["code"].lower().split())


class RenameForm(SetUpForm):
    label = forms.CharField(label="Name", max_length=60, error_messages={"required": "Give the terminal a name."})


class DefaultForm(forms.Form):
    """Which reader stands chosen for which person."""

    member = forms.ModelChoiceField(queryset=Membership.objects.none())
    reader = forms.ModelChoiceField(queryset=Reader.objects.none(), required=False)

    def __init__(self, *args: Any, practice: Practice, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        members = Membership.objects.filter(practice=practice, is_active=True).select_related("user")
        readers = Reader.objects.filter(practice=practice, state=Reader.State.ACTIVE)
        self.fields["member"].queryset = members  # type: ignore[attr-defined]
        self.fields["reader"].queryset = readers  # type: ignore[attr-defined]
