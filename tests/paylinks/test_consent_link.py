"""Agreeing to autopay with one tap on the phone (ADR 14)."""

from __future__ import annotations

import re
import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from cards.models import Autopay, Consent
from core.tokens import link_token
from notifications.models import Message
from paylinks import consent_links
from paylinks.consent_links import UnableToAsk
from paylinks.models import ConsentLink
from payments import due_parts
from payments.models import Attempt, DuePart
from payplans.models import Installment, PayPlan
from practices.models import Event, Practice
from tests import factories
from tests.paylinks.conftest import Time, words


@pytest.fixture
def plan(practice: Practice, nudged: list[int], time: Time) -> PayPlan:
    """A payment due today rose above what was agreed to, and is held."""
    patient = factories.PatientFactory.create(practice=practice)
    made: PayPlan = factories.PayPlanFactory.create(patient=patient, apr=Decimal("6.5"))
    one = factories.InstallmentFactory.create(plan=made, principal_cents=150_00)
    card = factories.CardFactory.create(patient=patient)
    before = [{"installment": one.pk, "due_date": "2026-03-10", "amount_cents": 128_60}]
    consent = factories.ConsentFactory.create(card=card, plan=made, schedule=before, terms={"apr": "0"})
    factories.AutopayFactory.create(plan=made, card=card, consent=consent)
    with transaction.atomic():
        due_parts.refresh(made, now=time.now)
    return made


def ask(plan: PayPlan, now: datetime, click: uuid.UUID | None = None) -> ConsentLink:
    found = PayPlan.objects.select_related("guarantor", "practice").get(pk=plan.pk)
    consent_links.ask(found, found.guarantor, channel="SMS", click=click or uuid.uuid4(), actor="user:1", now=now)
    return ConsentLink.objects.latest("pk")


def address(link: ConsentLink) -> str:
    return f"/p/{link.practice.slug}/{link_token(link.nonce)}"


def press(link: ConsentLink, shown: str = "") -> Any:
    page = Client().get(address(link)).content.decode()
    [digest] = re.findall(r'name="shown" value="([0-9a-f]+)"', page)
    return Client().post(f"{address(link)}/agree", {"shown": shown or digest})


def test_the_page_shows_what_changed_and_the_words_and_reading_it_changes_nothing(plan: PayPlan, time: Time) -> None:
    link, before = ask(plan, time.now), Event.objects.count()

    page = words(Client().get(address(link)))

    assert "March 10, 2026, $128.60 → March 10, 2026, $150.00" in page
    assert "Yearly interest 0 % → 6.5 %" in page
    assert "No single charge will be more than $150.00." in page
    assert "Annual percentage rate: 6.5 %" in page
    assert (Consent.objects.count(), Event.objects.count()) == (1, before)


def test_one_tap_is_a_consent_from_the_phone_and_lets_the_held_charge_go(plan: PayPlan, time: Time) -> None:
    link = ask(plan, time.now)

    answer = press(link)

    consent = Autopay.objects.get(plan=plan).consent
    assert (answer.status_code, answer["Location"]) == (303, address(link))
    assert (consent.channel, consent.given_by, consent.ip) == ("LINK", f"patient:{link.patient_id}", "127.0.0.1")
    assert (consent.max_charge_cents, consent.given_at) == (150_00, time.now)
    assert consent.disclosure is not None
    assert list(DuePart.objects.due(time.now)) == [DuePart.objects.get(state="OPEN")]
    assert Attempt.objects.count() == 0
    assert [one.kind for one in Message.objects.order_by("pk")] == ["CONSENT_ASKED", "CONSENT_COPY"]
    assert "Thank you. You agreed." in words(Client().get(address(link)))


def test_pressed_twice_it_is_one_consent(plan: PayPlan, time: Time) -> None:
    link = ask(plan, time.now)
    page = Client().get(address(link)).content.decode()
    [digest] = re.findall(r'name="shown" value="([0-9a-f]+)"', page)
    found = consent_links.find(link_token(link.nonce), time.now)
    assert found is not None

    for _ in range(2):
        # As two phones that read the link before either had agreed.
        consent_links.agree(found.link, shown=digest, language="en", ip=None, now=time.now)

    assert Consent.objects.filter(channel="LINK").count() == 1
    assert ConsentLink.objects.get().consent == Autopay.objects.get().consent


def test_words_that_changed_meanwhile_are_shown_anew_and_nothing_is_agreed_to(plan: PayPlan, time: Time) -> None:
    link = ask(plan, time.now)
    page = Client().get(address(link)).content.decode()
    [digest] = re.findall(r'name="shown" value="([0-9a-f]+)"', page)
    Installment.objects.update(principal_cents=175_00)

    answer = press(link, shown=digest)

    assert answer.status_code == 409
    assert "Nothing was agreed to." in words(answer)
    assert "$175.00" in words(answer)
    assert Consent.objects.count() == 1


def test_a_newer_link_ends_the_older_one(plan: PayPlan, time: Time) -> None:
    first, second = ask(plan, time.now), ask(plan, time.now)

    assert Client().get(address(first)).status_code == 410
    assert Client().post(f"{address(first)}/agree", {"shown": "x"}).status_code == 410
    assert Client().get(address(second)).status_code == 200
    assert Consent.objects.count() == 1


def test_a_double_click_of_staff_is_one_link_and_one_message(plan: PayPlan, time: Time) -> None:
    click = uuid.uuid4()
    ask(plan, time.now, click), ask(plan, time.now, click)

    assert (ConsentLink.objects.count(), Message.objects.count()) == (1, 1)


def test_autopay_begins_with_the_saved_card_when_none_was_attached(
    practice: Practice, nudged: list[int], time: Time
) -> None:
    patient = factories.PatientFactory.create(practice=practice, language="spa")
    plan = factories.PayPlanFactory.create(patient=patient)
    factories.InstallmentFactory.create(plan=plan, due_date=date(2026, 4, 10), is_issued=False)
    with pytest.raises(UnableToAsk, match="no saved card"):
        ask(plan, time.now)
    factories.CardFactory.create(patient=patient)
    link = ask(plan, time.now)

    assert "Pagos por venir 10 de abril de 2026" in words(Client().get(address(link)))
    assert press(link).status_code == 303
    assert (Autopay.objects.get().consent.language, Autopay.objects.get().is_on) == ("es", True)
