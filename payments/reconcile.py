"""The janitor: asks the processor what became of attempts whose answer never came. Nothing else moves an unknown."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import Q

from payments import locks, loose_ends, outcomes, presented, recover
from payments.models import Alarm, Attempt, AttemptState
from payments.reconciling import ALARM_AFTER, PENDING_ALARM_AFTER, PRESENTED_ALARM_AFTER, STARTED_GRACE, some
from processors import accounts
from processors.port import Outcome, Question, UnableToReachProcessor
from processors.stripe import StripeProcessor

logger = logging.getLogger(__name__)


def reconcile(practice_id: int, *, now: datetime, real_now: datetime | None = None) -> int:
    """Settle what can be settled; returns how many attempts changed. One bad row never stops the run."""
    _recover(practice_id, now)
    loose_ends.cut_all(practice_id, real_now=real_now)
    real_now = real_now or datetime.now(UTC)
    waiting = list(_waiting(real_now))
    if not waiting:
        return 0
    try:
        processor = accounts.for_practice(practice_id)
    except UnableToReachProcessor:
        logger.warning("Practice %s has open attempts and no processor", practice_id)
        changed = 0
    else:
        changed = sum(_reconcile_one(processor, attempt, now, real_now) for attempt in waiting)
    for attempt in waiting:
        _alarm_if_stuck(attempt, now)
    return changed


def _recover(practice_id: int, now: datetime) -> None:
    try:
        recover.recover_if_restored(practice_id, now=now)
    except UnableToReachProcessor as error:
        # Nothing is charged meanwhile; the next pass asks again.
        logger.warning("Practice %s waits for its recovery: %s", practice_id, error)
    except Exception:
        # The mark stands; what is open must be settled all the same.
        logger.exception("Practice %s can't be recovered", practice_id)


def _waiting(real_now: datetime) -> list[Attempt]:
    """Started rows get a grace by real time: a request may still be on the wire. Unknown and pending don't need one."""
    quiet = Q(state__in=[AttemptState.UNKNOWN, AttemptState.PENDING]) | Q(sent_at__lte=real_now - STARTED_GRACE)
    return some(Attempt.objects.filter(quiet, state__in=AttemptState.open()))


def _reconcile_one(processor: StripeProcessor, attempt: Attempt, now: datetime, real_now: datetime) -> bool:
    try:
        answer = _answer(processor, attempt, real_now)
        changed = outcomes.settle(attempt.pk, answer, now=now, actor="reconciler", asked_about=attempt.known_as)
    except Exception:
        logger.exception("Unable to reconcile attempt %s", attempt.pk)
        return False
    attempt.refresh_from_db()
    loose_ends.cut(processor, attempt)
    return changed


def _answer(processor: StripeProcessor, attempt: Attempt, real_now: datetime) -> Outcome:
    if attempt.is_presented:
        return presented.of_reconciler(processor, attempt, real_now)
    return processor.look_up(
        Question(
            reference=attempt.reference,
            attempt_uuid=str(attempt.uuid),
            customer=attempt.create_params["customer"],
            amount_cents=attempt.amount_cents,
            started_at=attempt.started_at,
        )  # fmt: skip
    )


def _alarm_if_stuck(attempt: Attempt, now: datetime) -> None:
    """Also for a row that could not even be asked about, or whose answer could not be applied.

    Locked: whoever settles it meanwhile closes the alarm, and must not have done so before it is raised.
    """
    with transaction.atomic():
        found = locks.attempt_alone(attempt.pk)
        waits = PRESENTED_ALARM_AFTER if found.is_presented else PENDING_ALARM_AFTER
        quiet = waits if found.state == AttemptState.PENDING else ALARM_AFTER
        if not found.is_final and now - found.started_at > quiet:
            Alarm.raise_once(
                found.practice_id, kind="OUTCOME_UNKNOWN", key=f"unknown:{found.pk}", now=now,
                about={"attempt": found.pk, "due_part": found.due_part_id},
                text="The processor still can't say whether this charge went through",
            )  # fmt: skip
