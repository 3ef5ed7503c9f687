"""Open Dental was not read for a while: what is due on autopay meanwhile waits for it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import QuerySet, Sum

from leakage.models import Leak
from leakage.shape import Around, Button, Cause, Found, Group
from opendental.models import Connection
from payments.models import DuePart

BEHIND = timedelta(minutes=15)


def _find(around: Around) -> Iterable[Found]:
    connection = Connection.objects.filter(practice=around.practice).first()
    if connection is None or not connection.fully_pulled_at:
        return []
    last = connection.last_answer_at or connection.connected_at
    if around.now - last < BEHIND:
        return []
    cents = _due(around).aggregate(cents=Sum("amount_cents"))["cents"] or 0
    return [
        Found(
            key=str(Leak.Cause.SYNC), cents=cents, since=last,
            words=f"{connection.problem or 'Open Dental does not answer'} · due on autopay until tomorrow",
            about={}, patient_id=None,
        )
    ]  # fmt: skip


def _due(around: Around) -> QuerySet[DuePart]:
    """What autopay charges within a day, if Open Dental can be asked."""
    return DuePart.objects.filter(
        practice=around.practice, state=DuePart.State.OPEN, hold="", is_automatic=True,
        next_try_at__lte=around.now + timedelta(days=1), installment__plan__autopay__is_on=True,
    )  # fmt: skip


CAUSE = Cause(
    name=Leak.Cause.SYNC,
    group=Group.SYNC,
    tone="bad",
    button=Button("Look at the connection", "settings_opendental", drawer=False),
    closes="It closes when Open Dental answers again.",
    find=_find,
)
