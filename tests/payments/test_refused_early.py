"""What refuses a charge before the processor, or even Open Dental, is asked anything."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from cards.models import Card
from payments import charging, upward
from payments.claim import UnableToClaim
from payments.models import DuePart
from practices.models import Practice
from processors.models import ProcessorAccount
from tests import factories
from tests.plugins.money import Ledger
from tests.plugins.stripe import Shop


def test_nothing_is_asked_of_anybody_when_no_processor_is_connected(
    practice: Practice, now: datetime, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = factories.collectable(practice)
    monkeypatch.setattr(upward.handlers, "recheck", lambda *_: pytest.fail("Open Dental was asked for nothing"))

    with pytest.raises(UnableToClaim, match="No card processor is connected"):
        charging.collect(part.pk, channel="AUTOPAY", actor="autopay", now=now)
    ledger.wrote()


def test_a_live_account_is_not_used_beside_a_movable_clock(
    practice: Practice, now: datetime, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = factories.collectable(practice)
    ProcessorAccount.objects.create(
        practice=practice, base_url="http://127.0.0.1:1", secret_key="sk_test_x", is_live=True, connected_at=now
    )
    monkeypatch.setenv("CLOCK_FILE", "/nowhere/clock.json")

    with pytest.raises(UnableToClaim, match="clock is movable"):
        charging.collect(part.pk, channel="AUTOPAY", actor="autopay", now=now)
    ledger.wrote()


def test_an_office_that_cannot_be_asked_stops_the_charge_before_the_processor(
    part: DuePart, shop: Shop, now: datetime, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_: object) -> None:
        raise upward.UnableToRecheck("The office's computer is offline")

    monkeypatch.setattr(upward.handlers, "recheck", offline)
    with pytest.raises(UnableToClaim, match="offline"):
        charging.collect(part.pk, channel="AUTOPAY", actor="autopay", now=now)

    ledger.wrote()
    assert shop.asked() == []


def test_a_refused_claim_asks_the_processor_nothing(part: DuePart, shop: Shop, now: datetime, ledger: Ledger) -> None:
    DuePart.objects.update(next_try_at=now + timedelta(days=1))

    with pytest.raises(UnableToClaim, match="has not come yet"):
        charging.collect(part.pk, channel="AUTOPAY", actor="autopay", now=now)

    ledger.wrote()
    assert shop.asked() == []
    assert shop.intents() == []


def test_what_can_be_refused_without_open_dental_does_not_ask_it(
    part: DuePart, shop: Shop, now: datetime, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upward.handlers, "recheck", lambda *_: pytest.fail("Open Dental was asked for nothing"))
    Card.objects.update(state=Card.State.BLOCKED)

    with pytest.raises(UnableToClaim, match="no longer active"):
        charging.collect(part.pk, channel="AUTOPAY", actor="autopay", now=now)
    ledger.wrote()
