"""What staff write to a patient: their words in the practice's frame, through the same outbox as everything else."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from notifications import defaults, inbox, lint, outbox, templates
from notifications.lint import Finding
from notifications.models import Channel, Kind, Message
from notifications.render import as_sent
from notifications.variables import Variable
from patients.models import Patient
from practices.models import User


class UnableToWrite(Exception):
    """The words would not do; `findings` say why, for staff."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("; ".join(finding.text for finding in findings))
        self.findings = findings


def write(patient: Patient, words: str, *, channel: str, click: UUID, user: User, now: datetime) -> Message:
    """Queue the words, once per `click`; what the patient wrote before counts as read. Raises UnableToWrite.

    Consent, quiet hours and the way out by STOP are the outbox's: who may not be texted gets an e-mail.
    """
    words = words.strip()
    findings = lint.lint_words(channel, words, _as_text(patient, words))
    if findings:
        raise UnableToWrite(findings)
    message = outbox.enqueue(
        practice=patient.practice, kind=Kind.WRITTEN, patient=patient, values={Variable.WORDS: words},
        dedupe_key=f"{Kind.WRITTEN}:{click}", now=now, about={"patient": patient.pk}, prefers=channel, written_by=user,
    )  # fmt: skip
    inbox.mark_read(patient, by=f"user:{user.pk}", now=now)
    return message


def _as_text(patient: Patient, words: str) -> str:
    """The longest text that it can become: as the first one, with the note on STOP."""
    language = outbox.language_of(patient)
    values = {**templates.sample_values(patient.practice), Variable.WORDS: words or "-"}
    text = as_sent(Channel.SMS, defaults.default(Kind.WRITTEN, Channel.SMS, language), values, language)
    return f"{text.body} {defaults.STOP_NOTE[language]}"
