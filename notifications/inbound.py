"""What the carrier tells us: delivery of our texts, and texts of patients. Early, late, twice and out of order."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError, transaction

from core import pans
from core.phones import normalize
from notifications import numbers, send, templates, texting, upward, ways, wishes
from notifications.models import Channel, Message, MessagingAccount, Reply
from patients.models import Patient
from practices.models import Event, Practice

State = Message.State
log = logging.getLogger(__name__)
# A report moves a message up, never back.
_RANK = {State.QUEUED: 0, State.SENDING: 0, State.UNKNOWN: 0, State.SENT: 1, State.UNDELIVERED: 2, State.DELIVERED: 3}
_STATE_OF = {
    "accepted": State.SENT, "scheduled": State.SENT, "queued": State.SENT, "sending": State.SENT, "sent": State.SENT,
    "delivered": State.DELIVERED, "read": State.DELIVERED,
    "undelivered": State.UNDELIVERED, "failed": State.UNDELIVERED, "canceled": State.UNDELIVERED,
}  # fmt: skip
_SAID: dict[str, str] = {
    Reply.Meaning.STOP: "Replied: no more texts",
    Reply.Meaning.START: "Replied: texts are welcome again",
    Reply.Meaning.HELP: "Replied: asked for help",
    Reply.Meaning.OTHER: "Replied by text",
}
_WHY = {
    "30003": "the phone can't be reached",
    "30004": "blocked by the carrier or the patient",
    "30005": "the number is unknown",
    "30006": "the number is a landline",
    "30007": "filtered by the carrier",
    "30034": "the practice's number is not registered",
}
# Not about this number: an operator must act.
_ACCOUNT_CODES = frozenset({"30007", "30034"})


@transaction.atomic(durable=True)
def take_status(practice: Practice, form: Mapping[str, str], message_id: str, now: datetime) -> bool:
    """A delivery report; True when it changed something. Reports about messages we don't know are left alone."""
    state = _STATE_OF.get(form.get("MessageStatus", ""))
    message = _reported(practice, form.get("MessageSid", ""), message_id)
    if state is None or message is None or _RANK[state] <= _rank_of(message):
        return False
    message.state, message.state_reason = state, _why(state, form.get("ErrorCode", ""))
    message.carrier_reference = form["MessageSid"][:64]
    message.sent_at = message.sent_at or now
    message.save(update_fields=["state", "state_reason", "carrier_reference", "sent_at"])
    about = {**message.about, "patient": message.patient_id, "message": message.pk}
    text = f"{message.label} {message.state_reason or state.label.lower()}"
    Event.record(practice.pk, kind=f"message_{state.lower()}", actor="carrier", now=now, about=about, text=text)
    if state == State.UNDELIVERED:
        _fall_back(message, form.get("ErrorCode", ""), now)
    return True


def _rank_of(message: Message) -> int:
    # Given up after a lost answer, and yet it went out.
    was_lost = message.state == State.BLOCKED and message.sends > 0
    return 0 if was_lost else _RANK.get(State(message.state), 9)


def _fall_back(message: Message, error_code: str, now: datetime) -> None:
    """By e-mail instead, where there is an address; without one it stands as undelivered, a task for staff."""
    numbers.learn(message.practice_id, message.to, error_code, now)
    if error_code in _ACCOUNT_CODES:
        problem = f"Texts are not delivered: {_WHY[error_code]} (error {error_code})"
        MessagingAccount.objects.filter(practice=message.practice_id).update(problem=problem)
    if ways.mail_address(message.patient):
        send.by_mail_instead(message, message.state_reason, now)


def _reported(practice: Practice, reference: str, message_id: str) -> Message | None:
    """By the carrier's name for it; or by our id, when the reply that held the name was lost or is still to come."""
    if not reference:
        return None
    # A text that goes by e-mail meanwhile is no longer the carrier's.
    rows = Message.objects.select_for_update().filter(practice=practice, channel=Channel.SMS)
    known = rows.filter(carrier_reference=reference).first()
    if known is not None or not (message_id.isascii() and message_id.isdigit() and len(message_id) < 19):
        return known
    return rows.filter(pk=int(message_id), carrier_reference="").first()


