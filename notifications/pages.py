"""Reading templates for the screen: the place, the editor, its preview, its versions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from django.http import Http404
from django.urls import reverse

from notifications import templates, variables, ways
from notifications.defaults import LANGUAGES, PAGES, TemplateText, default
from notifications.differences import Piece, pieces
from notifications.forms import TemplateForm
from notifications.models import Channel, Kind, Template
from patients import search
from practices.models import Practice

# So many versions are listed.
SHOWN = 20


TITLES = {"templates": "Payment Templates", "plan-templates": "Payment Plan Templates"}


@dataclass(frozen=True)
class Place:
    """Which template: kind × channel × language; and on which page of the settings it is looked at."""

    page: str
    kind: str
    channel: str
    language: str

    @property
    def url(self) -> str:
        return reverse("template", args=[self.page, self.kind.lower(), self.channel.lower(), self.language])

    @property
    def where(self) -> tuple[str, str, str]:
        return self.kind, self.channel, self.language


@dataclass(frozen=True)
class Link:
    label: str
    url: str
    here: bool


@dataclass(frozen=True)
class Version:
    """One saved version with what it changed."""

    row: Template
    subject: list[Piece]
    body: list[Piece]


def place_or_404(page: str, kind: str, channel: str, language: str) -> Place:
    place = Place(page, kind.upper(), channel.upper(), language)
    is_known = place.kind in PAGES.get(page, ()) and place.channel in Channel.values and language in LANGUAGES
    if not is_known:
        raise Http404("no such template")
    return place


def first_place(page: str) -> Place:
    return Place(page, PAGES[page][0], Channel.SMS, "en")


def number(typed: str) -> int:
    """A version's number; 0, which no version has, for anything else."""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 9 else 0


def current(practice: Practice, place: Place) -> TemplateText:
    return templates.current(practice.pk, *place.where)


def blank_form(practice: Practice, place: Place) -> TemplateForm:
    text = current(practice, place)
    return TemplateForm(initial={"subject": text.subject, "body": text.body}, channel=place.channel)


def template_page(practice: Practice, place: Place, form: TemplateForm, text: TemplateText) -> dict[str, Any]:
    """The editor with its preview; `text` is what the form shows now."""
    versions = _versions(practice, place)
    newest = versions[0].row.version if versions else 0
    return {
        "place": place,
        "title": TITLES[place.page],
        "form": form,
        "kinds": [_link(Kind(kind).label, replace(place, kind=kind), place) for kind in PAGES[place.page]],
        "channels": [_link(channel.label, replace(place, channel=channel), place) for channel in Channel],
        "languages": [_link(label, replace(place, language=code), place) for code, label in LANGUAGES.items()],
        "variables": variables.allowed(place.kind),
        "versions": versions,
        "next_version": newest + 1,
        **preview_part(practice, place, text),
    }


def _link(label: str, to: Place, here: Place) -> Link:
    return Link(label, to.url, to.where == here.where)


def _versions(practice: Practice, place: Place) -> list[Version]:
    """The newest first, each beside the one before it; the first beside the default text."""
    rows = list(templates.versions(practice.pk, *place.where)[: SHOWN + 1])
    first = default(*place.where)
    befores = [*((row.subject, row.body) for row in rows[1:]), (first.subject, first.body)]
    pairs = zip(rows[:SHOWN], befores, strict=False)
    return [Version(row, pieces(old[0], row.subject), pieces(old[1], row.body)) for row, old in pairs]


def preview_part(practice: Practice, place: Place, text: TemplateText, wanted: str = "") -> dict[str, Any]:
    """The preview, for the real patient whom `wanted` finds (name, PatNum), else for an invented one."""
    person = search.find(practice, wanted, most=1).first() if wanted.strip() else None
    shown = templates.preview(practice, *place.where, text, person)
    ways_to = ways.offers(person) if person else []
    return {
        "preview": shown, "is_sms": place.channel == Channel.SMS, "person": person, "wanted": wanted,
        "way": next((way for way in ways_to if way.channel == place.channel), None),
    }  # fmt: skip
