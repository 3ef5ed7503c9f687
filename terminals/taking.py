"""Taking a payment at a reader: begun, handed over, heard of, tried with another card, canceled (docs/adr/0007).

The reader only says what it does. Whether money moved, the processor's intent says, and settle() keeps it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import assert_never

import structlog
from django.db import IntegrityError, transaction

from cards import saving
from payments import outcomes, presented, progress, sales
from payments.claim import UnableToClaim
from payments.models import Attempt, AttemptState, DuePart
from practices.models import Event
from processors import accounts
from processors.port import UnableToReachProcessor, Unknown
from processors.stripe import StripeProcessor
from processors.terminal_port import (
    Accepted,
    Busy,
    NotPayable,
    Offline,
    ReaderAnswer,
    ReaderFacts,
    Refused,
    TimedOut,
)
from terminals import keeping
from terminals.models import Reader, ReaderRun

log = structlog.stdlib.get_logger(__name__)
State = ReaderRun.State


class UnableToTake(Exception):
    """Nothing was handed to a reader. The text says why, for staff."""


def start(part: DuePart, reader: Reader, *, actor: str, newest: int = 0) -> ReaderRun:
    """Reserve the reader for this payment; a worker goes on (`carry_out`). Raises UnableToTake.

    `newest`: the newest try that the person has seen. One that still waits for a card is taken up.
    """
    if reader.state != Reader.State.ACTIVE:
        raise UnableToTake(f"{reader} is retired")
    _end_settled(reader)
    waiting = attempt_of(part)
    if waiting is not None and waiting.is_final:
        # An installment stays due after a try that took nothing: this is another one.
        waiting = None
    try:
        with transaction.atomic():
            return ReaderRun.objects.create(
                practice_id=part.practice_id, due_part=part, reader=reader, actor=actor, attempt=waiting,
                newest_try=newest,
            )  # fmt: skip
    except IntegrityError as error:
        raise UnableToTake(f"{reader} is taking another payment, or this one is at a terminal already") from error


def _end_settled(reader: Reader) -> None:
    """A payment that was settled by other news may not have let go of its reader yet."""
    for run in ReaderRun.objects.filter(reader=reader, attempt__isnull=False).exclude(state=State.ENDED):
        if run.attempt is not None and run.attempt.is_final:
            end(run, "" if run.attempt.state == AttemptState.SUCCEEDED else "stopped")


def attempt_of(part: DuePart) -> Attempt | None:
    """The newest one of this payment at a reader."""
    return part.attempts.filter(channel=Attempt.Channel.TERMINAL).order_by("-pk").first()


def carry_out(run_id: int, *, now: datetime) -> str:
    """Begin the attempt (or take up the one that waits) and hand it to the reader; returns the run's state.

    Delivered twice it does nothing: whoever moves the row from READY does it.
    """
    if not ReaderRun.objects.filter(pk=run_id, state=State.READY).update(state=State.SENDING):
        return "not ready"
    run = _run(run_id)
    try:
        attempt = _begun(run, now)
    except (UnableToClaim, UnableToReachProcessor) as error:
        progress.refuse(progress.sale_request(run.due_part_id), str(error))
        end(run, "refused")
        sales.drop(run.due_part_id)
        return State.ENDED
    run.attempt = attempt
    if not ReaderRun.objects.filter(pk=run.pk, state=State.SENDING).update(attempt=attempt):
        # Canceled, or given up for dead, in the meantime.
        presented.give_up(attempt, now=now, actor=run.actor)
        return State.ENDED
    if attempt.state != AttemptState.PENDING or not attempt.reference:
        # Refused or unclear at the processor: the reconciler goes on, the reader is not needed.
        end(run, "" if attempt.state == AttemptState.SUCCEEDED else "refused")
        return State.ENDED
    return _hand_over(run, attempt, now)


def _run(run_id: int) -> ReaderRun:
    return ReaderRun.objects.select_related("reader", "attempt", "due_part__payer").get(pk=run_id)


def _begun(run: ReaderRun, now: datetime) -> Attempt:
    if run.attempt is not None:
        return run.attempt
    part, customer = run.due_part, ""
    if keeping.is_wished(part):
        customer = saving.customer_of(accounts.for_practice(run.practice_id), part.payer)
    wish = presented.Wish(Attempt.Channel.TERMINAL, run.actor, customer=customer)
    return presented.begin(part.pk, wish, now=now, newest=run.newest_try)


def _hand_over(run: ReaderRun, attempt: Attempt, now: datetime) -> str:
    processor = accounts.for_practice(run.practice_id)
    Event.record(
        run.practice_id, kind="reader_asked", actor=run.actor, now=now, text=f"Handed to {run.reader}",
        about={"attempt": attempt.pk, "due_part": run.due_part_id, "reader": run.reader_id},
    )  # fmt: skip
    answer = processor.present(
        run.reader.reference, attempt.reference, key=run.key, keep_card=keeping.is_wished(run.due_part)
    )
    log.info("reader asked", run=run.pk, attempt=str(attempt.uuid), answer=type(answer).__name__)
    return _apply(processor, run, answer, now)


def _apply(processor: StripeProcessor, run: ReaderRun, answer: ReaderAnswer, now: datetime) -> str:
    match answer:
        case Accepted(reader):
            return _read(processor, run, reader, now, run.actor)
        case TimedOut():
            return _after_silence(processor, run, now)
        case Busy():
            return end(run, "terminal_reader_busy")
        case Offline():
            return end(run, "terminal_reader_offline")
        case NotPayable():
            return _finish(processor, run, "", now, run.actor)
        case Refused(code, _):
            return end(run, code)
    assert_never(answer)


def _after_silence(processor: StripeProcessor, run: ReaderRun, now: datetime) -> str:
    """It may have heard the command all the same: only the reader itself can tell. Nothing is sent again by itself."""
    try:
        reader = processor.reader(run.reader.reference)
    except UnableToReachProcessor:
        # Nobody can tell now; the watch goes on asking.
        return run.state
    if reader is not None and run.attempt is not None and reader.is_at(run.attempt.reference):
        return _read(processor, run, reader, now, run.actor)
    return end(run, "terminal_reader_timeout")


def watch(run_id: int, *, now: datetime, actor: str = "reconciler") -> str:
    """Look at the reader and at the intent, and go on from there; returns the run's state. Safe to repeat."""
    run = _run(run_id)
    if not run.is_live or run.attempt is None:
        return run.state
    ReaderRun.objects.filter(pk=run.pk).update(looked_at=datetime.now(UTC))
    if run.attempt.is_final:
        return _over(run, run.attempt, "stopped", now)
    try:
        processor = accounts.for_practice(run.practice_id)
        reader = processor.reader(run.reader.reference)
    except UnableToReachProcessor:
        return run.state
    return _read(processor, run, reader, now, actor)


