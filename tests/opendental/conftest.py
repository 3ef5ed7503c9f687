"""One sandbox process for all tests here; every test opens an office of its own in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from payments.models import LedgerPosting
from practices.models import Practice
from sandbox.common.clock import Clock
from tests import outside
from tests.opendental.desk import Desk, collected
from tests.outside import Outside


@pytest.fixture(scope="session")
def opendental_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Outside, Path]]:
    state = tmp_path_factory.mktemp("opendental")
    running = outside.start("sandbox.opendental", state)
    yield running, state / "clock.json"
    running.stop()


@pytest.fixture
def open_desk(opendental_sandbox: tuple[Outside, Path], practice: Practice) -> Iterator[Callable[..., Desk]]:
    """Opens an office; by default one of version 25.4 with every permission. The clock starts on 2022-07-01, 8:00."""
    running, clock_file = opendental_sandbox
    running.http.delete("/_sandbox/faults")

    def opened(**settings: Any) -> Desk:
        desk = Desk.open(running, Clock(clock_file), practice, **settings)
        desk.at("2022-07-01 08:00")
        return desk

    yield opened
    running.http.delete("/_sandbox/faults")


@pytest.fixture
def desk(open_desk: Callable[..., Desk]) -> Desk:
    """A connected office of version 25.4 with every permission."""
    found = open_desk()
    found.connect()
    return found


@pytest.fixture
def due(desk: Desk) -> LedgerPosting:
    """$100 collected on the first of two issued installments of a plan, not posted yet."""
    return collected(desk)
