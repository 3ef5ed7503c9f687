"""Saving a card on the hosted page: once, whoever brings the news; what it leaves behind here and there."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

import pytest

from cards import saving
from cards.models import Card, CardSetup
from patients.models import Patient
from practices.models import Event, Practice
from processors.models import ProcessorCustomer
from processors.port import UnableToReachProcessor
from tests import factories
from tests.plugins.stripe import Shop


@pytest.fixture
def ana(practice: Practice) -> Patient:
    patient: Patient = factories.PatientFactory.create(practice=practice)
    return patient


def start(ana: Patient, now: datetime, path: str = "/patients/1/cards/") -> CardSetup:
    saving.start(patient=ana, return_path=path, actor="user:1", now=now)
    return CardSetup.objects.latest("pk")


def type_in(shop: Shop, setup: CardSetup, number: str = "4242424242424242", code: str = "123") -> int:
    form = {"number": number, "expiry": "10/40", "code": code, "name": "Ana", "zip_code": "10001"}
    return shop.process.http.post(f"/c/pay/{setup.session}", data=form).status_code


def test_the_page_comes_back_to_us_with_the_visit(shop: Shop, ana: Patient, now: datetime) -> None:
    url = saving.start(patient=ana, return_path="/p/?tab=cards", actor="user:1", now=now)

    setup = CardSetup.objects.get()
    assert url.startswith(shop.process.url)
    [made] = shop.requests("/v1/checkout/sessions")
    assert f"setup%3D{setup.uuid}" in made["body"]
    assert "tab%3Dcards%26setup" in made["body"]
    assert made["idempotency_key"] == f"kp-setup-{setup.uuid}"


def test_a_person_has_one_customer_that_knows_neither_name_nor_mail(shop: Shop, ana: Patient, now: datetime) -> None:
    start(ana, now)
    start(ana, now)

    [made] = shop.look("requests", path="/v1/customers")
    assert made["body"] == f"metadata[kasperpay]={ana.practice_id}-{ana.pk}"
    assert ProcessorCustomer.objects.count() == 1


def test_finishing_before_a_card_was_typed_in_finds_none(shop: Shop, ana: Patient, now: datetime) -> None:
    setup = start(ana, now)

    assert saving.finish(setup.uuid, now=now) is None
    assert (Card.objects.count(), CardSetup.objects.get().state) == (0, "OPEN")


def test_browser_and_webhook_together_save_one_card(shop: Shop, ana: Patient, now: datetime) -> None:
    setup = start(ana, now)
    type_in(shop, setup)

    first, second = saving.finish(setup.uuid, now=now), saving.finish(setup.uuid, now=now)

    assert first is not None
    assert first == second == Card.objects.get()
    assert (first.last4, first.brand, first.exp_year, first.is_primary) == ("4242", "visa", 2040, True)
    assert (first.patient, first.funding, len(first.fingerprint)) == (ana, "credit", 16)
    assert Event.objects.filter(kind="card_saved").count() == 1
    assert CardSetup.objects.get().state == "SAVED"


def test_only_the_first_card_becomes_primary_and_the_same_number_keeps_its_fingerprint(
    shop: Shop, ana: Patient, now: datetime
) -> None:
    cards = []
    for _ in range(2):
        setup = start(ana, now)
        type_in(shop, setup)
        cards.append(saving.finish(setup.uuid, now=now))

    first, second = Card.objects.order_by("pk")
    assert (first.is_primary, second.is_primary) == (True, False)
    assert first.fingerprint == second.fingerprint
    assert first.payment_method != second.payment_method


def test_another_card_can_be_made_primary(shop: Shop, ana: Patient, now: datetime) -> None:
    first = factories.CardFactory.create(patient=ana)
    second = factories.CardFactory.create(patient=ana, is_primary=False)

    saving.make_primary(second, actor="user:1", now=now)

    assert list(Card.objects.order_by("pk").values_list("pk", "is_primary")) == [(first.pk, False), (second.pk, True)]
    assert Event.objects.get().kind == "card_primary"


def test_a_card_the_bank_refuses_to_save_is_none(shop: Shop, ana: Patient, now: datetime) -> None:
    setup = start(ana, now)
    type_in(shop, setup, "4000000000000002")

    assert saving.finish(setup.uuid, now=now) is None
    assert Card.objects.count() == 0


def test_a_page_that_cannot_be_opened_is_said(shop: Shop, ana: Patient, now: datetime) -> None:
    shop.fault("POST /v1/checkout/sessions", "error_before", times=2)

    with pytest.raises(UnableToReachProcessor, match="had an error"):
        start(ana, now)
    assert CardSetup.objects.get().session == ""


def test_a_visit_that_never_reached_the_page_finds_no_card(shop: Shop, ana: Patient, now: datetime) -> None:
    setup = CardSetup.objects.create(
        practice=ana.practice, patient=ana, return_path="/", actor="user:1", created_at=now
    )

    assert saving.finish(setup.uuid, now=now) is None
    assert shop.asked() == []


def test_an_unknown_visit_is_refused(shop: Shop, now: datetime) -> None:
    with pytest.raises(CardSetup.DoesNotExist):
        saving.finish(uuid4(), now=now)
