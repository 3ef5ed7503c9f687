"""Writes discounts into the ledger: a negative adjustment on each procedure, sent, found again, read back; and changes
its amount when a refund takes its share of the discount back.

Its states stand in docs/money.md ("Fees"). Every step is committed before the next one begins, as in post.py.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog
from django.db import transaction
from django.db.models import F, Q

from core import trace
from core.calendar import local_date
from core.money import format_cents
from opendental import features, outbox
from opendental.errors import NotAllowed, NotFoundInOffice, OpenDentalError, Throttled, UnableToReachOffice
from opendental.fields import Fields, Unreadable
from opendental.refund_by_hand import LOOK_EVERY
from payments.models import Alarm, LedgerAdjustment, LedgerPosting
from practices.models import Event

if TYPE_CHECKING:
    from opendental.post import Poster

log = logging.getLogger(__name__)
steps = structlog.stdlib.get_logger(__name__)
State = LedgerAdjustment.State
_PROVEN_ABSENT = 2
_LOOK_LATER, _NEW, _LATE = timedelta(hours=6), timedelta(days=1), timedelta(hours=1)
_LONGEST_PAUSE, _MANY_TRIES = timedelta(minutes=15), 8
_GONE = "The procedure is no longer in Open Dental, or is not complete any more."


def go_first(posting: LedgerPosting) -> bool:
    """A discount of the same payment is on its way: Open Dental takes the money better once it is there."""
    moving = Q(state__in=[State.SENDING, State.UNCLEAR]) | Q(state=State.QUEUED, tries=0)
    return posting.plan_id is None and LedgerAdjustment.objects.filter(moving, payment=posting.payment_id).exists()


def run(poster: Poster, *, lost_after: timedelta) -> int:
    """Work on every adjustment of the practice whose time has come; returns how many."""
    mine = LedgerAdjustment.objects.filter(practice_id=poster.connection.practice_id)
    mine = mine.select_related("patient", "practice", "payment__attempt")
    for row in mine.filter(state=State.SENDING, claimed_at__lte=poster.now - lost_after):
        _move(poster, row, when=[State.SENDING], text="The worker that sent it was lost.", **_unclear(poster, False))
    worked = 0
    resting = [State.MATCHED, State.SENDING, State.MARKED]
    for row in mine.filter(next_at__lte=poster.now).exclude(state__in=resting).order_by("pk"):
        if poster.is_away:
            break
        _shielded(poster, row)
        worked += 1
    return worked


def _shielded(poster: Poster, row: LedgerAdjustment) -> None:
    attempt, before = row.payment.attempt, row.state
    with trace.bound(attempt.trace, attempt=str(attempt.uuid), reference=row.reference):
        try:
            _work(poster, row)
        except Exception:
            log.exception("Unable to work on adjustment %s of practice %s", row.pk, row.practice_id)
            waiting = [State.QUEUED, State.UNCLEAR, State.POSTED, State.BY_HAND]
            _move(poster, row, when=waiting, tries=F("tries") + 1, next_at=poster.now + _LONGEST_PAUSE)
            _tell_if_late(poster, row, "KasperPay stumbled over it.")
        steps.info("adjustment_worked_on", before=before, state=row.state)


def _work(poster: Poster, row: LedgerAdjustment) -> None:
    try:
        match row.state:
            case State.QUEUED:
                _send(poster, row)
            case State.UNCLEAR:
                _search(poster, row)
            case _:
                _read_back(poster, row)
    except OpenDentalError as error:
        # Of a question: nothing was sent.
        poster.note(row, error)
        _put_back(poster, row, error.reason)
    except Unreadable as error:
        _put_back(poster, row, f"Open Dental's answer can't be understood: {error}.")


# Sending


def _send(poster: Poster, row: LedgerAdjustment) -> None:
    if refusal := features.adjustment_refusal(poster.connection):
        _put_back(poster, row, refusal)
        return
    body = _change(row) if row.is_edit else _body(poster, row)
    if body is None:
        _hand_over(poster, row, _GONE)
        return
    claimed = _move(
        poster, row, when=[State.QUEUED, State.UNCLEAR], state=State.SENDING, sent_body=body, claimed_at=poster.now,
        sends=row.sends + 1, searches=0, state_reason="",
    )  # fmt: skip
    if claimed:
        _ask(poster, row, body)


def _ask(poster: Poster, row: LedgerAdjustment, body: dict[str, Any]) -> None:
    try:
        number = _write(poster, row, body)
    except OpenDentalError as error:
        poster.note(row, error)
        _failed(poster, row, error)
    except Unreadable:
        _move(poster, row, when=[State.SENDING], **_unclear(poster, True))
    else:
        _posted(poster, row, number)


def _write(poster: Poster, row: LedgerAdjustment, body: dict[str, Any]) -> int:
    if row.adj_num is None:
        return Fields(poster.office.post("/adjustments", body)).key("AdjNum")
    poster.office.put(f"/adjustments/{row.adj_num}", body)
    return row.adj_num


def _failed(poster: Poster, row: LedgerAdjustment, error: OpenDentalError) -> None:
    if not error.certainly_not_done:
        _move(poster, row, when=[State.SENDING], text=error.reason, **_unclear(poster, True))
    elif isinstance(error, Throttled):
        _put_back(poster, row, error.reason, wait=timedelta(seconds=error.retry_after))
    elif isinstance(error, UnableToReachOffice | NotAllowed) or outbox.HEALS.search(error.explanation):
        _put_back(poster, row, error.reason)
    else:
        _hand_over(poster, row, error.reason)


def _change(row: LedgerAdjustment) -> dict[str, Any]:
    """PUT /adjustments/{AdjNum}: says how much it is to be, so repeating it does no harm."""
    return {"AdjAmt": f"{row.target_cents / 100:.2f}"}


def _body(poster: Poster, row: LedgerAdjustment) -> dict[str, Any] | None:
    """POST /adjustments. With provider and clinic of the procedure, or Open Dental doesn't count it into that."""
    procedure = _procedure(poster, row)
    if procedure is None:
        return None
    return {
        "PatNum": row.patient.pat_num,
        "AdjType": row.adj_type_num,
        "AdjAmt": f"{row.amount_cents / 100:.2f}",
        "AdjDate": local_date(row.payment.paid_at, row.practice.zone).isoformat(),
        "ProvNum": procedure.integer("ProvNum", 0),
        "ProcNum": row.proc_num,
        "ClinicNum": procedure.integer("ClinicNum", 0),
        "ProcDate": procedure.text("ProcDate")[:10],
        "AdjNote": f"{row.reference} Cash discount, KasperPay",
    }


