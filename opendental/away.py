"""What people see of an office that is left alone: since when, when it is tried next, and what waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core import clock
from opendental import breaker
from opendental.models import Connection
from payments import catch_up
from payments.models import DuePart


@dataclass(frozen=True)
class Away:
    """`charges`: due payments whose last hand-over came to nothing because of the office."""

    since: datetime
    text: str
    next_try_at: datetime | None
    postings: int
    charges: int


def of(connection: Connection) -> Away | None:
    """None while the office is reached."""
    if not breaker.is_open(connection) or connection.away_since is None:
        return None
    waiting = DuePart.objects.filter(practice_id=connection.practice_id, state=DuePart.State.OPEN, hold="")
    because = breaker.waits_for_office()
    return Away(
        connection.away_since,
        breaker.refusal(connection, clock.now()),
        connection.next_try_at,
        catch_up.unposted(connection.practice_id).count(),
        waiting.filter(because).count(),
    )
