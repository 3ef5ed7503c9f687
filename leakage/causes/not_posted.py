"""A payment was taken and is not in Open Dental yet."""

from __future__ import annotations

from django.db.models import Q

from leakage.causes import postings
from leakage.causes.postings import State
from leakage.models import Leak
from leakage.shape import Around, Button, Cause, Group


def _which(around: Around) -> Q:
    waiting = Q(state__in=[State.QUEUED, State.SENDING, State.UNCLEAR], created_at__lte=around.now - postings.LATE)
    return waiting & ~postings.OF_REFUNDS


CAUSE = Cause(
    name=Leak.Cause.NOT_POSTED,
    group=Group.POSTING,
    tone="bad",
    button=Button("Look at it", "needs_posting", drawer=False),
    closes="It closes when the payment stands in Open Dental and was read back.",
    find=postings.finder(Leak.Cause.NOT_POSTED, _which),
    came_back=postings.came_back,
)