def _procedure(poster: Poster, row: LedgerAdjustment) -> Fields | None:
    """The completed procedure as it stands; None when it is gone."""
    try:
        if features.at_least(poster.connection, "23.3.13"):
            found = [Fields(poster.office.get(f"/procedurelogs/{row.proc_num}"))]
        else:
            found = [Fields(one) for one in poster.office.get_all("/procedurelogs", PatNum=row.patient.pat_num)]
    except NotFoundInOffice:
        return None
    mine = [one for one in found if one.integer("ProcNum", 0) == row.proc_num]
    return next((one for one in mine if one.text("ProcStatus") == "C"), None)


# Looking for what may have arrived, and reading back


def _search(poster: Poster, row: LedgerAdjustment) -> None:
    """Two searches with a gap prove that it did not arrive; then it is sent once more, and never a third time."""
    if row.is_edit:
        # Setting the same amount once more is harmless.
        _send(poster, row)
    elif found := _in_books(poster, row):
        _posted(poster, row, found[0].key("AdjNum"))
    elif row.searches == 0:
        _move(poster, row, when=[State.UNCLEAR], searches=1, next_at=poster.now + outbox.SEARCH_GAP)
    elif row.sends < _PROVEN_ABSENT:
        if _move(poster, row, when=[State.UNCLEAR], searches=_PROVEN_ABSENT):
            _send(poster, row)
    else:
        _hand_over(poster, row, "Open Dental did not confirm it twice and does not show it.")


def _posted(poster: Poster, row: LedgerAdjustment, number: int) -> None:
    moved = _move(
        poster, row, when=[State.SENDING, State.UNCLEAR], text=f"AdjNum {number}", state=State.POSTED, adj_num=number,
        state_reason="", tries=0, next_at=poster.now,
    )  # fmt: skip
    if moved:
        _work(poster, row)


def _in_books(poster: Poster, row: LedgerAdjustment) -> list[Fields]:
    """Adjustments on the patient's account that begin with our reference, oldest first."""
    rows = poster.office.get_all("/adjustments", PatNum=row.patient.pat_num)
    mine = [Fields(one) for one in rows if str(one.get("AdjNote") or "").upper().startswith(row.reference)]
    return sorted(mine, key=lambda one: one.key("AdjNum"))


def _read_back(poster: Poster, row: LedgerAdjustment) -> None:
    found = _in_books(poster, row)
    reason = _difference(row, found)
    if not reason:
        _matched(poster, row, found[0].key("AdjNum") if found else None)
    elif row.state == State.POSTED:
        _hand_over(poster, row, reason)
    else:
        pause = LOOK_EVERY if poster.now - row.created_at < _NEW else _LOOK_LATER
        _move(poster, row, when=[State.BY_HAND], next_at=poster.now + pause)


def _difference(row: LedgerAdjustment, found: list[Fields]) -> str:
    """What is wrong with it in Open Dental; '' = nothing."""
    wanted = _expected(row)
    if not found:
        return "Open Dental does not show it." if wanted else ""
    if len(found) > 1:
        numbers = ", ".join(str(one.key("AdjNum")) for one in found)
        return f"Open Dental has it {len(found)} times (adjustments {numbers}): remove all but one."
    only = found[0]
    if only.cents("AdjAmt") != wanted:
        return f"Open Dental shows {format_cents(only.cents('AdjAmt'))}."
    if only.integer("ProcNum", 0) != row.proc_num:
        return f"It is not attached to procedure {row.proc_num} in Open Dental."
    return ""


