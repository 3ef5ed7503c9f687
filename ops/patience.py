"""Waiting for work that happens elsewhere: look again until it is there, then give up with a sentence."""

from __future__ import annotations

import time
from collections.abc import Callable
from time import monotonic
from typing import TypeVar

from ops.browser import UnableToWalk

T = TypeVar("T")
LOOK_AGAIN_SECONDS = 0.25


def until(what: str, look: Callable[[], T], *, seconds: float = 30) -> T:
    """The first truthy answer of `look`. Raises UnableToWalk naming `what` and the last answer after `seconds`."""
    deadline = monotonic() + seconds
    while not (seen := look()):
        if monotonic() > deadline:
            raise UnableToWalk(f"waited {seconds:.0f} s for {what}; last seen: {seen!r}")
        time.sleep(LOOK_AGAIN_SECONDS)
    return seen
