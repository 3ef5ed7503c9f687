"""The + on a plan: card, consent text, maximum, witness, overdue apart. And stopping autopay."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from cards.models import Autopay, Consent
from notifications.models import Message
from payments import due_parts, upward
from payments.models import DuePart
from payplans.models import PayPlan
from practices.models import Event, Practice, User
from tests import factories
from tests.plugins.money import Ledger
from tests.staff import making
from tests.staff.conftest import DRAWER
from tests.staff.test_plans_tab import text

pytestmark = pytest.mark.usefixtures("nudged")


@pytest.fixture
def plan(practice: Practice) -> Any:
    """A plan of Ana's with an overdue and a coming payment of $128.60, two saved cards, no autopay."""
    ana = making.patient(practice, pat_num=72)
    plan = factories.PayPlanFactory.create(patient=ana, pay_plan_num=171)
    factories.CardFactory.create(patient=ana)
    factories.CardFactory.create(patient=ana, brand="mastercard", last4="4444", is_primary=False)
    for due in (date(2026, 3, 2), date(2026, 4, 2)):
        factories.DuePartFactory.create(
            installment=factories.InstallmentFactory.create(plan=plan, due_date=due), next_try_at=None
        )
    return plan


Fill = Callable[..., dict[str, str]]


def filled(client: Client, plan: Any, **changes: str) -> dict[str, str]:
    """The form as the browser sends it when it is opened, agreed to, and changed as given."""
    page = client.get(f"/plans/{plan.pk}/autopay/").content.decode()
    card = re.findall(r'name="card" value="(\d+)"[^>]*checked', page)
    shown = re.findall(r'name="shown" value="([0-9a-f]+)"', page)
    form = {"card": card[0], "maximum": "128.60", "language": "en", "shown": shown[0], "agreed": "on"}
    return {name: value for name, value in {**form, **changes}.items() if value}


def test_the_drawer_shows_cards_the_text_and_what_is_overdue_apart(desk: Client, plan: Any) -> None:
    page = desk.get(f"/plans/{plan.pk}/autopay/", headers=DRAWER).content.decode()

    assert "Visa 4242 · expires 10/30 · primary" in page
    assert "Mastercard 4444 · expires 10/30" in page
    assert "I allow Maple Grove Dental to charge my card Visa 4242" in page
    assert "No single charge will be more than $128.60." in page
    assert 'Also charge <span class="money">$128.60</span> overdue now' in page
    assert 'name="charge_overdue"' in page
    assert 'name="agreed"' in page


def test_agreeing_turns_autopay_on_with_a_full_consent_record(desk: Client, plan: Any, now: datetime) -> None:
    answer = desk.post(f"/plans/{plan.pk}/autopay/", filled(desk, plan))

    assert answer["Location"] == f"/communication/{plan.patient_id}/plans/#plan-{plan.pk}"
    autopay, consent, witness = Autopay.objects.get(), Consent.objects.get(), User.objects.get()
    assert (autopay.plan, str(autopay.card), autopay.is_on, autopay.consent) == (plan, "Visa 4242", True, consent)
    assert (consent.kind, consent.channel, consent.given_by) == ("AUTOPAY", "STAFF", f"user:{witness.pk}")
    assert (consent.max_charge_cents, consent.card_last4, consent.given_at) == (128_60, "4242", now)
    assert consent.ip == "127.0.0.1"
    assert "No single charge will be more than $128.60." in consent.text
    assert "on its due dates: one payment, on 04/02/2026." in consent.text
    coming = plan.installments.get(due_date=date(2026, 4, 2))
    assert consent.schedule == [{"installment": coming.pk, "due_date": "2026-04-02", "amount_cents": 128_60}]
    assert (consent.terms, consent.disclosure) == ({"apr": "0"}, None)
    assert [message.kind for message in Message.objects.all()] == ["CONSENT_COPY"]
    late = DuePart.objects.get(installment__due_date=date(2026, 3, 2))
    assert late.hold == DuePart.Hold.ARREARS


