"""bin/bench sync: calls and seconds until what changed in an office is read, with 10, 1,000 and 10,000 plans in it.

The office is the sandbox in the practice's own network (no pause between calls). At one call a second, as through
Open Dental's servers, the calls are the seconds. Counting starts after a first look at everything.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import httpx

from benchmarks import printing, running
from opendental import connecting, pull, walks
from opendental.models import Connection, PlanToRead
from ops import ports
from practices import tenancy
from practices.models import PaymentSettings, Practice
from sandbox.common.clock import Clock

# A cycle may take as long as it needs here, within reason.
LONGEST_SECONDS = 60.0
MOST_CYCLES = 400


@dataclass(frozen=True)
class Row:
    plans: int
    changed: int
    calls: int
    seconds: float
    read: int


@dataclass(frozen=True)
class Office:
    """One sandbox office, the practice connected to it, and the clock both go by."""

    http: httpx.Client
    clock: Clock
    practice: Practice

    @classmethod
    def opened(cls, http: httpx.Client, clock: Clock, plans: int) -> Office:
        slug = f"office-{plans}"
        http.post("/_sandbox/offices", json={"key": slug, "timezone": "UTC"}).raise_for_status()
        practice = Practice.objects.create(slug=slug, name="Sample Dental", timezone="UTC")
        office = cls(http, clock, practice)
        office.act("bulk", plans=plans, issued=1)
        with tenancy.scope(practice.pk):
            PaymentSettings.objects.create(practice=practice)
            connecting.connect(
                practice, base_url=f"{_address(http)}/api/v1", developer_key="dev-sandbox", customer_key=slug,
                mode=Connection.Mode.SERVICE, now=office.now(),
            )  # fmt: skip
        return office

    def act(self, action: str, **body: Any) -> dict[str, Any]:
        answer = self.http.post(f"/_sandbox/offices/{self.practice.slug}/{action}", json=body).raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def now(self) -> datetime:
        return self.clock.now().astimezone(UTC)

    def look_at_everything(self) -> None:
        """The first look, which lists all plans and reads none: only what changes afterwards is counted."""
        with tenancy.scope(self.practice.pk), mock.patch.object(pull, "_read_listed"):
            for _ in range(MOST_CYCLES):
                pull.pull(self.practice.pk, self.now())
                PlanToRead.objects.all().delete()
                if Connection.objects.get().fully_pulled_at:
                    return
        raise RuntimeError(f"No first look at {self.practice.slug} in {MOST_CYCLES} cycles")

    def change(self, count: int, plans: int) -> Row:
        """Change the terms of so many plans, spread over all, and pull until they are read."""
        self.clock.advance(timedelta(minutes=1))
        if count:
            self.act("bulk_change", kind="terms", plans=count)
        calls, seconds, read = 0, 0.0, 0
        with tenancy.scope(self.practice.pk), mock.patch.object(walks, "CYCLE_SECONDS", LONGEST_SECONDS):
            for _ in range(MOST_CYCLES):
                self.clock.advance(timedelta(seconds=6))
                result = pull.pull(self.practice.pk, self.now())
                calls, seconds, read = calls + result.calls, seconds + result.seconds, read + len(result.plans)
                if read >= count and not PlanToRead.objects.exists():
                    break
        return Row(plans, count, calls, seconds, read)


def main(argv: list[str]) -> int:
    wish = printing.options("Calls and seconds until changes in an office are read.", argv)
    out = printing.Report(only_json=wish.json)
    sizes, changes = ((10, 30), (0, 5)) if wish.tiny else ((10, 1_000, 10_000), (0, 10, 1_000))
    with running.processes() as world:
        http, clock = _sandbox(world)
        rows = list[Row]()
        for plans in sizes:
            for row in _rows(http, clock, plans, changes):
                rows.append(row)
                out.say(f"{row.plans:,} plans, {row.changed:,} changed: {row.calls} calls, {row.seconds:.1f} s")
    shown = [(f"{one.plans:,}", f"{one.changed:,}", one.calls, f"{one.seconds:.1f}", one.read) for one in rows]
    out.table(("plans in the office", "changed", "calls", "seconds", "plans read"), shown)
    return out.end(bench="sync", rows=[vars(one) for one in rows])


def _rows(http: httpx.Client, clock: Clock, plans: int, changes: tuple[int, ...]) -> Iterator[Row]:
    office = Office.opened(http, clock, plans)
    office.look_at_everything()
    for count in changes:
        if count <= plans:
            yield office.change(count, plans)


def _sandbox(world: running.Processes) -> tuple[httpx.Client, Clock]:
    port, state = ports.free_port(), Path(os.environ["BENCH_FOLDER"]) / "office"
    state.mkdir()
    clock = Clock(state / "clock.json")
    arguments = ("--port", str(port), "--state", str(state), "--clock", str(state / "clock.json"))
    world.python("sandbox.opendental", *arguments, port=port)
    world.ready()
    clock.set_now(datetime(2026, 3, 2, 9, tzinfo=UTC))
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=120), clock


def _address(http: httpx.Client) -> str:
    return str(http.base_url).rstrip("/")
