"""Asking at the account's pace: a place in its lane first, and the same request again after "slow down"."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import stripe

from processors import limits
from processors.models import ProcessorAccount

T = TypeVar("T")
# After each "slow down" (429), which took nothing: then the same request goes out again under its key.
SLOW_DOWN_SECONDS: tuple[float, ...] = (0.5, 1.0, 2.0)
# Of that, so much everybody waits: one call too many in a second is over when a few places are left empty.
SHARE_OF_ALL = 0.2


class InTurn:
    """The part of StripeProcessor that keeps the pace (processors/limits.py). It sleeps: never in a transaction."""

    _account: ProcessorAccount

    def _in_turn(self, endpoint: str, ask: Callable[[], T]) -> T:
        """Ask at the account's pace, and again after "slow down", which says that nothing was done."""
        lane = limits.Lane(self._account, endpoint)
        for pause in SLOW_DOWN_SECONDS:
            lane.wait()
            try:
                return ask()
            except stripe.RateLimitError:
                lane.push(pause * SHARE_OF_ALL)
                time.sleep(pause)
        lane.wait()
        return ask()