def test_what_is_overdue_is_charged_only_with_a_consent_of_its_own(desk: Client, plan: Any, now: datetime) -> None:
    late = DuePart.objects.get(installment__due_date=date(2026, 3, 2))

    desk.post(f"/plans/{plan.pk}/autopay/", filled(desk, plan, charge_overdue="on"))

    consent = Consent.objects.get(kind=Consent.Kind.ONE_CHARGE)
    assert consent.text == (
        "I allow Maple Grove Dental to charge what is overdue on my payment plan, $128.60 in all, to my card Visa 4242 "
        "now. If a charge is declined, Maple Grove Dental may try it again on later days until it is paid."
    )
    assert consent.schedule == [{"installment": late.installment_id, "due_date": "2026-03-02", "amount_cents": 128_60}]
    assert (consent.max_charge_cents, consent.channel) == (128_60, Consent.Channel.STAFF)
    assert [part.pk for part in DuePart.objects.due(now)] == [late.pk]


def test_what_waits_for_staff_is_not_offered_to_be_charged(desk: Client, plan: Any) -> None:
    DuePart.objects.filter(installment__due_date=date(2026, 3, 2)).update(hold=DuePart.Hold.STAFF)

    page = desk.get(f"/plans/{plan.pk}/autopay/").content.decode()

    assert 'name="charge_overdue"' not in page


def test_the_agreed_overdue_stays_agreed_when_the_plan_is_read_again(desk: Client, plan: Any, now: datetime) -> None:
    desk.post(f"/plans/{plan.pk}/autopay/", filled(desk, plan, charge_overdue="on"))

    with transaction.atomic():
        due_parts.refresh(PayPlan.objects.get(pk=plan.pk), now=now)

    late = DuePart.objects.get(installment__due_date=date(2026, 3, 2))
    assert (late.hold, [part.pk for part in DuePart.objects.due(now)]) == ("", [late.pk])


def test_without_consent_nothing_happens(desk: Client, plan: Any, ledger: Ledger) -> None:
    answer = desk.post(f"/plans/{plan.pk}/autopay/", filled(desk, plan, agreed="", charge_overdue="on"))

    assert answer.status_code == 422
    assert "Without it autopay can&#x27;t be turned on." in answer.content.decode()
    assert Autopay.objects.count() == Consent.objects.count() == 0
    ledger.wrote()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"maximum": "128.59"}, "It must cover the largest payment, $128.60."),
        ({"maximum": "-5"}, "greater than or equal to 0.50"),
        ({"maximum": "1e9"}, "no more than 9 digits"),
        ({"maximum": "a lot"}, "Enter a number."),
        ({"maximum": "NaN"}, "Enter a number."),
        ({"card": "999999"}, "That card can&#x27;t be used any more."),
        ({"card": ""}, "Choose a card."),
        ({"language": "fr"}, "Select a valid choice."),
        ({"shown": "0" * 32}, "The text changed while this page was open."),
    ],
)
def test_a_wrong_answer_is_named_and_changes_nothing(
    desk: Client, plan: Any, ledger: Ledger, changes: dict[str, str], words: str
) -> None:
    answer = desk.post(f"/plans/{plan.pk}/autopay/", filled(desk, plan, **changes))

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert Autopay.objects.count() == 0
    ledger.wrote()


def test_the_text_follows_the_chosen_card_language_and_maximum(desk: Client, plan: Any) -> None:
    other = plan.guarantor.cards.get(last4="4444")
    query = {"card": other.pk, "maximum": "200", "language": "es"}

    page = desk.get(f"/plans/{plan.pk}/autopay/text/", query).content.decode()

    assert "Autorizo a Maple Grove Dental a cobrar a mi tarjeta Mastercard 4444" in page
    assert "$200.00" in page


