"""My plan on the phone: what is shown, the card, the backup card, stopping, receipts, the quote; bad input."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from cards.models import Autopay, Card, Consent
from notifications.models import Message
from paylinks import plan_links
from paylinks.models import PlanLink
from payments import attaching, backup_cards, charging, due_parts, upward
from payments.models import Alarm, Attempt, DuePart, Payment, PlanChange
from payments.upward import PayOff
from payplans.models import PayPlan
from practices.models import Practice
from tests import factories
from tests.paylinks.conftest import DAY, Phone, Time, words
from tests.plugins.money import Ledger
from tests.plugins.stripe import MASTERCARD, Shop


@pytest.fixture
def mine(failed: DuePart, time: Time, monkeypatch: pytest.MonkeyPatch) -> PlanLink:
    """A plan with a failed payment of $128.60 and one to come on April 10."""
    plan = PayPlan.objects.get()
    factories.InstallmentFactory.create(plan=plan, due_date=datetime(2026, 4, 10).date(), is_issued=False)
    with transaction.atomic():
        due_parts.refresh(plan, now=time.now)
    quote = PayOff(257_20, 3_10, time.now)
    monkeypatch.setattr(upward.handlers, "pay_off", lambda _plan, _now: quote)
    return plan_links.open_link(plan, now=time.now)


def at(link: PlanLink, path: str = "") -> str:
    return f"{plan_links.address(link)}{path}"


def look(link: PlanLink, path: str = "") -> str:
    return words(Client().get(at(link, path)))


def press(link: PlanLink, path: str, **form: Any) -> Any:
    return Client().post(at(link, f"/plan/{path}"), form)


def text_of(link: PlanLink, card: Card, path: str) -> str:
    """The words that stand above the button for this card."""
    page = Client().get(at(link)).content.decode()
    form = page.split(f"/plan/{path}", 1)[1].split(f'name="card" value="{card.pk}"', 1)[1]
    return form.split('name="text" value="', 1)[1].split('"', 1)[0].replace("&#x27;", "'")


def second_card(plan: PayPlan, **more: Any) -> Card:
    card: Card = factories.CardFactory.create(patient=plan.guarantor, last4="1881", is_primary=False, **more)
    return card


def test_the_page_shows_schedule_next_charge_consent_and_quote_and_changes_nothing(
    mine: PlanLink, ledger: Ledger
) -> None:
    text = look(mine)

    assert "My plan $128.60 Next payment: March 11, 2026, Visa 4242" in text
    assert "The payment of $128.60 due March 10, 2026 did not go through." in text
    assert "$0.00 paid $257.20 left" in text
    assert "March 10, 2026 Not paid $128.60 April 10, 2026 To come $128.60" in text
    assert Consent.objects.get().text in text
    assert "$257.20 pays the plan off, as of March 11, 2026. You save $3.10 of interest." in text
    ledger.wrote()
    assert PlanLink.objects.get().opened_at is None


def test_it_is_reached_from_the_failed_payment_and_leads_back_to_it(mine: PlanLink, phone: Phone) -> None:
    assert phone.post("/plan")["Location"] == at(mine)
    assert press(mine, "repair")["Location"] == phone.address


def test_payments_receipts_and_years_stand_there_less_what_went_back(mine: PlanLink, shop: Shop, time: Time) -> None:
    part = DuePart.objects.filter(state="OPEN").order_by("pk")[0]
    charging.collect(part.pk, channel="PAY_NOW", actor="user:1", now=time.now, card_id=Autopay.objects.get().card_id)

    text = look(mine)
    assert "$128.60 paid $128.60 left" in text
    assert "Paid in 2026 $128.60" in text
    answer = press(mine, "receipt", payment=Payment.objects.get().pk)
    assert "Your birth date" in words(Client().get(answer["Location"])), "services are behind the birth date"
    assert press(mine, "receipt", payment=10**9)["Location"] == at(mine)


def test_another_saved_card_pays_the_plan_under_the_words_that_were_read_and_once(mine: PlanLink) -> None:
    card = second_card(mine.plan)
    text = text_of(mine, card, "use")
    assert press(mine, "use", card=card.pk, text="other words").status_code == 409
    assert Autopay.objects.get().card.last4 == "4242"

    for _ in range(2):
        answer = press(mine, "use", card=card.pk, text=text)

    assert answer.status_code == 303
    autopay = Autopay.objects.select_related("consent").get()
    assert (autopay.card_id, autopay.consent.text, autopay.consent.channel) == (card.pk, text, "LINK")
    assert Consent.objects.filter(kind="AUTOPAY").count() == 2
    assert "Visa 1881 pays your plan from now on." in look(mine, "?did=card")


def test_a_new_card_is_entered_and_asked_about_before_anything_changes(
    mine: PlanLink, shop: Shop, phone: Phone
) -> None:
    hosted = str(press(mine, "new-card")["Location"])
    answer = phone.client.get(phone.enter_card(hosted, MASTERCARD))

    asked = words(phone.client.get(answer["Location"]))
    assert "Mastercard 4444 is saved. Shall it pay your plan?" in asked
    assert Autopay.objects.get().card.last4 == "4242"
    assert Client().get(f"/p/{mine.practice.slug}/plan/back?setup=nonsense").status_code == 404


def test_stopping_is_asked_once_more_and_then_nothing_is_charged(mine: PlanLink, time: Time) -> None:
    assert "Stop automatic payments?" in look(mine, "/plan/stop")
    assert "Stop automatic payments?" in words(press(mine, "stop"))
    assert Autopay.objects.get().is_on

    for _ in range(2):
        press(mine, "stop", sure="yes")

    autopay = Autopay.objects.select_related("consent").get()
    assert (autopay.is_on, autopay.consent.revoked_by) == (False, f"patient:{mine.patient_id}")
    assert "Automatic payments are off since March 11, 2026." in look(mine)
    assert list(DuePart.objects.due(time.now + 40 * DAY)) == []


def test_a_declined_payment_goes_over_to_the_backup_card_the_next_day(mine: PlanLink, shop: Shop, time: Time) -> None:
    spare = second_card(mine.plan)
    text = text_of(mine, spare, "backup")
    assert press(mine, "backup", card=spare.pk, text="other words").status_code == 409
    for _ in range(2):
        press(mine, "backup", card=spare.pk, text=text)
    assert PlanChange.objects.filter(kind="BACKUP", ended_at=None).count() == 1
    assert "Backup card: Visa 1881" in look(mine)
    assert Message.objects.get(kind="CONSENT_COPY").values["Consent Text"] == text

    shop.behave(Autopay.objects.get().card, "decline:stolen_card")
    part = DuePart.objects.filter(state="OPEN").order_by("pk")[0]
    part.plan_next_try(time.now)
    charging.collect(part.pk, channel="AUTOPAY", actor="autopay", now=time.now)

    part.refresh_from_db()
    own = PlanChange.objects.get(kind="CARD")
    assert (own.card_id, own.actor, own.consent_id) == (
        spare.pk,
        "autopay",
        PlanChange.objects.get(kind="BACKUP").consent_id,
    )
    assert (part.hold, str(part.next_try_at)) == ("", "2026-03-12 14:00:00+00:00")
    assert Card.objects.get(last4="4242").never_again
    press(mine, "backup")
    part.refresh_from_db()
    assert PlanChange.objects.filter(ended_at=None).count() == 0
    assert part.hold == "NEW_CARD", "taken off, it pays nothing any more"


def test_a_backup_card_takes_nothing_over_where_staff_must_look_or_it_is_too_much(
    mine: PlanLink, shop: Shop, time: Time
) -> None:
    spare = second_card(mine.plan)
    press(mine, "backup", card=spare.pk, text=text_of(mine, spare, "backup"))
    Consent.objects.filter(card=spare).update(max_charge_cents=1_00)
    shop.behave(Autopay.objects.get().card, "decline:insufficient_funds")
    part = DuePart.objects.filter(state="OPEN").order_by("pk")[0]
    part.plan_next_try(time.now)

    charging.collect(part.pk, channel="AUTOPAY", actor="autopay", now=time.now)

    assert not PlanChange.objects.filter(kind="CARD").exists()


def test_the_plans_own_card_or_a_strangers_is_no_backup(mine: PlanLink, practice: Practice) -> None:
    own, stranger = Autopay.objects.get().card, factories.CardFactory.create(patient__practice=practice)
    on = Autopay.objects.select_related("consent").get()
    for card in (own, stranger):
        press(mine, "backup", card=card.pk, text=backup_cards.text(mine.plan, card, on, "en"))
        press(mine, "use", card=stranger.pk, text="x")

    assert not PlanChange.objects.exists()
    assert Autopay.objects.get().card_id == own.pk


def test_a_new_card_of_the_plan_ends_its_backup(mine: PlanLink) -> None:
    spare = second_card(mine.plan)
    press(mine, "backup", card=spare.pk, text=text_of(mine, spare, "backup"))
    third = second_card(mine.plan)

    press(mine, "use", card=third.pk, text=text_of(mine, third, "use"))

    assert not PlanChange.objects.filter(kind="BACKUP", ended_at=None).exists()


def test_paying_off_is_work_for_the_desk_with_the_quote_that_was_shown(mine: PlanLink, ledger: Ledger) -> None:
    assert press(mine, "pay-off", cents="1").status_code == 409
    for _ in range(2):
        press(mine, "pay-off", cents="25720")

    ledger.wrote(alarms=1, events=1)
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.about["plan"]) == ("PAYOFF_WANTED", mine.plan_id)
    assert "$257.20 as shown" in alarm.text
    assert "Your dentist has your wish." in look(mine)
    assert Autopay.objects.get().is_on


def test_an_expired_or_revoked_link_or_one_of_another_payer_shows_nothing(mine: PlanLink, time: Time) -> None:
    before = time.now
    for change in (
        {"revoked_at": before},
        {"expires_at": before},
        {"patient": factories.PatientFactory.create(practice=mine.practice)},
    ):
        PlanLink.objects.update(**change)
        answers = [Client().get(at(mine)), press(mine, "stop", sure="yes")]
        assert [one.status_code for one in answers] == [410, 410]
        assert "4242" not in answers[0].content.decode()
        PlanLink.objects.update(revoked_at=None, expires_at=before + DAY, patient=mine.patient)
    assert Autopay.objects.get().is_on
    PayPlan.objects.update(is_closed=True)
    assert "This plan is closed. Nothing is charged any more." in look(mine)
    assert press(mine, "new-card")["Location"] == at(mine)
    assert Attempt.objects.count() == 1
    assert attaching.detach(mine.plan, actor="user:1", reason="closed", now=before)
