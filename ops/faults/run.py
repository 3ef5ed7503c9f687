"""One run of the fault machine: start, do harm by the schedule, let it settle, audit, report, remove."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ops import postgres, stack
from ops.audit import Books, audit
from ops.faults import schedule, settling, tally, world
from ops.faults.deeds import Deeds
from ops.faults.harm import Harm, Jump
from ops.faults.journal import Journal
from ops.faults.scaling import SCALE
from ops.faults.schedule import Step
from ops.faults.spoiling import FASTEST, Pace, Spoiler
from ops.faults.world import Plants, World
from ops.places import Places

# Saturdays before the clocks change in most of the United States, 8:00 in New York.
_BEGINNINGS = (datetime(2027, 3, 13, 13, 0, tzinfo=UTC), datetime(2027, 11, 6, 12, 0, tzinfo=UTC))
# KasperPay is founded, then stands still for so long: there is enough to charge from the first moment on.
_ASLEEP = timedelta(days=29)
_POLL_SECONDS = 0.03
# Of real time, for the machine to be up again after a kill.
_LONGEST_PAUSE_SECONDS = 0.6


@dataclass(frozen=True)
class Wish:
    """What to run. `seconds` of faults in real time at most; `strength` multiplies the share of spoiled replies.

    `only` keeps these kinds of schedule.RATES (and "clock"), `points` these points of a kill; `steps` replaces the
    seed's schedule. `functions`
    ("module:function") are called in every product process before it works, `sql` is run by the database's superuser
    once the tables are there: that is how a test plants a bug.
    """

    seed: int = 1
    seconds: float = 60
    practices: int = 4
    plans: int = 120
    strength: float = 1.0
    only: Sequence[str] = ()
    points: Sequence[str] = ()
    functions: Sequence[str] = ()
    sql: Sequence[str] = ()
    settle_seconds: float = 600
    steps: Sequence[Step] | None = None
    keep: Path | None = None


@dataclass
class Report:
    """What came of it; `violations` are the auditor's, as {"check", "text"}."""

    seed: int
    faults_injected: dict[str, int] = field(default_factory=dict)
    faults: int = 0
    crash_points: dict[str, int] = field(default_factory=dict)
    deeds: dict[str, int] = field(default_factory=dict)
    charges: int = 0
    came_to_rest: bool = False
    moving: tuple[int, ...] = ()
    violations: list[dict[str, str]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def run(wish: Wish) -> Report:
    """Do it all. Raises UnableToStart when the machine itself can't be started; leaves no process behind."""
    with _place(wish) as place:
        began = time.monotonic()
        made = world.begin(
            place, start_at=_BEGINNINGS[wish.seed % 2] - _ASLEEP, practices=wish.practices, plans=wish.plans,
            seed=wish.seed, plants=Plants(wish.functions, wish.sql),
        )  # fmt: skip
        try:
            return _Run(wish, made).all(began)
        finally:
            made.close()


@contextmanager
def _place(wish: Wish) -> Iterator[Places]:
    if wish.keep is not None:
        wish.keep.mkdir(parents=True, exist_ok=True)
        yield stack.temporary_folder(str(wish.keep.resolve()))
        return
    with tempfile.TemporaryDirectory(prefix="kasperpay-faults-", ignore_cleanup_errors=True) as folder:
        place = stack.temporary_folder(folder)
        try:
            yield place
        finally:
            postgres.remove(place.data)
            shutil.rmtree(place.data, ignore_errors=True)


class _Run:
    def __init__(self, wish: Wish, made: World) -> None:
        self.wish, self.world = wish, made
        addresses = {"stripe": made.outside.stripe, "opendental": made.outside.opendental}
        self.spoiler = Spoiler(addresses, wish.seed, wish.strength)
        self.harm, self.deeds = Harm(made, self.spoiler), Deeds(made)
        known = {name: value for name, value in asdict(wish).items() if name != "steps"}
        self.journal = Journal(made.place.data / "faults.jsonl", known)
        self.pauses = random.Random(f"pauses-{wish.seed}")
        self.report = Report(wish.seed)
        self.done: Counter[str] = Counter()
        self.jump: Jump | None = None
        self.errands: list[tuple[Step, Any]] = []

    def all(self, began: float) -> Report:
        seconds = self.report.seconds
        seconds["start"] = round(time.monotonic() - began, 1)
        self.world.clock.jump(_ASLEEP)
        self.world.open()
        self.deeds.sign_in(self.wish.practices)
        self.world.clock.run_at(SCALE)
        at = time.monotonic()
        self._harm()
        seconds["faults"], at = round(time.monotonic() - at, 1), time.monotonic()
        self._stop_harm()
        self.report.came_to_rest = settling.settle(
            self.world, self.spoiler, most_seconds=self.wish.settle_seconds, tend=self._tend
        )
        seconds["settling"], at = round(time.monotonic() - at, 1), time.monotonic()
        self._judge()
        seconds["audit"] = round(time.monotonic() - at, 1)
        self.journal.write(report=self.report.as_json())
        self.journal.close()
        return self.report

    def _harm(self) -> None:
        steps = self.wish.steps if self.wish.steps is not None else schedule.make(
            self.wish.seed, self.wish.seconds * FASTEST, self.wish.only, self.wish.points
        )  # fmt: skip
        self.spoiler.begin()
        pace, waiting = Pace(self.spoiler), list(steps)[::-1]
        began = time.monotonic()
        while time.monotonic() - began < self.wish.seconds:
            at = pace.now()
            while waiting and at >= waiting[-1].at:
                self._do(waiting.pop())
            self._tend()
            self._look_after_jump()
            time.sleep(_POLL_SECONDS)

    def _do(self, step: Step) -> None:
        if step.kind == "clock":
            if self.jump is None:
                self.jump = Jump(step, self.world.clock, self.spoiler)
        elif step.kind in self.harm.kinds:
            self._note(step, self.harm.kinds[step.kind](step))
        elif step.kind == "replace_card":
            self._replace_card(step)
        else:
            future = self.deeds.pool.submit(self.deeds.do, step)
            future.add_done_callback(lambda done: self._note_deed(step, done))

    def _replace_card(self, step: Step) -> None:
        try:
            plan = self.deeds.plan(step)
        except Exception as error:  # The database is being restarted.
            self._note(step, f"failed: {type(error).__name__}")
            return
        self.world.errand("ops.faults.founding:replace_card", plan[3], plan[0], step.facts["card"])
        self.done[step.kind] += 1
        self._note(step, f"plan {plan[0]}")

    def _note_deed(self, step: Step, done: Future[str]) -> None:
        said = done.result() if not done.cancelled() else "failed: canceled"
        self.done[step.kind] += not said.startswith(("failed", "4", "5"))
        self._note(step, said)

    def _note(self, step: Step, said: str) -> None:
        self.journal.write(step=step.line(), said=said)

    def _tend(self) -> None:
        for ended in self.world.tend(lambda: self.pauses.uniform(0, _LONGEST_PAUSE_SECONDS)):
            if not (ended.name.startswith("errand") and ended.status == 0):
                self.journal.write(ended=asdict(ended))

    def _look_after_jump(self) -> None:
        if self.jump is None or (said := self.jump.try_now(self.wish.practices)) is None:
            return
        self.harm.counts[f"clock:{self.jump.step.facts['to']}"] += not said.startswith("given up")
        self._note(self.jump.step, said)
        self.jump = None

    def _stop_harm(self) -> None:
        self.spoiler.end()
        self.world.armory.disarm()
        self.harm.http.post(f"{self.world.outside.stripe}/_sandbox/wishes/forget", json={})
        self.deeds.close()

    def _judge(self) -> None:
        report, place = self.report, self.world.place
        report.moving = settling.moving(self.world)
        report.crash_points = dict(self.world.armory.counted())
        report.deeds = dict(self.done)
        webhooks = tally.webhooks(place)
        kills = Counter({f"kill_at:{point}": number for point, number in report.crash_points.items()})
        found = self.spoiler.counts() + self.harm.counts + webhooks + kills + tally.holds(place)
        report.faults_injected, report.faults = dict(sorted(found.items())), found.total()
        report.charges = tally.charges(place)
        books = Books(
            database=self.world.superuser_url, stripe=place.sandbox / "stripe",
            opendental=place.sandbox / "opendental", messaging=place.sandbox / "messaging", now=self.world.clock.now(),
        )  # fmt: skip
        report.violations = [asdict(violation) for violation in audit(books)]