@pytest.mark.parametrize("query", [{}, {"card": "x", "maximum": "y"}, {"card": "1", "maximum": "-3", "language": "zz"}])
def test_an_unfinished_choice_has_no_text_yet(desk: Client, plan: Any, query: dict[str, str]) -> None:
    assert "the text appears here" in desk.get(f"/plans/{plan.pk}/autopay/text/", query).content.decode()


def test_a_plan_that_open_dental_cannot_post_to_says_so_and_refuses(
    desk: Client, plan: Any, monkeypatch: pytest.MonkeyPatch, ledger: Ledger
) -> None:
    form = filled(desk, plan)
    monkeypatch.setattr(upward.handlers, "autopay_refusal", lambda _plan: "This office does not enforce splits.")

    page = desk.get(f"/plans/{plan.pk}/autopay/").content.decode()
    answer = desk.post(f"/plans/{plan.pk}/autopay/", form)

    assert "This office does not enforce splits." in page
    assert "Switch autopay on" not in page
    assert answer.status_code == 422
    assert Autopay.objects.count() == 0
    ledger.wrote()


def test_without_a_card_the_first_step_is_to_save_one(desk: Client, practice: Practice) -> None:
    plan = factories.PayPlanFactory.create(patient=making.patient(practice))

    page = desk.get(f"/plans/{plan.pk}/autopay/").content.decode()

    assert "No card saved yet" in page
    assert f'action="/communication/{plan.guarantor_id}/cards/save/"' in page
    assert f'name="back" value="/plans/{plan.pk}/autopay/"' in page


def test_a_card_of_somebody_else_is_not_offered(desk: Client, plan: Any, practice: Practice) -> None:
    stranger = factories.CardFactory.create(patient=making.patient(practice, pat_num=5), last4="1881")

    answer = desk.post(f"/plans/{plan.pk}/autopay/", filled(desk, plan, card=str(stranger.pk)))

    assert answer.status_code == 422
    assert "1881" not in desk.get(f"/plans/{plan.pk}/autopay/").content.decode()
    assert Autopay.objects.count() == 0


def test_changing_the_card_keeps_autopay_on_and_revokes_the_old_consent(desk: Client, plan: Any) -> None:
    desk.post(f"/plans/{plan.pk}/autopay/", filled(desk, plan))
    other = plan.guarantor.cards.get(last4="4444")
    text = desk.get(f"/plans/{plan.pk}/autopay/text/", {"card": other.pk, "maximum": "128.60", "language": "en"})
    shown = re.findall(r'name="shown" value="([0-9a-f]+)"', text.content.decode())[0]

    desk.post(f"/plans/{plan.pk}/autopay/", filled(desk, plan, card=str(other.pk), shown=shown))

    assert str(Autopay.objects.get().card) == "Mastercard 4444"
    assert [consent.revoked_at is None for consent in Consent.objects.order_by("pk")] == [False, True]


def test_a_drawer_that_changed_its_own_page_reloads_it(desk: Client, plan: Any) -> None:
    here = {**DRAWER, "HX-Current-URL": f"http://testserver/communication/{plan.patient_id}/plans/"}
    elsewhere = {**DRAWER, "HX-Current-URL": "http://testserver/plans/"}

    first = desk.post(f"/plans/{plan.pk}/autopay/", filled(desk, plan), headers=here)
    second = desk.post(f"/plans/{plan.pk}/autopay/", filled(desk, plan), headers=elsewhere)

    assert first["HX-Refresh"] == "true"
    assert second["HX-Redirect"] == f"/communication/{plan.patient_id}/plans/#plan-{plan.pk}"


# Stopping.


