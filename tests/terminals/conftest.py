"""A practice with a location and a reader at the sandbox Stripe, and what people do in front of the reader."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from patients.models import Patient
from payments import presented, sales
from payments.models import Attempt, DuePart, Sale, SaleLine
from payments.sale_lines import Line
from payments.upward import ReaderWish
from practices.models import Practice
from processors.terminal_port import Place
from terminals import asking, registering, run_pages, sweeping, taking, tasks
from terminals.models import Location, Reader, ReaderRun
from tests import factories
from tests.plugins.stripe import Shop
from tests.staff.conftest import admin, auditor, desk, sign_in, tuesday

__all__ = ["admin", "auditor", "desk", "sign_in", "tuesday"]
PLACE = Place("Maple Grove Dental", "1 Sample Street", "Albany", "NY", "12207")


def register(location: Location, label: str, now: datetime, code: str = "simulated-wpe") -> Reader:
    return registering.register(location, code=code, label=label, actor="user:1", now=now, token=uuid.uuid4())


@pytest.fixture
def location(shop: Shop, practice: Practice, now: datetime) -> Location:
    return registering.open_location(practice, PLACE, clinic=None, actor="user:1", now=now, token=uuid.uuid4())


@pytest.fixture
def reader(location: Location, now: datetime) -> Reader:
    return register(location, "Front desk", now)


@pytest.fixture
def counter(shop: Shop, reader: Reader) -> Counter:
    return Counter(shop, reader)


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Messages to workers are carried out at once, and kept."""
    calls: list[dict[str, Any]] = []

    def at_once(**wish: Any) -> None:
        calls.append(wish)
        tasks.take_one(**wish)

    monkeypatch.setattr(tasks.take_one, "delay", at_once)
    monkeypatch.setattr(tasks.watch_one, "delay", lambda **wish: tasks.watch_one(**wish))
    return calls


def tender_of(practice: Practice, now: datetime, cents: int = 120_00) -> DuePart:
    """A sale of a prepayment that is to be paid somehow, and its only tender."""
    patient: Patient = factories.PatientFactory.create(practice=practice)
    line = Line(SaleLine.Kind.PREPAYMENT, patient.pat_num, cents)
    sale = sales.draft(patient, basis=Sale.Basis.PREPAYMENT, lines=[line], note="", actor="user:1", now=now)
    return sales.tender(sale.pk, cents=cents, payer=patient, actor="user:1", now=now)


@pytest.fixture
def till(practice: Practice, counter: Counter, inline: list[dict[str, Any]], nudged: list[int], now: datetime) -> Till:
    return Till(counter, tender_of(practice, now), now)


@dataclass
class Till:
    """Staff who take $120.00 at the reader, and what the books say of it."""

    counter: Counter
    part: DuePart
    now: datetime

    def take(self, part: DuePart | None = None, *, consent: str = "") -> ReaderRun:
        part = part or self.part
        asking.take(ReaderWish(part, self.counter.reader.pk, consent, "user:1", self.now))
        return self.run_of(part)

    def again(self, reader: Reader | None = None) -> ReaderRun:
        asking.again(self.part, reader or self.counter.reader, actor="user:1")
        return self.run

    def hear(self) -> ReaderRun:
        """The reader's webhook."""
        sweeping.heard(self.part.practice_id, self.counter.reader.reference, now=self.now)
        return self.run

    def sweep(self, after: timedelta) -> ReaderRun:
        sweeping.sweep(self.part.practice_id, now=self.now, real_now=datetime.now(UTC) + after)
        return self.run

    def cancel(self) -> Attempt | None:
        return taking.cancel(self.part, now=self.now, actor="user:1")

    def look(self) -> None:
        presented.look(self.attempt, now=self.now, actor="webhook")

    @property
    def run(self) -> ReaderRun:
        return self.run_of(self.part)

    @staticmethod
    def run_of(part: DuePart) -> ReaderRun:
        found = run_pages.newest_run(part)
        assert found is not None
        return found

    @property
    def attempt(self) -> Attempt:
        found = taking.attempt_of(self.part)
        assert found is not None
        return found

    @property
    def step(self) -> run_pages.Step:
        self.part.refresh_from_db()
        return run_pages.step_of(self.part, self.run, taking.attempt_of(self.part))

    @property
    def left_cents(self) -> int:
        assert self.part.sale is not None
        return sales.left_cents(self.part.sale)


class Counter:
    """The person before the reader, and what goes wrong with it."""

    def __init__(self, shop: Shop, reader: Reader) -> None:
        self.shop, self.reader = shop, reader

    def tap(self, number: str = "4242424242424242", **more: Any) -> Any:
        return self.shop.control(f"readers/{self.reader.reference}/present", number=number, how="tap", **more)

    def press_cancel(self) -> Any:
        return self.shop.control(f"readers/{self.reader.reference}/cancel")

    def trouble(self, kind: str, **wish: Any) -> None:
        self.shop.control("readers/faults", kind=kind, **{"reader": self.reader.reference, **wish})

    @property
    def screen(self) -> str:
        return next(str(one["screen"]) for one in self.shop.look("readers") if one["id"] == self.reader.reference)

    @property
    def commands(self) -> int:
        """How often a payment was sent to the reader."""
        return len(self.shop.asked("/v1/terminal/readers/*/process_payment_intent"))
