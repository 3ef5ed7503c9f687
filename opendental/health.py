"""Keeps the health of a connection: last answer, the present problem in plain words and since when."""

from __future__ import annotations

from datetime import datetime

from opendental import breaker
from opendental.errors import OpenDentalError, Throttled
from opendental.models import Connection


def answered(connection: Connection, *, now: datetime) -> None:
    """The office answered as it should: whatever was wrong is over."""
    connection.last_answer_at, connection.problem, connection.problem_since = now, "", None
    connection.save(update_fields=["last_answer_at", "problem", "problem_since"])
    breaker.reached(connection, now=now)


def failed(connection: Connection, error: OpenDentalError, *, now: datetime) -> None:
    """Store the problem; it began when the first of its kind was seen. Being slowed down is none."""
    breaker.missed(connection, error, now=now)
    if isinstance(error, Throttled):
        return
    if connection.problem_since is None:
        connection.problem_since = now
    connection.problem = error.reason[:300]
    connection.save(update_fields=["problem", "problem_since"])
