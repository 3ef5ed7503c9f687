"""The circuit breaker of a processor account: after several charges in a row that were not taken, autopay waits.

Its state stands on the ProcessorAccount. Whatever is charged shows that the account works; a refused card does too.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F, Value
from django.db.models.functions import Coalesce, Least

from core import pauses
from processors import accounts
from processors.models import ProcessorAccount
from processors.port import UnableToReachProcessor

# Charges in a row that were not taken, or whose answer never came. One alone may be the fault of that charge.
OPENS_AT = 3
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(minutes=10)
_MOST_FAILURES = 1000


def waiting(practice_id: int) -> ProcessorAccount | None:
    """The account while autopay waits for it; None while it takes charges, or where there is none."""
    return ProcessorAccount.objects.filter(practice_id=practice_id, failures__gte=OPENS_AT).first()


def missed(practice_id: int, reason: str, *, now: datetime) -> bool:
    """A charge was not taken. True while the circuit is open: of many that fail at once none may see itself open it."""
    accounts_ = ProcessorAccount.objects.filter(practice_id=practice_id)
    accounts_.update(
        failures=Least(F("failures") + 1, Value(_MOST_FAILURES)),
        away_since=Coalesce(F("away_since"), Value(now)),
        problem=reason[:200],
    )
    account = waiting(practice_id)
    if account is None:
        return False
    accounts_.update(next_try_at=now + _pause(account.failures))
    return True


def works(practice_id: int) -> bool:
    """It takes charges. True when that closed the circuit."""
    counted = ProcessorAccount.objects.filter(practice_id=practice_id, failures__gt=0)
    failures = counted.values_list("failures", flat=True).first() or 0
    if failures:
        counted.update(failures=0, away_since=None, next_try_at=None, problem="")
    return failures >= OPENS_AT


def probe(account: ProcessorAccount, *, now: datetime) -> bool:
    """Its pause is over and it answers something light: one charge may be tried. At most once a pause."""
    if pauses.lasts(account.next_try_at, now, longest=LONGEST_PAUSE) or not _claim(account, now):
        return False
    try:
        accounts.for_practice(account.practice_id).test()
    except UnableToReachProcessor as error:
        missed(account.practice_id, str(error), now=now)
        return False
    return True


def probe_again(practice_id: int, *, now: datetime) -> None:
    """The charge to be tried could not be made for a reason of its own: another may be tried at once."""
    waiting_ = ProcessorAccount.objects.filter(practice_id=practice_id, failures__gte=OPENS_AT)
    waiting_.update(next_try_at=now)


def _claim(account: ProcessorAccount, now: datetime) -> bool:
    """One probe at a time over all processes. Should this one be killed, the next comes after the pause."""
    seen = ProcessorAccount.objects.filter(pk=account.pk, next_try_at=account.next_try_at)
    return seen.update(next_try_at=now + _pause(account.failures)) == 1


def _pause(failures: int) -> timedelta:
    return pauses.growing(failures - OPENS_AT + 1, shortest=SHORTEST_PAUSE, longest=LONGEST_PAUSE)