def test_stopping_revokes_the_consent_at_once(desk: Client, practice: Practice, now: datetime) -> None:
    scene = making.scene(practice)

    desk.post(f"/plans/{scene.plan.pk}/autopay/stop/", {"reason": "asked by phone"})

    autopay = Autopay.objects.select_related("consent").get()
    assert (autopay.is_on, autopay.stopped_at, autopay.stopped_reason) == (False, now, "asked by phone")
    assert (autopay.consent.revoked_at, autopay.consent.revoked_by) == (now, f"user:{User.objects.get().pk}")
    assert Event.objects.filter(kind="autopay_off").count() == 1
    page = desk.get(f"/communication/{scene.patient.pk}/plans/").content.decode()
    assert "No card attached" in page


def test_stopping_needs_a_reason(desk: Client, practice: Practice) -> None:
    scene = making.scene(practice)

    answer = desk.post(f"/plans/{scene.plan.pk}/autopay/stop/", {"reason": " "})

    assert answer.status_code == 422
    assert Autopay.objects.get().is_on


def test_stopping_twice_says_it_was_off(desk: Client, practice: Practice) -> None:
    scene = making.scene(practice)
    desk.post(f"/plans/{scene.plan.pk}/autopay/stop/", {"reason": "asked"})

    answer = desk.post(f"/plans/{scene.plan.pk}/autopay/stop/", {"reason": "asked"}, follow=True)

    assert "Autopay was already off." in answer.content.decode()
    assert Event.objects.filter(kind="autopay_off").count() == 1


def test_the_confirm_says_what_stopping_does(desk: Client, practice: Practice) -> None:
    scene = making.scene(practice)

    page = desk.get(f"/plans/{scene.plan.pk}/autopay/stop/", headers=DRAWER).content.decode()

    assert "Visa 4242 is not charged for this plan any more, from this moment on." in page
    assert "Stop autopay now" in page


# The record.


def test_the_record_shows_word_for_word_what_was_agreed(desk: Client, plan: Any) -> None:
    desk.post(f"/plans/{plan.pk}/autopay/", filled(desk, plan))
    consent = Consent.objects.get()

    page = text(desk.get(f"/consents/{consent.pk}/", headers=DRAWER).content.decode())

    assert consent.text in page
    assert "Witnessed by staff, Dana Desk · from 127.0.0.1" in page
    assert "Most per charge $128.60" in page
    assert "Thu, Apr 2 $128.60" in page
    assert "Mon, Mar 2" not in page
    assert "Stands" in page


def test_a_revoked_record_says_when_and_by_whom(desk: Client, practice: Practice) -> None:
    scene = making.scene(practice)
    desk.post(f"/plans/{scene.plan.pk}/autopay/stop/", {"reason": "asked by phone"})

    page = text(desk.get(f"/consents/{scene.consent.pk}/").content.decode())

    assert "Revoked just now, Dana Desk" in page


def test_a_plan_looks_for_news_while_its_money_is_in_flight(desk: Client, practice: Practice) -> None:
    scene = making.scene(practice)
    part = f"/plans/{scene.plan.pk}/card/?poll="
    assert part not in desk.get(f"/communication/{scene.patient.pk}/plans/").content.decode()

    making.attempt(scene.part, "PENDING")

    assert f'hx-get="{part}1"' in desk.get(f"/communication/{scene.patient.pk}/plans/").content.decode()
    assert f'hx-get="{part}8"' in desk.get(f"{part}7").content.decode()
    assert part not in desk.get(f"{part}60").content.decode()


def test_after_an_overdue_charge_was_asked_for_the_plan_is_watched_for_a_while(desk: Client, plan: Any) -> None:
    answer = desk.post(f"/plans/{plan.pk}/autopay/", filled(desk, plan, charge_overdue="on"))
    part = f"/plans/{plan.pk}/card/?poll="

    assert answer["Location"] == f"/communication/{plan.patient_id}/plans/?watch=1#plan-{plan.pk}"
    assert f'hx-get="{part}1"' in desk.get(answer["Location"]).content.decode()
    assert f'hx-get="{part}2"' in desk.get(f"{part}1").content.decode()
    assert part not in desk.get(f"{part}5").content.decode()
