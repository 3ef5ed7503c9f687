"""Starts services in order, restarts what dies (with a growing pause), stops all, stores last."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import monotonic

from ops.children import Child, Service, spawn
from ops.console import UnableToStart, last_lines, note

POLL_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 30.0
# A child that lived this long is considered well again: its next pause is short.
WELL_SECONDS = 60.0


@dataclass
class _Seat:
    """One service's place in the start order, kept over restarts."""

    service: Service
    child: Child
    deaths: int = 0
    restart_at: float | None = None


@dataclass
class Supervisor:
    """Must be used from the main thread only: children are tied to the thread that started them."""

    seats: list[_Seat] = field(default_factory=list)

    def launch(self, service: Service) -> None:
        """Start without waiting; `wait` for it later."""
        self.seats.append(_Seat(service, spawn(service)))

    def start(self, *services: Service) -> None:
        """Launch all of them, then wait until every one is ready."""
        for service in services:
            self.launch(service)
        self.wait(service.name for service in services)

    def wait(self, names: Iterable[str]) -> None:
        """Raises UnableToStart, with the end of its log, for one that ends or stays silent."""
        wanted = set(names)
        for seat in self.seats:
            if seat.service.name in wanted:
                _until_ready(seat.child)

    def run(self, service: Service) -> None:
        """Run a step to its end. Raises UnableToStart, with the end of its log, unless it exits with 0."""
        child = spawn(service)
        try:
            child.process.wait()
        finally:
            child.ask_to_stop()
            child.finish()
        if child.process.returncode:
            raise UnableToStart(_obituary(child))

    def watch(self) -> None:
        """One look at every child; call it a few times a second."""
        for seat in self.seats:
            if seat.restart_at is not None:
                _restart_when_due(seat)
            elif not seat.child.is_alive:
                _plan_restart(seat)

    def dead(self) -> list[str]:
        """Names of services that are not running now."""
        return [seat.service.name for seat in self.seats if not seat.child.is_alive]

    def stop(self) -> None:
        """Ask what uses the stores to stop, wait for it, then the stores; nothing is left behind."""
        for stores in (False, True):
            children = [seat.child for seat in reversed(self.seats) if seat.service.is_store == stores]
            for child in children:
                child.ask_to_stop()
            for child in children:
                child.finish()
        self.seats.clear()


def _until_ready(child: Child) -> None:
    deadline = monotonic() + child.service.patience_seconds
    while not child.service.is_ready():
        if not child.is_alive:
            raise UnableToStart(_obituary(child))
        if monotonic() > deadline:
            raise UnableToStart(f"{child.service.name} did not answer in time.\n{_log_text(child.service)}")
        time.sleep(POLL_SECONDS)


def _plan_restart(seat: _Seat) -> None:
    lived = monotonic() - seat.child.started
    seat.deaths = 1 if lived > WELL_SECONDS else seat.deaths + 1
    pause = min(2.0 ** (seat.deaths - 1), LONGEST_PAUSE_SECONDS)
    seat.child.finish()
    seat.restart_at = monotonic() + pause
    note(f"{_obituary(seat.child)}\n  {seat.service.name} starts again in {pause:.0f} s")


def _restart_when_due(seat: _Seat) -> None:
    if seat.restart_at is not None and monotonic() >= seat.restart_at:
        seat.child = spawn(seat.service)
        seat.restart_at = None


def _obituary(child: Child) -> str:
    return f"{child.service.name} stopped ({child.exit_text}).\n{_log_text(child.service)}"


def _log_text(service: Service) -> str:
    return f"  The end of {service.log}:\n{last_lines(service.log)}"
