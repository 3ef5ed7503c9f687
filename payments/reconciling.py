"""What the reconcilers of charges and refunds and the recovery after a restore share: their patience, their names."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar

from django.db.models import QuerySet

from payments.models import Attempt, Refund

# Actor of what was brought back after a restore (payments/recover.py): it may be in Open Dental already.
RECOVERY = "recovery"
# The library may still be repeating the request under its key for this long (2 × 30 s and pauses).
STARTED_GRACE = timedelta(seconds=90)
# Unknown for this long is shown as an alarm: a person should know that money may be out there.
ALARM_AFTER = timedelta(minutes=10)
# A bank may take its time; cards hardly ever do.
PENDING_ALARM_AFTER = timedelta(days=2)
# What a person presents is over, or withdrawn, long before (payments/presented.py).
PRESENTED_ALARM_AFTER = timedelta(hours=1)
# So many rows are asked about in one pass.
PAGE = 200

Row = TypeVar("Row", Attempt, Refund)


def some(rows: QuerySet[Row]) -> list[Row]:
    """All of them, oldest first; of more than a page others each time: what can't be decided must hide no newer one."""
    return sorted(rows.order_by("?")[:PAGE], key=lambda row: (row.sent_at, row.pk))


def refunds_read(practice_id: int) -> str:
    """Cache key: all refunds of this practice were read lately (payments/refund_news.py)."""
    return f"refunds-read:{practice_id}"


def disputes_read(practice_id: int) -> str:
    """Cache key: all recent disputes of this practice were read lately (payments/disputes.py)."""
    return f"disputes-read:{practice_id}"
