"""What waits for staff: texts of patients nobody has read, and messages that reached nobody."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from notifications import codes
from notifications.models import Message, Reply
from patients.models import Patient
from practices.models import Event, Practice

_FOR_STAFF = (Message.State.BLOCKED, Message.State.UNDELIVERED)


def to_read(practice: Practice) -> QuerySet[Reply]:
    """Newest first."""
    rows = Reply.objects.filter(practice=practice, read_at=None).select_related("patient")
    return rows.order_by("-received_at", "-pk")


def undelivered(practice: Practice) -> QuerySet[Message]:
    """What reached nobody and nobody has seen to, newest first."""
    rows = Message.objects.filter(practice=practice, state__in=_FOR_STAFF, handled_at=None)
    return rows.select_related("patient").order_by("-created_at", "-pk")


def mark_read(patient: Patient, *, by: str, now: datetime) -> int:
    """Everything this person wrote. How many texts."""
    mine = Reply.objects.filter(practice=patient.practice_id, patient=patient, read_at=None)
    return mine.update(read_at=now, read_by=by)


def mark_unread(patient: Patient) -> bool:
    """The newest text of this person waits again. False when there is none."""
    newest = Reply.objects.filter(practice=patient.practice_id, patient=patient, meaning=Reply.Meaning.OTHER)
    found = newest.order_by("-received_at", "-pk").first()
    return found is not None and bool(Reply.objects.filter(pk=found.pk).update(read_at=None, read_by=""))


def read_one(reply: Reply, *, by: str, now: datetime) -> bool:
    """One text, also of a number that belongs to nobody."""
    return bool(Reply.objects.filter(pk=reply.pk, read_at=None).update(read_at=now, read_by=by))


def settle(message: Message, *, by: str, now: datetime) -> bool:
    """Somebody saw to it that the person was told another way. False when that is done already."""
    mine = Message.objects.filter(pk=message.pk, state__in=_FOR_STAFF, handled_at=None)
    if not mine.update(handled_at=now, handled_by=by):
        return False
    about = {**message.about, "patient": message.patient_id, "message": message.pk}
    text = f"{message.label}: seen to by hand"
    Event.record(message.practice_id, kind="message_handled", actor=by, now=now, about=about, text=text)
    return True


def by_code(practice: Practice, typed: str) -> Message | None:
    """The newest message with the code that somebody reads out; None for any other."""
    digits = codes.typed(typed)
    rows = Message.objects.filter(practice=practice, code=digits).select_related("patient")
    return rows.order_by("-created_at", "-pk").first() if digits else None
