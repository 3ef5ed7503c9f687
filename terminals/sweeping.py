"""What nobody looks at any more: readers that fell silent, browsers that were closed, workers that died half way."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from payments import presented, sales
from payments.models import Attempt, AttemptState, DuePart
from processors.port import UnableToReachProcessor
from terminals import keeping, taking
from terminals.models import CardWish, ReaderRun

logger = logging.getLogger(__name__)
State = ReaderRun.State
# All of real time: requests and people age by it. A reader that dies says nothing for ever (Stripe: no webhook).
SILENT_AFTER = timedelta(minutes=3)
# A webhook may be lost: so often a reader with a payment is looked at.
LOOK_EVERY = timedelta(seconds=5)
# Nobody tries another card and nobody cancels: the intent is withdrawn.
LEFT_ALONE = timedelta(minutes=10)


def sweep(practice_id: int, *, now: datetime, real_now: datetime | None = None) -> int:
    """One round over the practice in scope; returns how many rows were looked at. One bad row never stops it."""
    real_now, count = real_now or datetime.now(UTC), 0
    for run in ReaderRun.objects.filter(practice=practice_id).exclude(state=State.ENDED).select_related("due_part"):
        count += _safely(run, now, real_now)
    for part in _left_alone(practice_id, real_now):
        count += _give_up(part, now)
    for wish in CardWish.objects.filter(practice=practice_id, state=CardWish.State.OPEN).select_related("due_part"):
        keeping.settle_wish(wish.due_part, now=now)
    return count


def _safely(run: ReaderRun, now: datetime, real_now: datetime) -> bool:
    try:
        if run.is_stopping:
            taking.cancel(run.due_part, now=now, actor="reconciler")
        elif real_now - run.made_at > SILENT_AFTER:
            _of_silent(run, now)
        elif run.looked_at is None or real_now - run.looked_at > LOOK_EVERY:
            taking.watch(run.pk, now=now)
        else:
            return False
    except taking.UnableToTake:
        return False  # The bank is being asked; the next round hears of it.
    except UnableToReachProcessor as error:
        logger.warning("Reader run %s waits for the processor: %s", run.pk, error)
    except Exception:
        logger.exception("Unable to look at reader run %s", run.pk)
    return True


def _of_silent(run: ReaderRun, now: datetime) -> None:
    """Three minutes: the intent is asked first, then the reader is set free. The attempt goes on waiting a while."""
    attempt = taking.attempt_of(run.due_part)
    if attempt is None:
        # Its worker died before it claimed anything, or its message was lost.
        taking.end(run, "silent")
        sales.drop(run.due_part_id)
        return
    presented.look(attempt, now=now, actor="reconciler")
    attempt.refresh_from_db()
    if attempt.is_final:
        keeping.settle_wish(run.due_part, now=now)
        taking.end(run, "" if attempt.state == AttemptState.SUCCEEDED else "stopped")
    elif taking.set_free(run, attempt):
        taking.end(run, "silent")


def _left_alone(practice_id: int, real_now: datetime) -> list[DuePart]:
    """Payments that wait for a card nobody asks for: no reader is at them since LEFT_ALONE."""
    runs = ReaderRun.objects.filter(due_part=OuterRef("pk"))
    fresh = Exists(runs.filter(Q(ended_at=None) | Q(ended_at__gt=real_now - LEFT_ALONE)))
    waiting = Attempt.objects.filter(
        due_part=OuterRef("pk"), channel=Attempt.Channel.TERMINAL, state__in=AttemptState.open(),
        sent_at__lte=real_now - LEFT_ALONE,
    )  # fmt: skip
    return list(DuePart.objects.filter(~fresh, Exists(waiting), practice=practice_id, state=DuePart.State.OPEN)[:50])


def _give_up(part: DuePart, now: datetime) -> bool:
    try:
        return taking.cancel(part, now=now, actor="reconciler") is not None
    except (taking.UnableToTake, UnableToReachProcessor) as error:
        logger.warning("Due part %s still waits for a card: %s", part.pk, error)
        return False


def heard(practice_id: int, reader: str, *, now: datetime) -> bool:
    """News of a reader (its id at the processor), by webhook. False: no payment of ours is on it."""
    live = ReaderRun.objects.filter(practice=practice_id, reader__reference=reader).exclude(state=State.ENDED)
    found = live.values_list("pk", flat=True).first()
    if found is None:
        return False
    taking.watch(found, now=now, actor="webhook")
    return True
