"""Collecting one due part: recheck → claim → charge → settle. Between the steps nothing is locked or open."""

from __future__ import annotations

from datetime import datetime, timedelta
from time import monotonic

from payments import guards, loose_ends, outcomes, upward
from payments.claim import UnableToClaim, claim
from payments.models import Attempt, AttemptState, DuePart
from processors import accounts
from processors.port import Charge, Outcome, Processor, UnableToReachProcessor


def collect(
    due_part_id: int,
    *,
    channel: str,
    actor: str,
    now: datetime,
    card_id: int | None = None,
    newest: int | None = None,
    cents: int | None = None,
) -> Attempt:
    """Try to take the money of one due part, once. Returns the attempt as it stands afterwards.

    `cents`: take only so much of it (docs/adr/0013).

    `newest`: refuse when the part was tried after this attempt (0: tried at all). None: don't ask.

    Raises UnableToClaim (nothing was asked) with the reason for staff.
    """
    part = guards.refuse_early(due_part_id, channel=channel, card_id=card_id, now=now)
    processor = _processor(part)
    now = recheck(due_part_id, now)
    attempt = claim(due_part_id, channel=channel, actor=actor, now=now, card_id=card_id, newest=newest, cents=cents)
    outcome = ask(processor, attempt)
    outcomes.settle(attempt.pk, outcome, now=now, actor=actor)
    attempt.refresh_from_db()
    loose_ends.cut(processor, attempt)
    return attempt


def recheck(due_part_id: int, now: datetime) -> datetime:
    """Have Open Dental asked whether it is still owed; the time afterwards. Raises UnableToClaim.

    The question may have waited for its turn at the office: the claim must see how old the answer may be.
    """
    asked_at = monotonic()
    try:
        upward.handlers.recheck(due_part_id, now)
    except upward.UnableToRecheck as error:
        raise UnableToClaim(str(error)) from error
    return now + timedelta(seconds=int(monotonic() - asked_at))


def _processor(part: DuePart) -> Processor:
    try:
        return accounts.for_practice(part.practice_id)
    except UnableToReachProcessor as error:
        raise UnableToClaim(str(error)) from error


def ask(processor: Processor, attempt: Attempt) -> Outcome:
    """Ask the processor exactly what the committed attempt says, under its keys."""
    charge = Charge(attempt.create_params, attempt.confirm_params, attempt.create_key, attempt.confirm_key)
    return processor.charge(charge, remember=lambda reference: remember(attempt.pk, reference))


def remember(attempt_id: int, reference: str) -> bool:
    """Store the intent's id before it is confirmed. False: the attempt was closed meanwhile, so don't confirm."""
    stored = Attempt.objects.filter(pk=attempt_id, state=AttemptState.STARTED, reference="")
    return stored.update(reference=reference) == 1
