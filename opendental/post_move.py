"""Carries out moves (docs/adr/0009): splits replaced in one request, or the payment taken off and posted again.

Each step is committed before the next, and each may be repeated: the same splits replace the same splits, and what is
taken off or posted is an outbox row that is searched for before it is sent again.
"""

from __future__ import annotations

from copy import copy
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from opendental import outbox, post_sale, verify
from opendental.errors import NotFoundInOffice, OpenDentalError, Refused, TooOldVersion
from opendental.fields import Unreadable
from payments import locks, moved
from payments.models import Alarm, Allocation, LedgerPosting, Move
from practices.models import Event

if TYPE_CHECKING:
    from opendental.post import Poster

State, Movement, Route, Kind = LedgerPosting.State, LedgerPosting.Movement, LedgerPosting.Route, Move.Kind
# A person's word that it stands there ends the waiting as well.
_THERE = (State.MATCHED, State.MARKED)
_LONGEST_PAUSE = timedelta(hours=1)
_MANY_TRIES = 5


def work(poster: Poster) -> None:
    """Go on with every move that is due."""
    due = Move.objects.filter(
        practice_id=poster.connection.practice_id, state=Move.State.ORDERED, next_at__lte=poster.now
    )
    along = ("target__patient", "payment__attempt__due_part", "installment")
    for move in due.select_related(*along).order_by("next_at", "pk"):
        if poster.is_away:
            return
        if move.kind == Kind.SPLITS:
            _replace_splits(poster, move)
        else:
            _look(move, poster.now)


def is_too_early(posting: LedgerPosting) -> bool:
    """A payment is posted at its new place once it is proven to be off the old one."""
    if posting.movement != Movement.MOVE_IN:
        return False
    return not LedgerPosting.objects.filter(move=posting.move, movement=Movement.MOVE_OUT, state__in=_THERE).exists()


def not_taken_off(posting: LedgerPosting, reason: str, *, now: datetime) -> None:
    """Open Dental said no to taking the payment off: everything stays as it was."""
    with transaction.atomic():
        moved = outbox.move(
            posting, when=[State.SENDING, State.UNCLEAR], now=now, text=reason, state=State.WITHDRAWN,
            state_reason=reason[:300],
        )  # fmt: skip
        if moved and posting.move is not None:
            coming = LedgerPosting.objects.filter(move=posting.move, movement=Movement.MOVE_IN, sends=0)
            coming.filter(state=State.QUEUED).update(state=State.WITHDRAWN, state_reason="The move was refused")
            _end(posting.move, Move.State.REFUSED, now, reason)


def _look(move: Move, now: datetime) -> None:
    """Done when what was posted there is read back; what waits for a person is in the queue by itself."""
    at = LedgerPosting.objects.filter(move=move, movement__in=[Movement.MOVE_IN, Movement.PAYMENT]).first()
    if at is not None and at.state in _THERE:
        finish(move, now)
    else:
        _later(move, now, timedelta(seconds=15))


def _replace_splits(poster: Poster, move: Move) -> None:
    try:
        reason = _set(poster, move)
    except (Refused, TooOldVersion, NotFoundInOffice) as error:
        _refused(poster, move, error.reason)
    except OpenDentalError as error:
        poster.note(_standing(move), error)
        _try_again(move, error.reason, poster.now)
    except Unreadable as error:
        _try_again(move, f"Open Dental's splits can't be understood: {error}.", poster.now)
    else:
        if reason:
            _try_again(move, reason, poster.now)
        else:
            finish(move, poster.now)


def _set(poster: Poster, move: Move) -> str:
    """Put the splits where they belong unless they are there. What is still wrong afterwards; '' = nothing."""
    if not (missing := _difference(poster, move)):
        return ""
    posting, parts = _standing(move), post_sale.target(move)
    amounts = post_sale.amounts(poster.connection, posting, parts)
    if not amounts:
        return missing
    poster.office.put(f"/payments/{posting.pay_num}/Partial", {"procNumsAndAmounts": amounts})
    return _difference(poster, move)


