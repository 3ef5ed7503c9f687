"""Reading templates and messages for the screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404
from django.urls import reverse

from notifications import templates, variables
from notifications.defaults import LANGUAGES, TemplateText
from notifications.forms import TemplateForm
from notifications.models import Channel, Kind, Message
from patients import pages as patient_pages
from patients.models import Patient
from practices.models import Practice

PAGE_SIZE = 50


@dataclass(frozen=True)
class Place:
    """Which template: kind × channel × language."""

    kind: str
    channel: str
    language: str

    @property
    def url(self) -> str:
        return reverse("template", args=[self.kind.lower(), self.channel.lower(), self.language])


@dataclass(frozen=True)
class Link:
    label: str
    url: str
    here: bool


def place_or_404(kind: str, channel: str, language: str) -> Place:
    place = Place(kind.upper(), channel.upper(), language)
    if place.kind not in Kind.values or place.channel not in Channel.values or language not in LANGUAGES:
        raise Http404("no such template")
    return place


def first_place() -> Place:
    return Place(Kind.PAYMENT_SUCCESSFUL, Channel.SMS, "en")


def current(practice: Practice, place: Place) -> TemplateText:
    return templates.current(practice.pk, place.kind, place.channel, place.language)


def blank_form(practice: Practice, place: Place) -> TemplateForm:
    text = current(practice, place)
    return TemplateForm(initial={"subject": text.subject, "body": text.body}, channel=place.channel)


def template_page(practice: Practice, place: Place, form: TemplateForm, text: TemplateText) -> dict[str, Any]:
    """The editor with its preview; `text` is what the form shows now."""
    versions = list(templates.versions(practice.pk, place.kind, place.channel, place.language)[:20])
    return {
        "place": place,
        "form": form,
        "kinds": [
            Link(kind.label, Place(kind, place.channel, place.language).url, kind == place.kind) for kind in Kind
        ],
        "channels": [
            Link(channel.label, Place(place.kind, channel, place.language).url, channel == place.channel)
            for channel in Channel
        ],
        "languages": [
            Link(label, Place(place.kind, place.channel, code).url, code == place.language)
            for code, label in LANGUAGES.items()
        ],
        "variables": variables.allowed(place.kind),
        "versions": versions,
        "in_force": versions[0].version if versions else 0,
        "next_version": (versions[0].version if versions else 0) + 1,
        **preview_part(practice, place, text),
    }


def preview_part(practice: Practice, place: Place, text: TemplateText) -> dict[str, Any]:
    shown = templates.preview(practice, place.kind, place.channel, place.language, text)
    return {"preview": shown, "is_sms": place.channel == Channel.SMS}


def messages_of(patient: Patient, page: str) -> dict[str, Any]:
    """Everything that was queued for this person, newest first."""
    rows = Message.objects.filter(practice=patient.practice_id, patient=patient).order_by("-created_at", "-pk")
    found = Paginator(rows, PAGE_SIZE).get_page(page)
    return {**patient_pages.head(patient, "patient_messages"), "page": found, "link_mark": Message.LINK_MARK}
