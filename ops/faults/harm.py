"""Carries out the steps of the schedule that do harm: kills, restarts, webhooks gone astray, jumps of the clock."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from ops.faults import clockwork
from ops.faults.clockwork import Clockwork
from ops.faults.founding_facts import zone_of
from ops.faults.scaling import LONGEST_HOLD_SECONDS, SCALE
from ops.faults.schedule import Step
from ops.faults.spoiling import Spoiler
from ops.faults.world import World

# Not a whole day at once: the processor keeps its idempotency keys for one.
_LONGEST_JUMP = timedelta(hours=23)


class Harm:
    """Main thread only. `counts` holds what really happened, by kind; kills at points are counted by the armory."""

    def __init__(self, world: World, spoiler: Spoiler) -> None:
        self.world, self.spoiler = world, spoiler
        self.counts: Counter[str] = Counter()
        self.http = httpx.Client(trust_env=False, timeout=15)
        self.kinds: dict[str, Callable[[Step], str]] = {
            "kill_at": self.kill_at, "kill": self.kill, "webhook": self.webhook, "hold": self.hold,
            "database": self.database, "broker": self.broker, "broker_empty": self.broker,
        }  # fmt: skip

    def kill_at(self, step: Step) -> str:
        return f"{self.world.armory.arm(step.facts['point'])} waiting"

    def kill(self, step: Step) -> str:
        if not self.world.nursery.kill(step.facts["worker"]):
            return "was down already"
        self.counts[f"kill:{step.facts['worker'].partition('-')[0]}"] += 1
        return "killed"

    def webhook(self, step: Step) -> str:
        """The next event of the processor goes astray; counted from the processor's own deliveries afterwards."""
        return self._stripe("webhook-faults", kind=step.facts["trouble"], times=1, seconds=step.facts["seconds"])

    def hold(self, step: Step) -> str:
        """The next write waits with its idempotency key in use, so that a repetition meets a 409."""
        return self._stripe("troubles", kind="hold", match="POST /v1/payment_intents*", seconds=step.facts["seconds"])

    def _stripe(self, action: str, **wish: Any) -> str:
        return str(self.http.post(f"{self.world.outside.stripe}/_sandbox/{action}", json=wish).status_code)

    def database(self, step: Step) -> str:
        crash = step.facts["how"] == "crash"
        self.world.restart("postgres", signal.SIGQUIT if crash else signal.SIGINT)
        self.counts["database:crash" if crash else "database:restart"] += 1
        return "is back"

    def broker(self, step: Step) -> str:
        empty = step.kind == "broker_empty"
        self.world.restart("valkey", signal.SIGKILL if empty else signal.SIGTERM, empty=empty)
        self.counts["valkey:restart_empty" if empty else "valkey:restart_with_data"] += 1
        return "is back"


class Jump:
    """A jump of the clock that waits for its moment: nothing is held, so nothing sent before arrives a day later.

    The product takes what it sent for done or lost after a minute of business. A held request must not outlive that.
    """

    def __init__(self, step: Step, clock: Clockwork, spoiler: Spoiler) -> None:
        self.step, self.clock, self.spoiler = step, clock, spoiler
        self.give_up_at = time.monotonic() + LONGEST_HOLD_SECONDS + 3
        spoiler.begin(holding=False)

    def try_now(self, practices: int) -> str | None:
        """What was done; None: not yet."""
        is_late = time.monotonic() > self.give_up_at
        if not is_late and (self.spoiler.holding() or self.spoiler.writing()):
            return None
        self.spoiler.begin()
        if is_late and self.spoiler.holding():
            return "given up: something was held all the time"
        zone = zone_of(int(self.step.lot * practices))
        before = self.clock.now()
        delta = min(_LONGEST_JUMP, distance(self.step.facts["to"], before, zone, self.step.lot))
        return f"{before.isoformat()} → {self.clock.jump(delta).isoformat()}"


def distance(to: str, now: datetime, zone: ZoneInfo, lot: float) -> timedelta:
    """How far to jump: shortly before the charge hour, midnight or the hour that clocks change, or some hours."""
    if to == "hours":
        return timedelta(minutes=30 + lot * 300)
    hour = {"morning": 10, "midnight": 0, "dst": 2}[to]
    # A little before: the machine then runs through the moment itself.
    lead = timedelta(seconds=2 * SCALE)
    return max(timedelta(0), clockwork.until_wall(now + lead, zone, hour, 0, 0))
