"""A failed payment is repaired on the phone: with another card or the same one, as agreed to, with a receipt."""

from __future__ import annotations

from typing import Any

from django.test import Client

from cards.models import Autopay, Card, CardSetup, Consent
from core.tokens import link_token
from paylinks import links
from paylinks.models import LinkCharge, PatientLink
from payments import charging
from payments.models import Attempt, DuePart
from payplans.models import Installment
from tests import factories
from tests.paylinks.conftest import Phone, Time, Workers, words
from tests.plugins.money import Ledger
from tests.plugins.stripe import DEBIT, Shop


def test_the_page_says_what_failed_why_and_what_happens_next(phone: Phone) -> None:
    page = phone.get()

    text = words(page)
    assert page.status_code == 200
    assert "Your payment did not go through $128.60" in text
    assert "due March 10, 2026" in text
    assert "Visa 4242 was declined. The bank said there was not enough money available on the card." in text
    assert "Use another card: pay $128.60" in text
    assert "If you do nothing, Visa 4242 is tried again on March 11, 2026." in text
    assert "I allow Maple Grove Dental to charge $128.60 to my card entered on the next page once, now." in text
    whole = page.content.decode()
    assert "Maple Grove Dental" in whole
    assert "(555) 555-0100" in whole
    assert phone.link.spoken_code in whole
    assert len(page.content) < 60_000
    assert "<script" not in whole


def test_reading_the_page_changes_nothing(phone: Phone, ledger: Ledger, shop: Shop) -> None:
    before = len(shop.asked())

    for _ in range(3):
        phone.get()
    Client().head(phone.address)

    ledger.wrote()
    link = PatientLink.objects.get()
    assert (link.opened_at, link.used_at, LinkCharge.objects.count(), CardSetup.objects.count()) == (None, None, 0, 0)
    assert len(shop.asked()) == before


def test_the_consent_kept_is_the_text_that_stood_above_the_button(phone: Phone, workers: Workers) -> None:
    shown = words(phone.get())
    phone.come_back(phone.enter_card(phone.press_another_card(), DEBIT))
    workers.work()

    consent = Consent.objects.get(kind=Consent.Kind.ONE_CHARGE)
    assert consent.text in shown
    assert (consent.max_charge_cents, consent.card_last4, consent.channel) == (12860, "5556", "LINK")
    assert (consent.given_by, consent.ip, consent.language) == (f"patient:{phone.link.patient_id}", "127.0.0.1", "en")
    assert Autopay.objects.get().card.last4 == "4242"


def test_no_token_is_stored_or_told_to_the_processor(phone: Phone, shop: Shop) -> None:
    phone.press_another_card()

    token = link_token(phone.link.nonce)
    assert token not in CardSetup.objects.get().return_path
    assert token not in str(shop.look("requests"))
    assert PatientLink.objects.get().token_hash != token


def test_the_same_card_is_tried_again_when_the_patient_says_so(phone: Phone, workers: Workers, shop: Shop) -> None:
    assert "Charge $128.60 to Visa 4242 now" in words(phone.get())

    answer = phone.post("/again", amount=phone.cents)
    workers.work()

    assert "Paid. Thank you!" in words(phone.client.get(answer["Location"]))
    assert shop.taken() == [12860]
    assert Consent.objects.get(kind="ONE_CHARGE").text.startswith(
        "I allow Maple Grove Dental to charge $128.60 to my card Visa 4242 once"
    )


def test_a_decline_shows_the_new_reason_and_reloading_does_not_try_again(
    phone: Phone, workers: Workers, shop: Shop
) -> None:
    page = None
    shop.behave(Card.objects.get(last4="4242"), "decline:insufficient_funds")
    answer = phone.post("/again", amount=phone.cents)
    workers.work()

    for _ in range(3):
        page = phone.client.get(answer["Location"])
        workers.work()

    assert page is not None
    assert "Visa 4242 was declined" in words(page)
    assert Attempt.objects.filter(state="DECLINED").count() == 2
    assert shop.taken() == []
    assert DuePart.objects.get().state == "OPEN"


def test_a_card_that_is_never_to_be_tried_again_is_not_offered_again(
    part: DuePart, shop: Shop, nudged: list[int], workers: Workers, time: Time
) -> None:
    card = Autopay.objects.get().card
    shop.behave(card, "decline:stolen_card")
    charging.collect(part.pk, channel=Attempt.Channel.AUTOPAY, actor="autopay", now=time.now)
    nonce = links.open_fix_link(due_part=part, now=time.now)
    link = PatientLink.objects.select_related("practice", "due_part").get(nonce=nonce)
    phone = Phone(link, shop, workers)

    text = words(phone.get())
    phone.post("/again", amount=phone.cents)
    workers.work()

    assert "Try Visa 4242 again" not in text
    assert "If you do nothing, no card is charged" in text
    assert "stolen" not in text.lower()
    assert Attempt.objects.count() == 1


def later_installment() -> None:
    plan = Installment.objects.get().plan
    factories.InstallmentFactory.create(plan=plan, due_date="2026-04-10", is_issued=False)


def pay_with_new_card(phone: Phone, workers: Workers) -> Any:
    page = phone.come_back(phone.enter_card(phone.press_another_card(), DEBIT))
    workers.work()
    return phone.client.get(page.wsgi_request.get_full_path())


def test_the_new_card_pays_the_plan_only_when_the_box_is_ticked(phone: Phone, workers: Workers) -> None:
    later_installment()
    receipt = pay_with_new_card(phone, workers)
    offer = receipt.context["offer"]
    assert "Use Visa 5556 for your next payments?" in words(receipt)
    assert Autopay.objects.get().card.last4 == "4242"

    unticked = phone.post("/autopay", text=offer.text)
    assert (unticked.status_code, Autopay.objects.get().card.last4) == (422, "4242")
    assert "Tick the box if you agree." in words(unticked)
    ticked = phone.post("/autopay", text=offer.text, agree="yes")

    assert "Visa 5556 pays your plan from now on." in words(ticked)
    autopay = Autopay.objects.select_related("card", "consent").get()
    assert (autopay.card.last4, autopay.consent.text, autopay.consent.channel) == ("5556", offer.text, "LINK")
    assert autopay.consent.given_by == f"patient:{phone.link.patient_id}"
    assert words(phone.get()).count("for your next payments?") == 0


def test_words_that_were_not_shown_are_not_agreed_to(phone: Phone, workers: Workers) -> None:
    later_installment()
    pay_with_new_card(phone, workers)

    answer = phone.post("/autopay", text="I agree to anything.", agree="yes")

    assert (answer.status_code, Autopay.objects.get().card.last4) == (303, "4242")
    assert Consent.objects.filter(kind="AUTOPAY", channel="LINK").count() == 0
