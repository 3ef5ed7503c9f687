"""The texts a practice wrote: the one in force, saving a version, going back to the default, history, preview."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import phonenumbers
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from notifications import defaults, lint, segments, variables
from notifications.defaults import TemplateText
from notifications.models import Template
from notifications.render import UnableToRender, render
from notifications.variables import Value, Variable
from practices.models import Practice, User


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
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        finding = lint.Finding(lint.Level.BLOCK, "Somebody else saved this text just now: reload and look at theirs.")
        raise UnableToSaveTemplate([finding]) from error
    return row


def preview(practice: Practice, kind: str, channel: str, language: str, text: TemplateText) -> Preview:
    """The text with sample values, its size and what is wrong with it. Unknown variables stay in braces."""
    sample = sample_values(practice)
    findings = lint.lint(kind, channel, language, text, sample)
    try:
        shown = render(text, sample, language)
    except UnableToRender:
        shown = render(text, {**{name: f"{{{name}}}" for name in _names(text)}, **sample}, language)
    size = segments.count(shown.body) if channel == "SMS" else None
    return Preview(shown.subject, shown.body, size, findings)


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


def shown_phone(number: str) -> str:
    """(555) 555-0100 for an American number, anything else as it was written."""
    try:
        parsed = phonenumbers.parse(number, "US")
    except phonenumbers.NumberParseException:
        return number
    if parsed.country_code != 1 or len(str(parsed.national_number)) != 10:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