def _expected(row: LedgerAdjustment) -> int:
    """What was sent last; of what staff enter: what is to stand there."""
    sent = Fields(row.sent_body).cents("AdjAmt") if row.sent_body else row.amount_cents
    return sent if row.state == State.POSTED else row.target_cents


# Moves


def _move(poster: Poster, row: LedgerAdjustment, *, when: Iterable[str], text: str = "", **changes: Any) -> bool:
    """Change the row if it still is in one of these states and nobody claimed it meanwhile; with its event."""
    before = row.state
    with transaction.atomic():
        unmoved = LedgerAdjustment.objects.filter(pk=row.pk, state__in=list(when), claimed_at=row.claimed_at)
        if changes.get("state") == State.MATCHED:
            # A refund that settles meanwhile changes what is to stand there (payments/discount_back.py).
            unmoved = unmoved.filter(returned_cents=row.returned_cents)
        moved = unmoved.update(**changes)
        if moved and changes.get("state", before) != before:
            Event.record(
                row.practice_id, kind=f"adjustment_{changes['state'].lower()}", actor="poster", now=poster.now,
                about=row.about, text=text[:400], before={"state": before}, after={"state": changes["state"]},
            )  # fmt: skip
        row.refresh_from_db(fields=[field.name for field in row._meta.concrete_fields if not field.is_relation])
    return bool(moved)


def _unclear(poster: Poster, may_arrive: bool) -> dict[str, Any]:
    """It may have been done: looked for once the API can't be working on it any more."""
    wait = outbox.SEARCH_GAP if may_arrive else timedelta()
    return {"state": State.UNCLEAR, "searches": 0, "next_at": poster.now + wait}


def _put_back(poster: Poster, row: LedgerAdjustment, reason: str, wait: timedelta | None = None) -> None:
    """Certainly not done and likely to heal: wait longer each time."""
    pause = wait or min(_LONGEST_PAUSE, timedelta(seconds=15 * 2 ** min(row.tries, 10)))
    is_sent = row.state == State.SENDING
    _move(
        poster, row, when=[row.state], text=reason, state=State.QUEUED if is_sent else row.state,
        state_reason=reason[:300], tries=row.tries + 1, sends=max(0, row.sends - 1) if is_sent else row.sends,
        next_at=poster.now + pause,
    )  # fmt: skip
    _tell_if_late(poster, row, reason)


def _matched(poster: Poster, row: LedgerAdjustment, number: int | None) -> None:
    """It stands there. A refund may have changed meanwhile what is to stand there: then it is changed next."""
    if _expected(row) != row.target_cents:
        _move(poster, row, when=[State.POSTED], state=State.QUEUED, sends=0, tries=0, next_at=poster.now)
        return
    moved = _move(
        poster, row, when=[State.POSTED, State.BY_HAND], state=State.MATCHED, adj_num=number or row.adj_num,
        state_reason="", matched_at=poster.now,
    )  # fmt: skip
    if moved:
        for key in (row.alarm_key, _late_key(row)):
            Alarm.close(row.practice_id, key=key, now=poster.now, actor="poster")


def _hand_over(poster: Poster, row: LedgerAdjustment, reason: str) -> None:
    """A person must do it or put it right: an alarm says how, and closes when the books show it."""
    moved = _move(
        poster, row, when=[row.state], text=reason, state=State.BY_HAND, state_reason=reason[:300],
        next_at=poster.now + LOOK_EVERY,
    )  # fmt: skip
    if not moved:
        return
    Alarm.close(row.practice_id, key=_late_key(row), now=poster.now, actor="poster")
    Alarm.raise_once(
        row.practice_id, kind="ADJUSTMENT_BY_HAND", key=row.alarm_key, text=f"{row.steps} {reason}", about=row.about,
        now=poster.now,
    )  # fmt: skip


def _tell_if_late(poster: Poster, row: LedgerAdjustment, reason: str) -> None:
    """It is tried on, but not silently. Of what waits for staff an alarm stands already."""
    is_early = row.tries < _MANY_TRIES and poster.now - row.created_at < _LATE
    if is_early or row.state not in State.unsettled():
        return
    text = f"Open Dental has not confirmed a discount of {format_cents(-row.amount_cents)} yet; it is tried again."
    Alarm.raise_once(
        row.practice_id, kind="ADJUSTMENT_STUCK", key=_late_key(row), text=f"{text} {reason}", about=row.about,
        now=poster.now,
    )  # fmt: skip


def _late_key(row: LedgerAdjustment) -> str:
    return f"adjustment-late:{row.pk}"
