"""A payment was posted, and Open Dental shows something else or has not shown it yet."""

from __future__ import annotations

from django.db.models import Q

from leakage.causes import postings
from leakage.causes.postings import State
from leakage.models import Leak
from leakage.shape import Around, Button, Cause, Group


def _which(around: Around) -> Q:
    late = Q(state=State.POSTED, created_at__lte=around.now - postings.LATE)
    return (late | Q(state=State.MISMATCH)) & ~postings.OF_REFUNDS


CAUSE = Cause(
    name=Leak.Cause.NOT_READ_BACK,
    group=Group.POSTING,
    tone="warn",
    button=Button("Compare", "needs_posting", drawer=False),
    closes="It closes when Open Dental shows what was posted, to the cent.",
    find=postings.finder(Leak.Cause.NOT_READ_BACK, _which),
    came_back=postings.came_back,
)
