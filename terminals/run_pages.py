"""Reading what the live screen of a payment at a terminal shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.shortcuts import get_object_or_404

from payments import progress
from payments.models import Attempt, AttemptState, DuePart
from practices.models import Practice
from terminals import asking, taking, words
from terminals.models import CardWish, ReaderRun

State = ReaderRun.State
# A forgotten tab must still be signed out. A reader is set free after three minutes of silence.
ASK_FOR = timedelta(minutes=10)


@dataclass(frozen=True)
class Step:
    """What the screen says: a bare tone of practices/chips.py, its icon, a heading and a sentence.

    `is_moving`: news comes by itself. `can_retry`, `can_cancel`: what staff may do.
    """

    name: str
    tone: str
    icon: str
    title: str
    text: str = ""
    is_moving: bool = False
    can_retry: bool = False
    can_cancel: bool = False


def part_or_404(practice: Practice, part_id: int) -> DuePart:
    rows = DuePart.objects.filter(practice=practice, reader_runs__isnull=False).distinct()
    return get_object_or_404(rows.select_related("payer", "sale", "installment__plan"), pk=part_id)


def newest_run(part: DuePart) -> ReaderRun | None:
    return part.reader_runs.select_related("reader", "attempt__payment").order_by("-pk").first()


def page(part: DuePart, user_id: int, *, since: datetime, real_now: datetime) -> dict[str, Any]:
    """Everything of the live part. It asks by itself while something moves, at most ASK_FOR after `since`."""
    run = newest_run(part)
    attempt = _attempt(part, run)
    step = step_of(part, run, attempt)
    wish = CardWish.objects.filter(due_part=part).select_related("card").first()
    is_saving = step.name == "approved" and wish is not None and wish.state == CardWish.State.OPEN
    is_moving, is_asking = step.is_moving or is_saving, real_now - since < ASK_FOR
    readers = asking.choices(part.practice_id, user_id) if step.can_retry else []
    return {
        "part": part,
        "patient": part.payer,
        "run": run,
        "attempt": attempt,
        "step": step,
        "readers": [(number, name, run is not None and number == str(run.reader_id)) for number, name in readers],
        "payment": getattr(attempt, "payment", None),
        "wish": wish,
        "is_asking": is_moving and is_asking,
        "has_stopped": is_moving and not is_asking,
        "since": int(since.timestamp()),
        # What the screen shows, in a word: an answer that shows the same replaces nothing.
        "seen": "-".join((step.name, str(run.pk if run else 0), wish.state if wish else "none")),
    }


def _attempt(part: DuePart, run: ReaderRun | None) -> Attempt | None:
    """Of this hand-over. Its worker may not have said which yet; an installment may have been tried here before."""
    if run is not None and run.attempt is not None:
        return run.attempt
    found = taking.attempt_of(part)
    is_earlier = run is not None and ReaderRun.objects.filter(attempt=found).exclude(pk=run.pk).exists()
    return None if is_earlier else found


def step_of(part: DuePart, run: ReaderRun | None, attempt: Attempt | None) -> Step:
    """The attempt knows about the money, the run about the reader: the money is asked first."""
    if attempt is not None and attempt.state == AttemptState.SUCCEEDED:
        return Step("approved", "good", "done", "Approved", f"Taken with {attempt.means}.")
    if attempt is not None and attempt.is_final:
        text = f"{attempt.reason or 'This payment was ended'}. Nothing was charged."
        return Step("over", "warn", "alert", "Not charged", text)
    if attempt is not None and attempt.state == AttemptState.UNKNOWN:
        return Step(
            "unclear", "warn", "ask", "No clear answer from the card processor yet",
            "It is being asked what happened. Do not charge again: money may have moved.", is_moving=True,
        )  # fmt: skip
    if run is not None and run.is_live:
        return _of_live(run, attempt)
    if attempt is None:
        reason = progress.refusal_of(part.pk) or "It was refused before any card was asked"
        return Step("refused", "bad", "error", "Not charged", f"{reason}.")
    return _of_ended(run, attempt)


def _of_live(run: ReaderRun, attempt: Attempt | None) -> Step:
    if attempt is None or run.state == State.READY and not attempt.reference:
        text = "Checking with Open Dental that it is still owed."
        return Step("checking", "info", "sync", "Getting ready", text, is_moving=True, can_cancel=True)
    if run.state in (State.READY, State.SENDING):
        text = f"Waking {run.reader}."
        return Step("waking", "info", "sync", "Waking the terminal", text, is_moving=True, can_cancel=True)
    if run.state == State.WAITING:
        text = f"The patient taps, inserts or swipes a card on {run.reader}."
        return Step("waiting", "info", "card", "Waiting for a card", text, is_moving=True, can_cancel=True)
    text = "The bank is being asked. This takes a few seconds, and can't be stopped."
    return Step("processing", "info", "repeat", "Processing", text, is_moving=True)


def _of_ended(run: ReaderRun | None, attempt: Attempt) -> Step:
    code = run.code if run is not None else ""
    said = words.ending(code)
    title = said.title
    if code == "card_declined" and attempt.reason:
        title = f"{said.title}: {attempt.reason}"
    icon = {"bad": "error", "warn": "alert"}[said.tone]
    text = f"{said.text} Nothing was charged."
    return Step("ended", said.tone, icon, title, text, can_retry=True, can_cancel=True)
