"""An alarm about an unknown outcome is raised by one worker while another settles it: none is left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache

from opendental import breaker
from opendental.errors import UnableToReachOffice
from opendental.models import Connection
from payments import outcomes, reconcile, refund_news, refund_outcomes, upward
from payments.claim import claim
from payments.models import Alarm, DuePart
from practices.models import Practice
from processors.port import NotTaken, Unknown
from tests.payments.refunding import paid, reserve
from tests.plugins.stripe import Shop
from tests.races.conftest import Together, failures

LATER = timedelta(days=3)


@pytest.fixture(autouse=True)
def no_memory() -> None:
    cache.clear()


@pytest.fixture
def settling(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when a settle has closed what alarms there were; it takes its time to commit."""
    written, right = threading.Event(), Alarm.close

    def slow(*arguments: Any, **more: Any) -> None:
        right(*arguments, **more)
        written.set()
        time.sleep(0.7)

    monkeypatch.setattr(Alarm, "close", slow)
    return written


def open_alarms() -> list[str]:
    return list(Alarm.objects.filter(closed_at=None).values_list("kind", flat=True))


def meet(
    together: Together, settling: threading.Event, settle: Callable[[], Any], look: Callable[[], Any]
) -> list[Any]:
    """Look for what is stuck while it is being settled; returns what went wrong."""
    settling.clear()
    return failures(together(settle, lambda: settling.wait(10) and look()))


def test_no_alarm_is_left_about_an_attempt_that_was_settled_meanwhile(
    part: DuePart, shop: Shop, now: datetime, together: Together, settling: threading.Event
) -> None:
    attempt = claim(part.pk, channel="AUTOPAY", actor="autopay", now=now)
    outcomes.settle(attempt.pk, Unknown("lost"), now=now, actor="autopay")

    wrong = meet(
        together,
        settling,
        lambda: outcomes.settle(attempt.pk, NotTaken("Canceled"), now=now + LATER, actor="reconciler"),
        lambda: reconcile._alarm_if_stuck(attempt, now + LATER),
    )

    assert (wrong, settling.is_set(), open_alarms()) == ([], True, [])


def test_no_alarm_is_left_about_a_refund_that_was_settled_meanwhile(
    part: DuePart, shop: Shop, now: datetime, together: Together, settling: threading.Event
) -> None:
    refund = reserve(paid(part, now), 30_00, now)
    refund_outcomes.settle_refund(refund.pk, Unknown("lost"), now=now, actor="user:1")

    wrong = meet(
        together,
        settling,
        lambda: refund_outcomes.settle_refund(refund.pk, NotTaken("Gone"), now=now + LATER, actor="reconciler"),
        lambda: refund_news._alarm_if_stuck(refund, now + LATER),
    )

    assert (wrong, settling.is_set(), open_alarms()) == ([], True, [])


def test_no_alarm_is_left_about_an_office_that_was_reached_meanwhile(
    practice: Practice, now: datetime, together: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upward.handlers, "nudge", lambda _practice: None)
    Connection.objects.create(
        practice=practice, base_url="http://127.0.0.1:9", developer_key="d", customer_key="c", mode="SERVICE",
        connected_at=now, failures=7, away_since=now - LATER,
    )  # fmt: skip
    one, other = Connection.objects.get(), Connection.objects.get()
    about_to_tell, right = threading.Event(), Alarm.raise_once

    def slow(*arguments: Any, **more: Any) -> None:
        about_to_tell.set()
        time.sleep(0.7)
        right(*arguments, **more)

    def reach() -> None:
        assert about_to_tell.wait(10)
        breaker.reached(other, now=now)

    monkeypatch.setattr(Alarm, "raise_once", slow)
    wrong = failures(
        together(
            lambda: breaker.missed(one, UnableToReachOffice("GET /payments"), now=now),
            reach,
        )
    )

    assert (wrong, about_to_tell.is_set(), open_alarms()) == ([], True, [])
    assert Connection.objects.get().failures == 0


def test_what_stays_unknown_is_told(part: DuePart, shop: Shop, now: datetime) -> None:
    attempt = claim(part.pk, channel="AUTOPAY", actor="autopay", now=now)
    outcomes.settle(attempt.pk, Unknown("lost"), now=now, actor="autopay")

    reconcile._alarm_if_stuck(attempt, now + LATER)

    assert open_alarms() == ["OUTCOME_UNKNOWN"]
