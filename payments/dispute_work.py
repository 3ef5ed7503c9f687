"""What people do with a dispute: release the card's autopay, note that evidence was submitted. Nothing leaves here."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from core.calendar import local_date
from payments import locks
from payments.dispute_outcomes import about, let_go, lost_key
from payments.models import Alarm
from practices.models import Event


class UnableToRelease(Exception):
    """The freeze stays as it is; the text says why."""


class UnableToNote(Exception):
    """Nothing was noted; the text says why."""


def release(dispute_id: int, *, reason: str, actor: str, now: datetime) -> None:
    """Autopay with that card number may go on, whatever becomes of the dispute. Raises UnableToRelease.

    Other disputes of the same number freeze it as before. Who may do it is the caller's to know.
    """
    if not reason.strip():
        raise UnableToRelease("Say why autopay may go on")
    with transaction.atomic():
        dispute = locks.dispute(dispute_id)
        if not dispute.is_frozen:
            raise UnableToRelease("Nothing is held by this dispute any more")
        dispute.is_frozen, dispute.released_at, dispute.released_by = False, now, actor
        dispute.release_reason = reason.strip()[:200]
        dispute.save(update_fields=["is_frozen", "released_at", "released_by", "release_reason"])
        # A person deals with it, so it is in the timeline like every alarm that people close.
        for alarm in Alarm.objects.filter(practice=dispute.practice_id, key=lost_key(dispute.reference)):
            alarm.close_by_hand(actor=actor, now=now)
        Event.record(
            dispute.practice_id, kind="dispute_released", actor=actor, now=now, about=about(dispute),
            text=f"Autopay with the disputed card may go on: {dispute.release_reason}",
        )  # fmt: skip
    let_go(dispute)


def note_submission(dispute_id: int, *, day: date, note: str, actor: str, now: datetime) -> None:
    """Staff submitted evidence at the processor on that practice-local day. Raises UnableToNote."""
    with transaction.atomic():
        dispute = locks.dispute(dispute_id)
        zone = dispute.practice.zone
        if day > local_date(now, zone):
            raise UnableToNote("That day is still to come")
        if day < local_date(dispute.made_at, zone):
            raise UnableToNote("That is before the dispute")
        dispute.submitted_on, dispute.submitted_note = day, note.strip()[:200]
        dispute.save(update_fields=["submitted_on", "submitted_note"])
        Event.record(
            dispute.practice_id, kind="dispute_submitted", actor=actor, now=now, about=about(dispute),
            text=f"Evidence submitted at the card processor on {day:%b} {day.day}. {dispute.submitted_note}".strip(),
        )  # fmt: skip
