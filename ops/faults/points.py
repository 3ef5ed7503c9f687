"""The named crash points, and the shared table that arms them: armed from outside, sprung inside a product process.

A point that is armed kills the first process that reaches it, with SIGKILL, after the hit has been written down.
"""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import signal
import time
from collections import Counter
from pathlib import Path

# In the order of the table of crash points in docs/money.md.
POINTS = (
    "after_claim",
    "intent_created",
    "id_stored",
    "confirm_sent",
    "answer_read",
    "in_settle",
    "settled",
    "post_sent",
    "post_answered",
    "before_partial",
    "webhook_before_stored",
    "webhook_stored",
    "webhook_task",
)
# Worth a kill as well, but not of that table.
MORE_POINTS = (
    "reconciling",
    "text_sent",
    "partial_sent",
    "claiming",
    "page_opened",
    "page_stored",
    "reader_asked",
    "order_placed",
    "order_sent",
    "order_reading",
    "refund_claimed",
    "refund_asked",
    "refund_post_sent",
    "move_ordered",
    "discount_sent",
)
ALL_POINTS = POINTS + MORE_POINTS
# Few requests come by these, and a killed poster keeps its office waiting: they are armed twice as often.
RARE = ("post_sent", "partial_sent", "page_stored", "reader_asked", *MORE_POINTS[-8:])


class Armory:
    """One byte a point: how many kills wait there. Shared by all processes of a run."""

    def __init__(self, folder: Path) -> None:
        self.hits = folder / "hits.jsonl"
        self._path = folder / "armed"
        if not self._path.exists():
            self._path.write_bytes(bytes(len(ALL_POINTS)))
        with self._path.open("r+b") as file:
            self._armed = mmap.mmap(file.fileno(), len(ALL_POINTS))

    def arm(self, point: str) -> int:
        """One more kill at this point; how many wait there now (at most 3: a point nobody passes fills up)."""
        place = ALL_POINTS.index(point)
        with self._path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self._armed[place] = min(3, self._armed[place] + 1)
            return self._armed[place]

    def disarm(self) -> None:
        self._armed[:] = bytes(len(ALL_POINTS))

    def spring(self, point: str) -> None:
        """Die here if the point is armed."""
        place = ALL_POINTS.index(point)
        if not self._armed[place]:
            return
        with self._path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not self._armed[place]:
                return
            self._armed[place] -= 1
            self._die(point)

    def _die(self, point: str) -> None:
        line = json.dumps({"point": point, "pid": os.getpid(), "at": time.time()}) + "\n"
        hits = os.open(self.hits, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(hits, line.encode())
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)

    def counted(self) -> Counter[str]:
        """Kills so far by point."""
        if not self.hits.exists():
            return Counter()
        return Counter(str(json.loads(line)["point"]) for line in self.hits.read_text().splitlines())
