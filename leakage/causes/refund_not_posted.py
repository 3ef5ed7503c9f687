"""Money was given back and Open Dental does not show it."""

from __future__ import annotations

from django.db.models import Q

from leakage.causes import postings
from leakage.causes.postings import State
from leakage.models import Leak
from leakage.shape import Around, Button, Cause, Group


def _which(around: Around) -> Q:
    waiting = [State.QUEUED, State.SENDING, State.UNCLEAR, State.POSTED]
    late = Q(state__in=waiting, created_at__lte=around.now - postings.LATE)
    return (late | Q(state__in=[State.REFUSED, State.BY_HAND, State.MISMATCH])) & postings.OF_REFUNDS


CAUSE = Cause(
    name=Leak.Cause.REFUND_NOT_POSTED,
    group=Group.POSTING,
    tone="warn",
    button=Button("Show the steps", "needs_posting", drawer=False),
    closes="It closes when Open Dental shows the refund.",
    find=postings.finder(Leak.Cause.REFUND_NOT_POSTED, _which),
    came_back=postings.came_back,
)
