"""What the Messages screens show: one patient's conversation, and what waits for staff in the whole practice."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.core.paginator import Paginator
from django.http import QueryDict

from notifications import conversation, inbox, ways
from notifications.models import Message, MessagingAccount, Reply
from notifications.write_forms import WriteForm
from patients import pages as patient_pages
from patients.models import Patient
from practices import listing
from practices.models import Practice

PAGE_SIZE = 50
SHOWS = {"to-read": "To read", "undelivered": "Not delivered"}


def write_form(patient: Patient, offers: list[ways.Way], data: QueryDict | None) -> WriteForm:
    """Offers the ways by which this person may be written to, the first as chosen."""
    first = next((way.channel for way in offers if not way.problem), "")
    return WriteForm(data, offers=offers, initial={"channel": first, "click": uuid.uuid4()})


def conversation_page(
    patient: Patient, form: WriteForm, offers: list[ways.Way], number: str, now: datetime
) -> dict[str, Any]:
    """The Messages tab of a patient."""
    return {
        **patient_pages.head(patient, "patient_messages"),
        "page": conversation.page_of(patient, number),
        "form": form,
        "offers": offers,
        "can_be_reached": any(not way.problem for way in offers),
        "allowed_from": ways.allowed_from(patient, now),
        "now": now,
        "unread": Reply.objects.filter(practice=patient.practice_id, patient=patient, read_at=None).count(),
        "has_replies": Reply.objects.filter(practice=patient.practice_id, patient=patient).exists(),
        "link_mark": Message.LINK_MARK,
    }


def inbox_page(practice: Practice, shown: str, number: str, code: str) -> dict[str, Any]:
    """The Messages screen: texts to read, or messages that reached nobody; and the message with a code."""
    chosen = shown if shown in SHOWS else "to-read"
    rows: dict[str, Any] = {"to-read": inbox.to_read(practice), "undelivered": inbox.undelivered(practice)}
    counts = {name: found.count() for name, found in rows.items()}
    account = MessagingAccount.objects.filter(practice=practice).first()
    return {
        "filters": listing.filters(SHOWS, counts, chosen, ""),
        "shown": chosen,
        "page": Paginator(rows[chosen], PAGE_SIZE).get_page(number),
        "query": listing.query(filter=chosen),
        "code": code,
        "by_code": inbox.by_code(practice, code) if code else None,
        "problem": account.problem if account else "",
        "link_mark": Message.LINK_MARK,
    }
