"""Communication → patient → Cards: saving on the hosted page, the primary card, removing."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client

from cards.models import Autopay, Card, CardSetup
from patients.models import Patient
from practices.models import Event, Practice
from tests import factories
from tests.plugins.stripe import Shop
from tests.staff import making
from tests.staff.conftest import DRAWER
from tests.staff.test_plans_tab import text


@pytest.fixture
def ana(practice: Practice) -> Patient:
    return making.patient(practice, pat_num=72)


def tab(ana: Patient) -> str:
    return f"/communication/{ana.pk}/cards/"


def test_cards_show_state_expiry_and_what_they_pay(desk: Client, practice: Practice) -> None:
    scene = making.scene(practice)
    factories.CardFactory.create(patient=scene.patient, last4="4444", is_primary=False, exp_year=2026, exp_month=3)
    factories.CardFactory.create(patient=scene.patient, last4="0069", is_primary=False, exp_year=2025)
    factories.CardFactory.create(
        patient=scene.patient, last4="0002", is_primary=False, state="BLOCKED", state_reason="Reported lost"
    )
    factories.CardFactory.create(patient=scene.patient, last4="9999", is_primary=False, state="REMOVED")

    page = text(desk.get(tab(scene.patient)).content.decode())

    assert "Visa •• 4242 credit Primary card 10/2030 plan 169, up to $128.60" in page
    assert "Visa •• 4444 credit Saved 03/2026 Soon no plan" in page
    assert "Visa •• 0069 credit Expired" in page
    assert "Visa •• 0002 credit Needs replacement Reported lost" in page
    assert "9999" not in page


def test_without_cards_the_page_teaches_and_offers_to_save_one(desk: Client, ana: Patient) -> None:
    page = desk.get(tab(ana)).content.decode()

    assert "No card saved" in page
    assert f'action="/communication/{ana.pk}/cards/save/"' in page


def test_an_auditor_is_offered_nothing(auditor: Client, practice: Practice) -> None:
    scene = making.scene(practice)

    page = auditor.get(tab(scene.patient)).content.decode()

    assert "Save Card" not in page
    assert ">Remove<" not in page


def test_saving_a_card_goes_to_the_hosted_page_and_comes_back_with_it(desk: Client, ana: Patient, shop: Shop) -> None:
    answer = desk.post(f"/communication/{ana.pk}/cards/save/", {"back": "/plans/7/autopay/"})
    assert answer.status_code == 302
    assert answer["Location"].startswith(shop.process.url)
    back = typed(shop, answer["Location"])

    returned = desk.get(back)
    again = desk.get(back)

    card = Card.objects.get()
    assert returned["Location"] == again["Location"] == "/plans/7/autopay/"
    assert (str(card), card.is_primary, card.patient) == ("Visa 4242", True, ana)
    assert CardSetup.objects.get().state == "SAVED"
    assert Event.objects.filter(kind="card_saved").count() == 1


def test_somebody_who_turns_back_has_no_card_and_no_complaint(desk: Client, ana: Patient, shop: Shop) -> None:
    desk.post(f"/communication/{ana.pk}/cards/save/")
    setup = CardSetup.objects.get()

    answer = desk.get(f"/communication/{ana.pk}/cards/saved/?setup={setup.uuid}&canceled=1")

    assert answer["Location"] == tab(ana)
    assert Card.objects.count() == 0
    page = desk.get(tab(ana)).content.decode()
    assert page[page.index('id="toasts"') :].partition("<template")[0].count('class="toast"') == 0


def test_coming_back_too_early_says_that_the_card_appears_by_itself(desk: Client, ana: Patient, shop: Shop) -> None:
    desk.post(f"/communication/{ana.pk}/cards/save/")
    setup = CardSetup.objects.get()

    page = desk.get(f"/communication/{ana.pk}/cards/saved/?setup={setup.uuid}", follow=True).content.decode()

    assert "A saved card appears by itself." in page


@pytest.mark.parametrize("back", ["https://evil.example.com/", "//evil.example.com", "javascript:x", "plans/"])
def test_the_way_back_never_leads_elsewhere(desk: Client, ana: Patient, shop: Shop, back: str) -> None:
    desk.post(f"/communication/{ana.pk}/cards/save/", {"back": back})
    setup = CardSetup.objects.get()

    answer = desk.get(f"/communication/{ana.pk}/cards/saved/", {"setup": str(setup.uuid), "back": back})

    assert answer["Location"] == tab(ana)


def test_without_a_processor_nothing_is_saved_and_it_is_said(desk: Client, ana: Patient) -> None:
    page = desk.post(f"/communication/{ana.pk}/cards/save/", follow=True).content.decode()

    assert "The card page can&#x27;t be opened now" in page
    assert CardSetup.objects.count() == 0


@pytest.mark.parametrize("setup", ["", "x", "00000000-0000-4000-8000-000000000000"])
def test_a_mistyped_return_is_not_found(desk: Client, ana: Patient, setup: str) -> None:
    assert desk.get(f"/communication/{ana.pk}/cards/saved/?setup={setup}").status_code == 404


def test_another_patient_s_visit_is_not_taken_over(desk: Client, ana: Patient, practice: Practice, shop: Shop) -> None:
    other = making.patient(practice, pat_num=5)
    desk.post(f"/communication/{other.pk}/cards/save/")

    assert desk.get(f"/communication/{ana.pk}/cards/saved/?setup={CardSetup.objects.get().uuid}").status_code == 404


def test_another_card_becomes_the_primary_one(desk: Client, ana: Patient) -> None:
    first = factories.CardFactory.create(patient=ana)
    second = factories.CardFactory.create(patient=ana, last4="4444", is_primary=False)

    page = desk.post(f"/cards/{second.pk}/primary/", follow=True).content.decode()

    assert "Visa 4444 is the primary card." in page
    assert list(Card.objects.filter(is_primary=True)) == [second]
    assert first.pk != second.pk


def test_a_card_that_needs_replacement_cannot_become_primary(desk: Client, ana: Patient) -> None:
    blocked = factories.CardFactory.create(patient=ana, state="BLOCKED", is_primary=False)

    assert desk.post(f"/cards/{blocked.pk}/primary/").status_code == 404
    assert Card.objects.filter(is_primary=True).count() == 0


def test_removing_says_first_which_autopay_it_stops(desk: Client, practice: Practice) -> None:
    scene = making.scene(practice)

    page = text(desk.get(f"/cards/{scene.card.pk}/remove/", headers=DRAWER).content.decode())

    assert "Autopay stops for 1 plan: plan 169 of Ana Sample-Ortiz." in page
    assert Card.objects.get().state == "ACTIVE"


def test_removing_stops_autopay_and_forgets_the_card_at_the_processor(
    desk: Client, practice: Practice, shop: Shop, nudged: list[int]
) -> None:
    ana = making.patient(practice, pat_num=72)
    card = shop.card(ana)
    plan = factories.PayPlanFactory.create(patient=ana)
    factories.AutopayFactory.create(plan=plan, card=card)

    answer = desk.post(f"/cards/{card.pk}/remove/", follow=True)

    card.refresh_from_db()
    assert (card.state, card.is_primary) == ("REMOVED", False)
    assert not Autopay.objects.get().is_on
    assert "Visa 4242 is removed." in answer.content.decode()
    assert shop.asked("/v1/payment_methods/*")[-1].endswith("/detach 200")


def test_an_unreachable_processor_does_not_keep_the_card_chargeable(desk: Client, ana: Patient) -> None:
    card = factories.CardFactory.create(patient=ana)

    page = desk.post(f"/cards/{card.pk}/remove/", follow=True).content.decode()

    assert Card.objects.get().state == "REMOVED"
    assert "is removed here and never charged again." in page


def test_a_card_of_the_last_month_is_not_expired_yet(desk: Client, ana: Patient) -> None:
    factories.CardFactory.create(patient=ana, exp_year=2026, exp_month=3)

    assert "Expired" not in desk.get(tab(ana)).content.decode()
    assert Card.objects.get().expires_before(date(2026, 4, 1))


def typed(shop: Shop, hosted: str, number: str = "4242424242424242") -> str:
    """Type a card on the hosted page; the path it sends the browser back to."""
    form: dict[str, Any] = {"number": number, "expiry": "12 / 34", "code": "123", "name": "Ana", "zip_code": "10001"}
    answer = shop.process.http.post(hosted, data=form, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"]).removeprefix("http://testserver")