def _difference(poster: Poster, move: Move) -> str:
    twin = copy(_standing(move))
    twin.route = Route.PROCEDURES
    splits = verify.splits_of(poster.office, poster.connection, twin.pay_num or 0) or []
    verdict = post_sale.judge(twin, post_sale.target(move), splits)
    return "" if verdict.matches else verdict.reason


def _refused(poster: Poster, move: Move, reason: str) -> None:
    """A refused request changes nothing. But an earlier one, whose answer was lost, may have."""
    if move.tries:
        _try_again(move, reason, poster.now)
    else:
        _end(move, Move.State.REFUSED, poster.now, reason)


def _try_again(move: Move, reason: str, now: datetime) -> None:
    _later(move, now, min(_LONGEST_PAUSE, timedelta(seconds=15 * 2 ** min(move.tries, 10))), reason)
    if move.tries + 1 >= _MANY_TRIES:
        Alarm.raise_once(
            move.practice_id, kind="MOVE_STUCK", key=_key(move), about=about(move), now=now,
            text=f"A payment that is being moved ({move.after}) does not stand there yet; it is tried again. {reason}",
        )  # fmt: skip


def _later(move: Move, now: datetime, pause: timedelta, reason: str = "") -> None:
    ordered = Move.objects.filter(pk=move.pk, state=Move.State.ORDERED)
    ordered.update(next_at=now + pause, state_reason=reason[:300], tries=move.tries + bool(reason))


def call_off(move: Move, *, actor: str, now: datetime) -> bool:
    """Staff leave it where it is. False once they have entered that it is off, or a program is at it."""
    with transaction.atomic():
        out = LedgerPosting.objects.filter(move=move, movement=Movement.MOVE_OUT, pay_num=None).first()
        why = "The move was called off"
        if out is None or not outbox.move(
            out, when=[State.BY_HAND], now=now, actor=actor, text=why, state=State.WITHDRAWN, state_reason=why
        ):
            return False
        coming = LedgerPosting.objects.filter(move=move, movement=Movement.MOVE_IN, state=State.QUEUED, sends=0)
        coming.update(state=State.WITHDRAWN, state_reason=why)
        Alarm.close(move.practice_id, key=move.alarm_key, now=now, actor="poster")
        return _end(move, Move.State.REFUSED, now, "Called off by staff", actor=actor)


def finish(move: Move, now: datetime) -> None:
    """It stands there: from now on that is what the payment pays for."""
    with transaction.atomic():
        onto = move.installment
        plan_id = onto.plan_id if onto is not None else None
        payment = locks.payment_to_move(move.payment_id, target_id=move.target_id, plan_id=plan_id)
        if not _end(move, Move.State.DONE, now):
            return
        moved.leaves_plan(payment, now)
        Allocation.objects.filter(payment=payment).delete()
        if onto is not None:
            moved.pays(payment, onto, now)
            return
        Allocation.objects.bulk_create(
            Allocation(practice_id=payment.practice_id, payment=payment, line=line, amount_cents=line.amount_cents)
            for line in move.target.lines.order_by("pk")
        )


def _end(move: Move, state: str, now: datetime, reason: str = "", actor: str = "poster") -> bool:
    with transaction.atomic():
        ordered = Move.objects.filter(pk=move.pk, state=Move.State.ORDERED)
        if not ordered.update(state=state, state_reason=reason[:300], ended_at=now):
            return False
        move.target.lines.update(is_held=False)
        Alarm.close(move.practice_id, key=_key(move), now=now, actor="poster")
        Event.record(
            move.practice_id, kind=f"move_{state.lower()}", actor=actor, now=now, about=about(move),
            text=reason or move.after,
        )  # fmt: skip
    return True


def about(move: Move) -> dict[str, int]:
    """The ids under which the move's events are found."""
    return {"move": move.pk, "payment": move.payment_id, "patient": move.target.patient_id}


def _standing(move: Move) -> LedgerPosting:
    found = LedgerPosting.standing(move.payment_id)
    if found is None:
        raise LedgerPosting.DoesNotExist
    return found


def _key(move: Move) -> str:
    return f"move:{move.pk}"
