"""The texts a practice wrote: the one in force, saving a version, going back to the default, history, preview."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

import phonenumbers
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from notifications import defaults, lint, segments, variables
from notifications.defaults import TemplateText
from notifications.models import Message, Template
from notifications.render import UnableToRender, as_sent
from notifications.variables import Value, Variable
from patients.models import Patient
from practices.models import Event, Practice, User


class UnableToSaveTemplate(Exception):
    """The text would not do; `findings` say why."""

    def __init__(self, findings: list[lint.Finding]) -> None:
        super().__init__("; ".join(finding.text for finding in findings))
        self.findings = findings


@dataclass(frozen=True)
class Preview:
    """What a sample patient would get; `segments` is None for an e-mail."""

    subject: str
    body: str
    segments: segments.Segments | None
    findings: list[lint.Finding]


def current(practice_id: int, kind: str, channel: str, language: str) -> TemplateText:
    """The text in force: the newest saved version, else the default (version 0)."""
    newest = versions(practice_id, kind, channel, language).first()
    if newest is None:
        return defaults.default(kind, channel, language)
    return TemplateText(newest.subject, newest.body, newest.version)


def versions(practice_id: int, kind: str, channel: str, language: str) -> QuerySet[Template]:
    """All saved versions, newest first, with the person who saved each."""
    rows = Template.objects.filter(practice_id=practice_id, kind=kind, channel=channel, language=language)
    return rows.select_related("saved_by").order_by("-version")


def save_version(
    practice: Practice, kind: str, channel: str, language: str, text: TemplateText, *, user: User | None, now: datetime
) -> Template:
    """Store the next version; it is in force at once. Raises UnableToSaveTemplate when a finding blocks it."""
    findings = preview(practice, kind, channel, language, text).findings
    if lint.is_blocked(findings):
        raise UnableToSaveTemplate([finding for finding in findings if finding.level == lint.Level.BLOCK])
    return _append(practice, kind, channel, language, text, user=user, now=now)


def reset_to_default(
    practice: Practice, kind: str, channel: str, language: str, *, user: User | None, now: datetime
) -> Template:
    """Put the default text in force as a new version, so that the history stays whole."""
    text = defaults.default(kind, channel, language)
    return _append(practice, kind, channel, language, text, user=user, now=now)


def _append(
    practice: Practice, kind: str, channel: str, language: str, text: TemplateText, *, user: User | None, now: datetime
) -> Template:
    newest = versions(practice.pk, kind, channel, language).first()
    row = Template(practice=practice, kind=kind, channel=channel, language=language, saved_by=user, saved_at=now)
    row.version = (newest.version if newest else 0) + 1
    row.subject, row.body = text.subject.strip(), text.body.strip()
    before = current(practice.pk, kind, channel, language)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            _note(row, before)
    except IntegrityError as error:
        finding = lint.Finding(lint.Level.BLOCK, "Somebody else saved this text just now: reload and look at theirs.")
        raise UnableToSaveTemplate([finding]) from error
    return row


def _note(row: Template, before: TemplateText) -> None:
    """Who changed what, for the audit trail."""
    Event.record(
        row.practice_id, kind="template_saved", actor=f"user:{row.saved_by_id}" if row.saved_by_id else "system",
        now=row.saved_at, about={"template": row.pk},
        text=f"{row.label}: version {row.version} saved",
        before={"version": before.version, "subject": before.subject, "body": before.body},
        after={"version": row.version, "subject": row.subject, "body": row.body},
    )  # fmt: skip


def restore(
    practice: Practice, kind: str, channel: str, language: str, version: int, *, user: User | None, now: datetime
) -> Template:
    """Put an earlier version in force as a new one. Raises Template.DoesNotExist, UnableToSaveTemplate."""
    old = versions(practice.pk, kind, channel, language).get(version=version)
    text = TemplateText(old.subject, old.body)
    return save_version(practice, kind, channel, language, text, user=user, now=now)


def preview(
    practice: Practice, kind: str, channel: str, language: str, text: TemplateText, person: Patient | None = None
) -> Preview:
    """The text with sample values, its size and what is wrong with it. Unknown variables stay in braces.

    With a `person`: their own name, and what their last message of this kind said.
    """
    sample = {**sample_values(practice), **(_values_of(person, kind) if person else {})}
    findings = lint.lint(kind, channel, language, text, sample)
    try:
        shown = as_sent(channel, text, sample, language)
    except UnableToRender:
        shown = as_sent(channel, text, {**{name: f"{{{name}}}" for name in _names(text)}, **sample}, language)
    size = segments.count(shown.body) if channel == "SMS" else None
    return Preview(shown.subject, shown.body, size, findings)


def _values_of(person: Patient, kind: str) -> dict[str, Value]:
    rows = Message.objects.filter(practice=person.practice_id, patient=person.pk, kind=kind)
    last = rows.order_by("-created_at", "-pk").values_list("values", flat=True).first()
    told = {name: value for name, value in (last or {}).items() if value and name not in variables.LINKS}
    return {**told, Variable.PATIENT_NAME: person.greeting_name or person.last_name}


def _names(text: TemplateText) -> list[str]:
    return variables.used(f"{text.subject} {text.body}")


def sample_values(practice: Practice) -> dict[str, Value]:
    """Values of a made-up patient, with this practice's own name, number and length of link."""
    sample: dict[str, Value] = {variable.value: value for variable, value in variables.SAMPLES.items()}
    sample[Variable.PRACTICE_NAME] = practice.name
    sample[Variable.PRACTICE_PHONE] = shown_phone(practice.phone) or str(variables.SAMPLES[Variable.PRACTICE_PHONE])
    for link in variables.LINKS:
        sample[link] = link_address(practice.slug, "x" * 26)
    return sample


def link_address(slug: str, token: str) -> str:
    """Where a patient link leads (paylinks/urls.py)."""
    return f"{settings.BASE_URL}/p/{slug}/{token}"


def without_links(slug: str, text: str) -> str:
    """The text as it is kept: no token of a patient's link stands in it."""
    return re.sub(re.escape(link_address(slug, "")) + r"[\w-]+", Message.LINK_MARK, text)


def check_address(slug: str) -> str:
    """Where a patient checks the code of a text (paylinks/check_views.py)."""
    return f"{settings.BASE_URL}/check/{slug}/"


def shown_phone(number: str) -> str:
    """(555) 555-0100 for an American number, anything else as it was written."""
    try:
        parsed = phonenumbers.parse(number, "US")
    except phonenumbers.NumberParseException:
        return number
    if parsed.country_code != 1 or len(str(parsed.national_number)) != 10:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