def _why(state: Message.State, error_code: str) -> str:
    if state != State.UNDELIVERED:
        return ""
    word = _WHY.get(error_code, "the carrier gave up")
    return f"Not delivered: {word} (error {error_code})" if error_code else f"Not delivered: {word}"


def take_text(practice: Practice, form: Mapping[str, str], now: datetime) -> str:
    """A patient's text: what to answer by text, '' for nothing. Told twice, it acts and answers once.

    STOP, START and HELP come first and are nobody else's; any other text goes to the handler (notifications/upward.py).
    """
    reply = _take(practice, form, now)
    if reply is None:
        return ""
    answer = _answer(practice, reply) or _act(reply, now)
    if answer:
        Reply.objects.filter(pk=reply.pk).update(answer=templates.without_links(practice.slug, answer))
        Reply.objects.filter(pk=reply.pk, read_at=None).update(read_at=now, read_by="answer")
    return answer


@transaction.atomic(durable=True)
def _take(practice: Practice, form: Mapping[str, str], now: datetime) -> Reply | None:
    """Its row, with what it says about texting obeyed; None when the carrier told it before."""
    phone = normalize(form.get("From", "")) or form.get("From", "")[:16]
    # PostgreSQL keeps no NUL; a text without the carrier's name can't be a duplicate.
    body, reference = form.get("Body", "").replace("\0", ""), form.get("MessageSid") or uuid.uuid4().hex
    meaning = wishes.meaning(body, form.get("OptOutType", ""))
    reply = Reply(practice=practice, carrier_reference=reference[:64], phone=phone, received_at=now)
    # A card number that somebody texts is not kept (PCI-1).
    reply.patient, reply.body, reply.meaning = _person_of(practice, phone), pans.hidden(body)[:1600], meaning
    if meaning != Reply.Meaning.OTHER:
        reply.read_at, reply.read_by = now, "answer"
    if not _is_first(reply):
        return None
    numbers.clear(practice.pk, phone)
    _obey(practice, reply, now)
    return reply


def _act(reply: Reply, now: datetime) -> str:
    """What a higher app made of it. Whatever it throws, the text stays for staff to read."""
    if reply.meaning != Reply.Meaning.OTHER:
        return ""
    try:
        return upward.handlers.any_other_text(reply, now)
    except Exception:
        log.exception("Unable to act on reply %s", reply.pk)
        return ""


def _is_first(reply: Reply) -> bool:
    """Stores it, unless the carrier told it before (or tells it at this moment on another connection)."""
    try:
        with transaction.atomic():
            reply.save(force_insert=True)
    except IntegrityError:
        return False
    return True


def _person_of(practice: Practice, phone: str) -> Patient | None:
    """Whoever we texted last on this number, else its only owner."""
    last = Message.objects.filter(practice=practice, to=phone).select_related("patient").order_by("-pk").first()
    if last is not None:
        return last.patient
    owners = Patient.objects.filter(practice=practice, mobile_phone=phone)[:2]
    return owners[0] if len(owners) == 1 else None


def _obey(practice: Practice, reply: Reply, now: datetime) -> None:
    if reply.meaning in (Reply.Meaning.STOP, Reply.Meaning.START):
        allowed = reply.meaning == Reply.Meaning.START
        texting.record(practice.pk, reply.phone, allowed=allowed, source=f"reply: {reply.meaning}", now=now)
    about = {"reply": reply.pk}
    if reply.patient is not None:
        about["patient"] = reply.patient.pk
    actor = f"patient:{reply.patient.pk}" if reply.patient else "carrier"
    kind = f"text_{reply.meaning.lower()}"
    # The words stand in the reply row; the log holds what they meant.
    Event.record(practice.pk, kind=kind, actor=actor, now=now, about=about, text=_SAID[reply.meaning])


def _answer(practice: Practice, reply: Reply) -> str:
    """One text back. To its own STOP words the carrier answers itself and delivers nothing more."""
    phone = templates.shown_phone(practice.phone)
    if reply.meaning == Reply.Meaning.HELP:
        check = templates.check_address(practice.slug)
        return f"{practice.name}: for help call {phone or 'us'}. Is a text from us? {check} Reply STOP to opt out."
    if reply.meaning == Reply.Meaning.STOP and not wishes.confirmed_by_carrier(reply.body):
        return f"{practice.name}: you will get no more texts from us. Reply START to get them again."
    return ""
