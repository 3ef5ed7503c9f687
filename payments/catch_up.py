"""After an outage: what will run, in which order and how fast, so that nobody waits for a person to start it again."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from payments.models import DuePart


def let_go(because: Q, *, now: datetime) -> int:
    """Due parts of the practice in scope that waited for this may be handed over by the next sweep. How many.

    A part that is being tried at this moment is guarded by its claim.
    """
    return DuePart.objects.filter(because, state=DuePart.State.OPEN, leased_until__gt=now).update(leased_until=None)
