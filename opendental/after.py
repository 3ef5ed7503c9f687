"""After an outage, for people and for `manage.py catch_up`: when it begins, and the plan of payments/catch_up.py."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from opendental import breaker, pacing
from opendental.models import Connection
from payments import catch_up, circuit
from practices.models import Practice
from processors import breaker as accounts

SHOWN = 50
# Calls to the office: a recheck reads plan, charges, splits and cards; a posting is sent, read back, its plan read.
_RECHECK_CALLS, _POSTING_CALLS = 4, 5


def waits(practice: Practice, now: datetime) -> dict[str, Any]:
    """The same while autopay waits for one of the two; nothing while both answer."""
    connection = Connection.objects.filter(practice=practice).first()
    is_away = connection is not None and breaker.is_open(connection)
    return of(practice, now) if is_away or accounts.waiting(practice.pk) else {}


def of(practice: Practice, now: datetime) -> dict[str, Any]:
    """`away` and `account` are what autopay waits for (None = it answers); `plan` begins when both are tried next."""
    connection = Connection.objects.filter(practice=practice).first()
    away = connection if connection and breaker.is_open(connection) else None
    account = accounts.waiting(practice.pk)
    tries = [found.next_try_at for found in (away, account) if found is not None and found.next_try_at is not None]
    return {
        "away": away,
        "away_text": breaker.refusal(away, now) if away else "",
        "account": account,
        "refusal": circuit.refusal(practice.pk, now),
        "plan": catch_up.plan(practice, begins_at=max([now, *tries]), pace=_pace(connection), shown=SHOWN),
    }


def _pace(connection: Connection | None) -> catch_up.Pace:
    interval = pacing.interval_of(connection.mode, connection.permissions) if connection else 0.0
    return catch_up.Pace(_POSTING_CALLS * interval, _RECHECK_CALLS * interval)
