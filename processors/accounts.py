"""Finds a practice's processor. Call inside the practice's scope."""

from __future__ import annotations

from core import clock
from processors.limits import Pace
from processors.models import ProcessorAccount
from processors.port import UnableToReachProcessor
from processors.stripe import StripeProcessor


def for_practice(practice_id: int) -> StripeProcessor:
    """The processor of this practice. Raises UnableToReachProcessor when none is connected."""
    account = ProcessorAccount.objects.filter(practice_id=practice_id).first()
    if account is None:
        raise UnableToReachProcessor("No card processor is connected")
    if account.is_live and clock.is_movable():
        # Business time must be real time where real money moves.
        raise UnableToReachProcessor("The clock is movable (CLOCK_FILE is set): a live account is not used")
    return StripeProcessor(account)


def pace_of(practice_id: int) -> Pace:
    """At which times this practice's charges may be sent; without a processor nothing is held back."""
    return Pace(ProcessorAccount.objects.filter(practice_id=practice_id).first())
