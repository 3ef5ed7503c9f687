"""A practice with a location and a reader at the sandbox Stripe, and what people do in front of the reader."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import pytest

from practices.models import Practice
from processors.terminal_port import Place
from terminals import registering
from terminals.models import Location, Reader
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
        return str(self.shop.look(f"readers/{self.reader.reference}")["screen"])

    @property
    def commands(self) -> int:
        """How often a payment was sent to the reader."""
        return len(self.shop.asked("/v1/terminal/readers/*/process_payment_intent"))
