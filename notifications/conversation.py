"""One person's messages: what went out and what came in, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.core.paginator import Page, Paginator

from notifications.models import Message, Reply
from patients.models import Patient

PAGE_SIZE = 50


@dataclass(frozen=True)
class Line:
    """One message or one reply; the other is None."""

    at: datetime
    message: Message | None = None
    reply: Reply | None = None


def page_of(patient: Patient, number: str) -> Page[Line]:
    """By when it was queued or received. A person has some hundred of them at most."""
    mine = {"practice": patient.practice_id, "patient": patient}
    sent = Message.objects.filter(**mine).select_related("written_by")
    lines = [Line(one.created_at, message=one) for one in sent]
    lines += [Line(one.received_at, reply=one) for one in Reply.objects.filter(**mine)]
    lines.sort(key=lambda line: (line.at, line.reply is not None, _pk(line)), reverse=True)
    return Paginator(lines, PAGE_SIZE).get_page(number)


def _pk(line: Line) -> int:
    row = line.message or line.reply
    return row.pk if row else 0
