"""Puts a message into the outbox, once per event. Safe inside the caller's transaction: no network, no own one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import structlog

from core import trace
from notifications import codes, defaults, templates, variables, ways
from notifications.defaults import TemplateText
from notifications.models import Channel, Kind, Message
from notifications.render import UnableToRender, as_sent
from notifications.variables import Value, Variable
from patients.models import Patient
from practices.models import Practice, User

log = structlog.stdlib.get_logger(__name__)

PERHAPS_SENT = "The database was restored: it may have been sent before."
# Open Dental keeps ISO 639-2; offices also type the short form.
_SPANISH = frozenset({"spa", "es"})


def enqueue(
    *,
    practice: Practice,
    kind: str,
    patient: Patient,
    values: Mapping[str, Value],
    dedupe_key: str,
    now: datetime,
    link_nonce: UUID | None = None,
    about: dict[str, int] | None = None,
    perhaps_sent: bool = False,
    prefers: str = "",
    written_by: User | None = None,
) -> Message:
    """Queue one message about one event; the same `dedupe_key` returns the message that is there.

    `values` by label ("Transaction Amount": "$128.60", "Payment Due Date": a date or text); names and the link are
    filled in here. Never raises for a person who can't be reached or a template that lacks a value: such a message
    stands as BLOCKED with the reason, a task for staff.

    `prefers` is the channel that staff chose; the rules of consent stand all the same. `written_by`: whose own words.

    `perhaps_sent`: the event was made known before a restore (so may be whatever is queued while a practice recovers
    from one). A text is looked up at the carrier before it is sent; an e-mail can't be, so it is left to staff.
    """
    language, code = language_of(patient), codes.of_message(practice.pk, dedupe_key, link_nonce)
    message = Message(
        practice=practice, kind=kind, patient=patient, dedupe_key=dedupe_key, language=language,
        values=_texts(practice, patient, {**values, Variable.CODE: codes.spaced(code)}, language, link_nonce),
        link_nonce=link_nonce, code=code, written_by=written_by,
        created_at=now, prefers=prefers, not_before=ways.allowed_from(patient, now), about=about or {},
        trace=trace.current(),
    )  # fmt: skip
    address(message, ways.choose(patient, kind, now, prefers))
    if perhaps_sent or practice.recover_since is not None:
        doubt(message)
    Message.objects.bulk_create([message], ignore_conflicts=True)
    found = Message.objects.get(practice=practice, dedupe_key=dedupe_key)
    log.info("message_queued", message=found.pk, kind=kind, channel=found.channel, state=found.state)
    return found


def call_off(practice_id: int, link_nonce: UUID, *, reason: str) -> int:
    """Whatever waits with this link is not needed any more: no quiet hour's end sends it. How many messages."""
    waiting = Message.objects.filter(practice=practice_id, link_nonce=link_nonce, state=Message.State.QUEUED)
    return waiting.update(state=Message.State.CALLED_OFF, state_reason=reason[:200])


def doubt(message: Message) -> None:
    """It may have left the house before a restore (unsaved): look for it first, or leave it to staff."""
    if message.state != Message.State.QUEUED:
        return
    if message.channel == Channel.SMS:
        message.state, message.state_reason = Message.State.UNKNOWN, PERHAPS_SENT
    else:
        message.block(PERHAPS_SENT)


def address(message: Message, way: ways.Way) -> None:
    """Give the unsaved changes: channel, address and the text for it, or BLOCKED with the reason."""
    message.channel, message.to = way.channel, way.to
    if way.problem:
        message.block(way.problem)
        return
    try:
        text = _compose(message)
    except UnableToRender as error:
        message.block(f"The text could not be made: {error}")
        return
    message.subject, message.body = text.subject[:200], text.body


def _compose(message: Message) -> TemplateText:
    """The practice's text; where one of its variables has no value this time, the default text."""
    where = (message.kind, message.channel, message.language)
    try:
        text = as_sent(
            message.channel, templates.current(message.practice_id, *where), message.values, message.language
        )
    except UnableToRender:
        text = as_sent(message.channel, defaults.default(*where), message.values, message.language)
    if message.kind == Kind.WRITTEN and message.channel == Channel.SMS and _is_first(message):
        return replace(text, body=f"{text.body} {defaults.STOP_NOTE[message.language]}")
    return text


def _is_first(message: Message) -> bool:
    """No text went to this number yet: it must say how to opt out (compliance SMS-4)."""
    texts = Message.objects.filter(practice=message.practice_id, patient=message.patient_id, channel=Channel.SMS)
    return not texts.filter(to=message.to, sent_at__isnull=False).exists()


def _texts(
    practice: Practice, patient: Patient, values: Mapping[str, Value], language: str, link_nonce: UUID | None
) -> dict[str, str]:
    known: dict[str, Value] = {
        Variable.PRACTICE_NAME: practice.name,
        Variable.PRACTICE_PHONE: templates.shown_phone(practice.phone) or practice.name,
        Variable.PATIENT_NAME: patient.greeting_name or patient.last_name,
    }
    if link_nonce is not None:
        known |= dict.fromkeys(variables.LINKS, Message.LINK_MARK)
    return {str(name): variables.text_of(value, language) for name, value in {**known, **values}.items()}


def language_of(patient: Patient) -> str:
    """en or es."""
    return "es" if patient.language.strip().lower() in _SPANISH else "en"
