"""A card was typed in, but neither the browser nor the webhook came back: it is taken over all the same."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.core.cache import cache

from cards import saving
from cards.models import Card, CardSetup
from cards.picking_up import pick_up
from practices.models import Practice
from tests import factories
from tests.plugins.stripe import Shop

MINUTES = timedelta(minutes=1)


@pytest.fixture
def setup(shop: Shop, practice: Practice, now: datetime) -> CardSetup:
    cache.clear()
    saving.start(patient=factories.PatientFactory.create(practice=practice), return_path="/", actor="user:1", now=now)
    return CardSetup.objects.get()


def type_in(shop: Shop, setup: CardSetup) -> None:
    form = {"number": "4242424242424242", "expiry": "10/40", "code": "123", "name": "Ana", "zip_code": "10001"}
    shop.process.http.post(f"/c/pay/{setup.session}", data=form)


def looks(shop: Shop, setup: CardSetup) -> int:
    return len(shop.look("requests", path=f"/v1/checkout/sessions/{setup.session}"))


def test_a_forgotten_card_is_taken_over_once(shop: Shop, setup: CardSetup, now: datetime) -> None:
    type_in(shop, setup)

    assert pick_up(now=now + 9 * MINUTES) == 0
    assert pick_up(now=now + 11 * MINUTES) == 1
    assert pick_up(now=now + 12 * MINUTES) == 0
    assert Card.objects.get().last4 == "4242"
    assert CardSetup.objects.get().state == CardSetup.State.SAVED


def test_an_empty_page_is_not_asked_again_at_once(shop: Shop, setup: CardSetup, now: datetime) -> None:
    assert [pick_up(now=now + minutes * MINUTES) for minutes in (11, 12, 13)] == [0, 0, 0]

    assert looks(shop, setup) == 1
    assert CardSetup.objects.get().state == CardSetup.State.OPEN


def test_a_page_of_yesterday_is_over_and_not_asked(shop: Shop, setup: CardSetup, now: datetime) -> None:
    assert pick_up(now=now + timedelta(hours=27)) == 0

    assert (looks(shop, setup), CardSetup.objects.get().state) == (0, CardSetup.State.EXPIRED)


def test_a_processor_that_is_away_loses_nothing(shop: Shop, setup: CardSetup, now: datetime) -> None:
    type_in(shop, setup)
    shop.fault("GET /v1/checkout/sessions/*", "drop_before", times=4)

    assert pick_up(now=now + 11 * MINUTES) == 0
    cache.clear()
    shop.process.http.delete("/_sandbox/faults")
    assert pick_up(now=now + 22 * MINUTES) == 1
