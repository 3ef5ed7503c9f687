"""The first sync: what every plan looks like now is kept, then every plan is listed to be read, open ones first.

The prints come before the plans are read, so that no later change can hide in them. 100 plans a call; each page is
stored with its place, so a killed worker or a spent budget goes on from there.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from opendental import contradictions, fingerprints, walks
from opendental.client import Office
from opendental.discover import put_down
from opendental.models import Connection, PlanFingerprint, PlanToRead
from opendental.walks import Budget

Of = PlanFingerprint.Of
Urgency = PlanToRead.Urgency
WALK = "listing"
_ORDER = (Of.CHARGES, Of.SPLITS, Of.LINKS, Of.PLAN)


def begin(connection: Connection) -> None:
    """A new office: its patients and plans are walked over from the start."""
    walks.keep(connection, "patients", after=0)
    walks.keep(connection, WALK, of=_ORDER[0], after=0)


def is_over(connection: Connection) -> bool:
    """False while prints are still being gathered: nothing can be compared then."""
    return walks.place(connection, WALK) is None


def run(office: Office, connection: Connection, budget: Budget) -> None:
    """Go on with the listing until it is over or the budget is spent, at least by a page."""
    while (place := walks.place(connection, WALK)) is not None:
        _page(office, connection, Of(place["of"]), int(place["after"]), budget.now)
        if budget.is_spent:
            return


def _page(office: Office, connection: Connection, of: Of, after: int, now: datetime) -> None:
    prints, closed, last = fingerprints.page(office, of, fingerprints.EVERYTHING, after)
    is_last = last is None and of == _ORDER[-1]
    if is_last:
        contradictions.posted_twice(office, connection, now=now)
    with transaction.atomic():
        fingerprints.take(
            connection.practice_id, of, prints, fingerprints.EVERYTHING, after=after, last=last, now=now, queue=False
        )
        if of == Of.PLAN:
            put_down(connection.practice_id, prints.keys() - closed, now=now, urgency=Urgency.LISTED)
            put_down(connection.practice_id, closed, now=now, urgency=Urgency.CLOSED)
        if is_last:
            connection.fully_pulled_at = now
            connection.save(update_fields=["fully_pulled_at"])
        _step(connection, of, last)


def _step(connection: Connection, of: Of, last: int | None) -> None:
    following = _ORDER.index(of) + 1
    if last is not None:
        walks.keep(connection, WALK, of=of, after=last)
    elif following < len(_ORDER):
        walks.keep(connection, WALK, of=_ORDER[following], after=0)
    else:
        walks.end(connection, WALK)
