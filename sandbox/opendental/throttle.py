"""Open Dental's pacing of one customer key: one request after another, with a pause that depends on the permissions.

Real time, not business time. Off unless the office's `throttle` is on.
"""

from __future__ import annotations

import threading
import time
from types import TracebackType

from sandbox.opendental.office import Office


class TooManyRequests(Exception):
    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def pause(permissions: list[str]) -> float:
    """Seconds between requests: read-only 5, any paid permission 1, Enterprise 0.5."""
    if "ApiEnterprise" in permissions:
        return 0.5
    return 1.0 if set(permissions) - {"ApiReadAll"} else 5.0


class Gate:
    """Context manager around one request of the office's key. Execution counts into the pause."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.turn = threading.Lock()
        self.count = threading.Lock()
        self.waiting = 0
        self.free_at = 0.0
        self.held = threading.local()

    def pause(self) -> float:
        return pause(self.office.settings.permissions)

    def __enter__(self) -> None:
        self.held.by_me = self.office.settings.throttle
        if not self.held.by_me:
            return
        with self.count:
            if self.office.switch("throttle_429") and self.waiting >= int(self.office.switch("throttle_queue")):
                self.held.by_me = False
                raise TooManyRequests(max(1, round(self.pause() * self.waiting)))
            self.waiting += 1
        self.turn.acquire()
        time.sleep(max(0.0, self.free_at - time.monotonic()))
        self.free_at = time.monotonic() + self.pause()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.held.by_me:
            with self.count:
                self.waiting -= 1
            self.turn.release()