def _read(processor: StripeProcessor, run: ReaderRun, reader: ReaderFacts | None, now: datetime, actor: str) -> str:
    """What the reader does, as it said itself; None: it was deleted at the processor."""
    action = reader.action if reader is not None else None
    if action is None or run.attempt is None or action.intent != run.attempt.reference:
        return _finish(processor, run, "dropped", now, actor)
    if action.status == "failed":
        return _finish(processor, run, action.failure or "dropped", now, actor, action.decline)
    if action.status == "succeeded":
        return _finish(processor, run, "", now, actor)
    moved = ReaderRun.objects.filter(pk=run.pk, state=State.SENDING).update(state=State.WAITING)
    return State.WAITING if moved else run.state


def _finish(processor: StripeProcessor, run: ReaderRun, code: str, now: datetime, actor: str, decline: str = "") -> str:
    """The reader is done with it, well or badly: the intent says what that means. Unclear: it stays PROCESSING."""
    attempt = run.attempt
    if attempt is None:
        return end(run, code or "dropped")
    outcome = processor.look_up_presented(presented.question_of(attempt))
    outcomes.settle(attempt.pk, outcome, now=now, actor=actor, asked_about=attempt.known_as)
    attempt.refresh_from_db()
    if attempt.is_final:
        return _over(run, attempt, code or "stopped", now)
    if isinstance(outcome, Unknown) or not code:
        ReaderRun.objects.filter(pk=run.pk).exclude(state=State.ENDED).update(state=State.PROCESSING)
        return State.PROCESSING
    return end(run, code, decline)


def _over(run: ReaderRun, attempt: Attempt, code: str, now: datetime) -> str:
    keeping.settle_wish(run.due_part, now=now)
    return end(run, "" if attempt.state == AttemptState.SUCCEEDED else code)


def end(run: ReaderRun, code: str, decline: str = "") -> str:
    """The reader is free again. The first to say so is believed."""
    ReaderRun.objects.filter(pk=run.pk).exclude(state=State.ENDED).update(
        state=State.ENDED, ended_at=datetime.now(UTC), code=code[:60], decline=decline[:60]
    )
    return State.ENDED


def cancel(part: DuePart, *, now: datetime, actor: str) -> Attempt | None:
    """Nobody presents a card any more: the reader is set free, then the intent is withdrawn and settled.

    Returns the attempt as it stands: NOT_TAKEN, or SUCCEEDED when the card was faster. None: nothing was begun.
    Raises UnableToTake while the bank is being asked, and UnableToReachProcessor.
    """
    run = part.reader_runs.exclude(state=State.ENDED).select_related("reader").first()
    attempt = attempt_of(part)
    is_unbegun = run is not None and run.attempt_id is None
    if attempt is None or (is_unbegun and attempt.is_final):
        if run is not None:
            _cancel_unbegun(run)
        return None
    if run is not None:
        ReaderRun.objects.filter(pk=run.pk).update(is_stopping=True)
        if not set_free(run, attempt):
            raise UnableToTake("The bank is being asked about this card, and that can't be stopped. Wait a moment")
    attempt = presented.give_up(attempt, now=now, actor=actor)
    if run is not None and attempt.is_final:
        end(run, "" if attempt.state == AttemptState.SUCCEEDED else "stopped")
    keeping.settle_wish(part, now=now)
    return attempt


def _cancel_unbegun(run: ReaderRun) -> None:
    """No worker has begun, and from now on none does. Raises UnableToTake when one is at it just now."""
    stopped = {"state": State.ENDED, "ended_at": datetime.now(UTC), "code": "stopped"}
    if not ReaderRun.objects.filter(pk=run.pk, state=State.READY).update(**stopped):
        raise UnableToTake("The payment is being prepared. Wait a moment")
    sales.drop(run.due_part_id)


def set_free(run: ReaderRun, attempt: Attempt) -> bool:
    """Back to the idle screen, if it is at this payment. False: the bank is being asked.

    Raises UnableToReachProcessor.
    """
    processor = accounts.for_practice(run.practice_id)
    reader = processor.reader(run.reader.reference)
    if reader is None or not reader.is_busy_with(attempt.reference):
        return True
    if isinstance(processor.stop(run.reader.reference), Busy):
        ReaderRun.objects.filter(pk=run.pk).exclude(state=State.ENDED).update(state=State.PROCESSING, is_stopping=False)
        return False
    # Also one that is offline: whatever it still shows, its intent is withdrawn next.
    return True
