"""Intents of tries that took nothing are canceled, so that nobody can confirm them any more (decisions 3).

The worker does it right after settling; when it died or was not heard, the reconciler goes on until it is done.
"""

from __future__ import annotations

from datetime import UTC, datetime

from payments.models import Attempt
from payments.reconciling import STARTED_GRACE, some
from processors import accounts
from processors.port import Processor, UnableToReachProcessor


def cut(processor: Processor, attempt: Attempt) -> bool:
    """Cancel what this attempt left at the processor, if it left something. True when nothing is left."""
    if attempt.is_loose and processor.cancel(attempt.reference):
        Attempt.objects.filter(pk=attempt.pk).update(is_loose=False)
        attempt.is_loose = False
    return not attempt.is_loose


def cut_all(practice_id: int, *, real_now: datetime | None = None) -> int:
    """Cancel what workers could not; returns how many. The processor away: at the next pass."""
    quiet = Attempt.objects.filter(is_loose=True, sent_at__lte=(real_now or datetime.now(UTC)) - STARTED_GRACE)
    loose = some(quiet)
    if not loose:
        return 0
    try:
        processor = accounts.for_practice(practice_id)
    except UnableToReachProcessor:
        return 0
    return sum(cut(processor, attempt) for attempt in loose)
