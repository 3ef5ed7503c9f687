"""Open Dental refused a payment, or lets no program enter it."""

from __future__ import annotations

from django.db.models import Q

from leakage.causes import postings
from leakage.causes.postings import State
from leakage.models import Leak
from leakage.shape import Around, Button, Cause, Group


def _which(_around: Around) -> Q:
    return Q(state__in=[State.REFUSED, State.BY_HAND]) & ~postings.OF_REFUNDS


CAUSE = Cause(
    name=Leak.Cause.REFUSED,
    group=Group.POSTING,
    tone="bad",
    button=Button("Put it right", "needs_posting", drawer=False),
    closes="It closes when the payment stands in Open Dental and was read back.",
    find=postings.finder(Leak.Cause.REFUSED, _which),
    came_back=postings.came_back,
)
