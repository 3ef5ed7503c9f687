"""Notes in a patient's Commlog (POST /commlogs) for what staff must enter in Open Dental by hand: written once.

A small outbox: committed before it is sent; after an unclear answer the Commlog is searched for our reference before
anything is sent again. It tells staff where they work; what is to be done stands in KasperPay's queue all the same.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from core.calendar import local_date
from opendental import outbox
from opendental.errors import NotAllowed, OpenDentalError, Throttled, UnableToReachOffice
from opendental.models import OfficeNote
from payments.models import LedgerPosting
from practices.models import Event

if TYPE_CHECKING:
    from opendental.post import Poster

State = OfficeNote.State
_OPEN = (State.QUEUED, State.SENDING, State.UNCLEAR)
# A worker that holds one longer than this is dead (opendental/post.py).
_LOST_AFTER = timedelta(minutes=4)
_LONGEST_PAUSE = timedelta(hours=6)
_MOST_SENDS = 3
_NOT_ALLOWED = "The Open Dental key lacks the permission Comm, so no note could be left there."
_GIVEN_UP = "Open Dental did not confirm the note: it may or may not stand in the Commlog."


def leave(posting: LedgerPosting, pat_num: int, text: str, *, now: datetime) -> None:
    """A note about this posting is to be written for the patient; one per posting, however often it is asked for."""
    OfficeNote.objects.bulk_create(
        [
            OfficeNote(
                practice_id=posting.practice_id, posting=posting, pat_num=pat_num, next_at=now, created_at=now,
                text=f"{posting.reference} KasperPay: {text}"[:600],
            )
        ],
        ignore_conflicts=True,
    )  # fmt: skip


def work(poster: Poster) -> None:
    """Write what is due. Quiet about failures: the note is a help, and it is tried again."""
    due = Q(state__in=[State.QUEUED, State.UNCLEAR], next_at__lte=poster.now)
    lost = Q(state=State.SENDING, claimed_at__lte=poster.now - _LOST_AFTER)
    rows = OfficeNote.objects.filter(due | lost, practice_id=poster.connection.practice_id)
    for note in rows.select_related("posting").order_by("next_at", "pk"):
        if poster.is_away:
            return
        _step(poster, note)


def _step(poster: Poster, note: OfficeNote) -> None:
    if note.posting.state != LedgerPosting.State.BY_HAND and note.state == State.QUEUED:
        _move(note, [State.QUEUED], state=State.DROPPED, state_reason="It is done already.")
    elif "ApiComm" not in poster.connection.permissions:
        _move(note, _OPEN, state=State.REFUSED, state_reason=_NOT_ALLOWED)
    elif note.state == State.QUEUED:
        _send(poster, note)
    else:
        _search(poster, note)


def _send(poster: Poster, note: OfficeNote) -> None:
    claimed = {"state": State.SENDING, "claimed_at": poster.now, "sends": note.sends + 1}
    if not _move(note, [State.QUEUED, State.UNCLEAR], **claimed):
        return
    try:
        answer = poster.office.post("/commlogs", {"PatNum": note.pat_num, "Note": note.text, "Mode_": "None"})
    except OpenDentalError as error:
        _failed(poster, note, error)
    else:
        # Before 23.3.7 the answer is empty; it says no less that the note is there.
        _written(poster, note, answer.get("CommlogNum"))


def _failed(poster: Poster, note: OfficeNote, error: OpenDentalError) -> None:
    poster.note(note.posting, error)
    if not error.certainly_not_done:
        _move(note, [State.SENDING], state=State.UNCLEAR, next_at=poster.now + outbox.SEARCH_GAP)
    elif isinstance(error, UnableToReachOffice | NotAllowed | Throttled):
        _later(poster, note, State.QUEUED, sends=max(0, note.sends - 1))
    else:
        _move(note, [State.SENDING], state=State.REFUSED, state_reason=error.reason[:300])


def _search(poster: Poster, note: OfficeNote) -> None:
    since = local_date(note.created_at, note.posting.practice.zone) - timedelta(days=1)
    try:
        rows = poster.office.get_all("/commlogs", PatNum=note.pat_num, DateTStamp=f"{since.isoformat()} 00:00:00")
        found = [row for row in rows if str(row.get("Note", "")).startswith(note.posting.reference)]
    except OpenDentalError as error:
        poster.note(note.posting, error)
        _later(poster, note, State.UNCLEAR)
        return
    if found:
        _written(poster, note, found[0].get("CommlogNum"))
    elif note.sends < _MOST_SENDS:
        if _move(note, [State.SENDING, State.UNCLEAR], state=State.UNCLEAR):
            _send(poster, note)
    else:
        _move(note, _OPEN, state=State.REFUSED, state_reason=_GIVEN_UP)


def _written(poster: Poster, note: OfficeNote, number: Any) -> None:
    known = int(number) if str(number or "").isdecimal() else None
    if _move(note, _OPEN, state=State.WRITTEN, commlog_num=known, state_reason=""):
        Event.record(
            note.practice_id, kind="office_note_written", actor="poster", now=poster.now,
            about=outbox.about(note.posting), text=note.posting.reference,
        )  # fmt: skip


def _later(poster: Poster, note: OfficeNote, state: str, **changes: Any) -> None:
    pause = min(_LONGEST_PAUSE, outbox.SEARCH_GAP * 2 ** min(note.tries, 10))
    _move(note, _OPEN, state=state, tries=note.tries + 1, next_at=poster.now + pause, **changes)


def _move(note: OfficeNote, when: Any, **changes: Any) -> bool:
    """Guarded like every move of a posting: False where another worker was first."""
    unmoved = OfficeNote.objects.filter(pk=note.pk, state__in=list(when), claimed_at=note.claimed_at)
    moved = bool(unmoved.update(**changes))
    note.refresh_from_db()
    return moved
