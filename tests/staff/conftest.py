"""Staff at their browsers: a client per role, on Tuesday March 10 2026 at 11:00 in New York."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client

from payments import tasks
from payments.models import DuePart, Payment
from practices.models import Membership, Practice
from tests import factories
from tests.payments.refunding import paid
from tests.staff.selling import ana, handed, office, page_open  # noqa: F401 (fixtures)

SignIn = Callable[..., Client]
HTMX = {"HX-Request": "true"}
DRAWER = {"HX-Request": "true", "HX-Target": "drawer-body"}


@pytest.fixture(autouse=True)
def tuesday(now: datetime, settings: Any, tmp_path: Path) -> Iterator[None]:
    """Business time and real time stand still."""
    # WhiteNoise warns about a folder that collectstatic has not made.
    settings.STATIC_ROOT = tmp_path
    cache.clear()
    with time_machine.travel(now, tick=False):
        yield


@pytest.fixture
def sign_in(practice: Practice) -> SignIn:
    """sign_in("FRONT_DESK") is the browser of a new member with that role."""

    def signed_in(role: str = Membership.Role.ADMIN, practice: Practice = practice) -> Client:
        member = factories.MembershipFactory.create(practice=practice, role=role)
        client = Client()
        client.force_login(member.user)
        return client

    return signed_in


@pytest.fixture
def admin(sign_in: SignIn) -> Client:
    return sign_in(Membership.Role.ADMIN)


@pytest.fixture
def desk(sign_in: SignIn) -> Client:
    return sign_in(Membership.Role.FRONT_DESK)


@pytest.fixture
def auditor(sign_in: SignIn) -> Client:
    return sign_in(Membership.Role.AUDITOR)


@pytest.fixture
def biller(sign_in: SignIn) -> Client:
    return sign_in(Membership.Role.BILLER)


@pytest.fixture
def payment(part: DuePart, nudged: list[int], now: datetime) -> Payment:
    """$128.60 that the sandbox Stripe has taken."""
    return paid(part, now)


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The refunds that a page handed to a worker."""
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(tasks.refund_one, "delay", lambda **wish: calls.append(wish))
    monkeypatch.setattr("processors.stripe.refunds.RESEND_AFTER_SECONDS", 0)
    return calls
