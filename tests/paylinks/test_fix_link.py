"""A failed payment is repaired on the phone: once, with what was agreed to, whatever is pressed, lost or repeated."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test import Client
from kombu.exceptions import OperationalError

from cards.models import Autopay, Card, CardSetup, Consent
from core.tokens import link_token
from paylinks import charges, limits, links, tasks
from paylinks.models import LinkCharge, PatientLink
from payments import charging, due_parts
from payments.models import Attempt, DuePart, LedgerPosting, Payment
from payplans.models import Installment
from practices import tenancy
from practices.models import Practice
from tests import factories
from tests.paylinks.conftest import DAY, Phone, Time, Workers, the_charge, words
from tests.plugins.money import Ledger
from tests.plugins.stripe import DEBIT, MASTERCARD, Shop


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


def test_another_card_is_entered_on_the_processors_page_charged_at_once_and_the_receipt_shown(
    phone: Phone, workers: Workers, shop: Shop, time: Time
) -> None:
    hosted = phone.press_another_card()
    assert hosted.startswith(shop.process.url)
    charging_page = phone.come_back(phone.enter_card(hosted, DEBIT))

    assert "Charging… $128.60" in words(charging_page)
    assert charging_page["Refresh"] == "3"
    assert shop.taken() == []
    workers.work()
    receipt = phone.client.get(charging_page.wsgi_request.get_full_path())

    assert "Paid. Thank you! $128.60" in words(receipt)
    assert "Visa 5556" in words(receipt)
    assert shop.taken() == [12860]
    attempt = Attempt.objects.latest("pk")
    assert (attempt.channel, attempt.state, attempt.actor) == (
        "FIX_LINK", "SUCCEEDED", f"patient:{phone.link.patient_id}",
    )  # fmt: skip
    assert (Payment.objects.count(), LedgerPosting.objects.count()) == (1, 1)
    link = PatientLink.objects.get()
    assert (link.opened_at, link.used_at) == (time.now, time.now)


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


def test_a_double_click_is_one_charge(phone: Phone, workers: Workers, shop: Shop) -> None:
    first = phone.post("/again", amount=phone.cents)
    second = phone.post("/again", amount=phone.cents)
    workers.work()

    assert (first.status_code, second.status_code) == (303, 303)
    assert (LinkCharge.objects.count(), shop.taken()) == (1, [12860])
    assert Consent.objects.filter(kind="ONE_CHARGE").count() == 1


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


def test_reloading_after_success_neither_charges_nor_writes(
    phone: Phone, workers: Workers, shop: Shop, ledger: Ledger
) -> None:
    answer = phone.post("/again", amount=phone.cents)
    workers.work()
    ledger.wrote(attempts=1, payments=1, allocations=1, postings=1, messages=2, events=3)

    for path in (answer["Location"], phone.address):
        assert "Paid. Thank you!" in words(phone.client.get(path))
    phone.post("/card", amount=phone.cents)
    phone.post("/again", amount=phone.cents)
    workers.work()

    ledger.wrote()
    assert shop.taken() == [12860]


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


def test_a_browser_that_never_comes_back_is_charged_all_the_same_once(
    phone: Phone, workers: Workers, shop: Shop, time: Time
) -> None:
    phone.enter_card(phone.press_another_card(), DEBIT)
    practice_id = phone.link.practice_id

    for _ in range(3):
        charges.finish_due(practice_id, now=time.now, hand_over=workers.waiting.append)
        workers.work()

    assert shop.taken() == [12860]
    assert (the_charge().state, Attempt.objects.filter(channel="FIX_LINK").count()) == ("DONE", 1)


def test_a_hosted_page_left_without_a_card_charges_nothing_and_leads_back(
    phone: Phone, workers: Workers, shop: Shop, time: Time
) -> None:
    phone.press_another_card()
    charge = the_charge()

    answer = phone.client.get(f"/p/{phone.link.practice.slug}/back/{charge.uuid}?canceled=1")
    charges.finish_due(phone.link.practice_id, now=time.now, hand_over=workers.waiting.append)

    assert answer["Location"] == phone.address
    assert (workers.waiting, shop.taken(), the_charge().state) == ([], [], "AGREED")


def test_a_lost_task_is_made_up_for_and_a_doubled_one_does_nothing(
    phone: Phone, workers: Workers, shop: Shop, time: Time
) -> None:
    phone.post("/again", amount=phone.cents)
    [charge_id] = workers.waiting
    workers.waiting.clear()

    charges.finish_due(phone.link.practice_id, now=time.now, hand_over=workers.waiting.append)
    workers.work()
    charges.run(charge_id, now=time.now)

    assert shop.taken() == [12860]


@pytest.mark.parametrize("after_claim", [False, True])
def test_a_worker_killed_on_the_way_leaves_one_charge(
    phone: Phone, workers: Workers, shop: Shop, time: Time, after_claim: bool
) -> None:
    phone.post("/again", amount=phone.cents)
    charge = the_charge()
    if after_claim:
        charging.collect(
            charge.due_part_id, channel="FIX_LINK", actor="patient:1", now=time.now, card_id=charge.card_id
        )
    LinkCharge.objects.update(state="RUNNING", claimed_at=Now() - timedelta(minutes=6))
    workers.waiting.clear()

    charges.finish_due(phone.link.practice_id, now=time.now, hand_over=workers.waiting.append)
    workers.work()

    assert shop.taken() == [12860]
    assert the_charge().attempt == Attempt.objects.get(channel="FIX_LINK")


def test_a_lost_answer_of_the_processor_is_shown_as_being_checked_and_not_charged_again(
    phone: Phone, workers: Workers, shop: Shop
) -> None:
    shop.fault("POST /v1/payment_intents/*/confirm", "drop_after", times=5)
    answer = phone.post("/again", amount=phone.cents)
    workers.work()

    page = phone.client.get(answer["Location"])

    assert "Please do not pay again" in words(page)
    assert "Please do not pay again" in words(phone.get())
    assert phone.post("/again", amount=phone.cents)["Location"] == phone.address
    assert Attempt.objects.filter(channel="FIX_LINK").count() == 1


def test_a_processor_that_is_away_is_told_and_nothing_is_charged(phone: Phone, shop: Shop) -> None:
    shop.fault("POST /v1/checkout/sessions", "error_before", times=9)

    page = phone.post("/card", amount=phone.cents)

    assert page.status_code == 503
    assert "Nothing was charged. The card page can't be opened at the moment." in words(page)


def test_what_open_dental_no_longer_owes_is_not_charged(phone: Phone, workers: Workers, shop: Shop, time: Time) -> None:
    phone.post("/again", amount=phone.cents)
    installment = Installment.objects.get()
    installment.status = Installment.Status.PAID
    installment.save()
    workers.work()

    assert "This payment is settled." in words(phone.get())
    assert shop.taken() == []
    assert the_charge().refusal != ""


def test_a_changed_amount_is_shown_anew_and_never_charged_unseen(
    phone: Phone, workers: Workers, shop: Shop, time: Time
) -> None:
    before = phone.cents
    installment = Installment.objects.select_related("plan").get()
    installment.office_paid_cents = 2860
    installment.save()
    with transaction.atomic():
        due_parts.refresh(installment.plan, now=time.now)

    answer = phone.post("/again", amount=before)

    assert answer["Location"] == phone.address
    assert (LinkCharge.objects.count(), workers.waiting) == (0, [])
    assert "$100.00" in words(phone.get())
    phone.post("/again", amount="10000")
    workers.work()
    assert shop.taken() == [10000]


def test_a_link_of_a_closed_plan_has_nothing_to_pay(phone: Phone, time: Time) -> None:
    installment = Installment.objects.select_related("plan").get()
    installment.status = Installment.Status.CANCELED
    installment.save()
    with transaction.atomic():
        due_parts.refresh(installment.plan, now=time.now)

    assert "Nothing to pay here" in words(phone.get())
    assert phone.post("/card", amount=phone.cents).status_code == 303
    assert CardSetup.objects.count() == 0


def dead_pages(phone: Phone, time: Time) -> dict[str, Any]:
    other = factories.PracticeFactory.create(name=phone.link.practice.name)
    token = link_token(phone.link.nonce)
    return {
        "tampered": Client().get(phone.address[:-1] + ("a" if phone.address[-1] != "a" else "b")),
        "foreign": Client().get(f"/p/{other.slug}/{token}"),
        "expired": _at(phone, time, timedelta(days=30)),
    }


def _at(phone: Phone, time: Time, later: timedelta) -> Any:
    time.now += later
    answer = Client().get(phone.address)
    time.now -= later
    return answer


def test_wrong_foreign_and_expired_links_look_the_same_and_do_nothing(phone: Phone, time: Time, ledger: Ledger) -> None:
    pages = dead_pages(phone, time)
    links.revoke(phone.link, actor="user:1", now=time.now)
    pages["revoked"] = phone.get()

    assert {name: page.status_code for name, page in pages.items()} == {
        "tampered": 404, "foreign": 404, "expired": 410, "revoked": 410,
    }  # fmt: skip
    assert len({words(page) for page in pages.values()}) == 1
    assert "This link can't be used" in words(pages["expired"])
    assert Client().get("/p/nobody/" + link_token(phone.link.nonce)).status_code == 404
    for path in ("/card", "/again", "/autopay"):
        assert phone.post(path, amount=phone.cents).status_code == 410
    ledger.wrote(events=1)
    assert LinkCharge.objects.count() == 0


def test_a_link_lives_thirty_days_of_business_time(phone: Phone, time: Time) -> None:
    assert _at(phone, time, timedelta(days=30, seconds=-1)).status_code == 200
    assert _at(phone, time, timedelta(days=30)).status_code == 410


def test_the_same_part_keeps_its_link_until_it_expires_or_is_revoked(phone: Phone, time: Time) -> None:
    part = phone.link.due_part
    assert links.open_fix_link(due_part=part, now=time.now + 29 * DAY) == phone.link.nonce

    assert links.open_fix_link(due_part=part, now=time.now + 30 * DAY) != phone.link.nonce
    links.revoke(phone.link, actor="user:1", now=time.now)
    again = links.open_fix_link(due_part=part, now=time.now)

    assert PatientLink.objects.get(nonce=again).is_usable(time.now)


def test_the_way_back_is_good_for_two_hours_and_only_in_its_practice(phone: Phone, time: Time) -> None:
    phone.press_another_card()
    other = factories.PracticeFactory.create()
    charge = the_charge()
    path = f"/p/{phone.link.practice.slug}/back/{charge.uuid}"

    assert Client().get(path).status_code == 302
    assert Client().get(f"/p/{other.slug}/back/{charge.uuid}").status_code == 404
    time.now += timedelta(hours=2)
    assert Client().get(path).status_code == 404


def test_another_links_charge_is_not_shown(phone: Phone, shop: Shop, practice: Practice) -> None:
    phone.press_another_card()
    other_part = factories.DuePartFactory.create(
        installment=factories.InstallmentFactory.create(
            plan=factories.PayPlanFactory.create(patient=factories.PatientFactory.create(practice=practice))
        )
    )
    nonce = links.open_fix_link(due_part=other_part, now=phone.link.created_at)

    answer = Client().get(f"/p/{practice.slug}/{link_token(nonce)}/done?charge={the_charge().uuid}")

    assert (answer.status_code, answer["Location"]) == (303, f"/p/{practice.slug}/{link_token(nonce)}")


def test_the_outcome_is_shown_although_the_link_expires_meanwhile(phone: Phone, workers: Workers, time: Time) -> None:
    answer = phone.post("/again", amount=phone.cents)
    workers.work()
    time.now += timedelta(days=31)

    assert "Paid. Thank you!" in words(phone.client.get(answer["Location"]))


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


def test_a_spanish_speaker_sees_spanish_and_a_choice_on_the_page_wins(phone: Phone) -> None:
    phone.link.patient.language = "spa"
    phone.link.patient.save()

    spanish = phone.get()
    assert "Su pago no se realizó" in words(spanish)
    assert "10 de marzo de 2026" in words(spanish)
    assert "Autorizo a Maple Grove Dental a cobrar $128.60" in words(spanish)
    assert (spanish["Content-Language"], 'lang="es"' in spanish.content.decode()) == ("es", True)

    phone.client.post("/i18n/setlang/", {"language": "en", "next": phone.address})
    assert "Your payment did not go through" in words(phone.get())


def test_a_phone_that_asks_for_spanish_gets_spanish_and_the_consent_is_kept_in_it(
    phone: Phone, workers: Workers
) -> None:
    spanish = Client(headers={"Accept-Language": "es-MX,es;q=0.9"})
    spanish.post(f"{phone.address}/again", {"amount": phone.cents})
    workers.work()

    consent = Consent.objects.get(kind="ONE_CHARGE")
    assert consent.language == "es"
    assert consent.text == "Autorizo a Maple Grove Dental a cobrar $128.60 a mi tarjeta Visa 4242 una vez, ahora."


def test_a_robot_is_told_to_wait_and_others_are_not(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PAGES_PER_MINUTE", 5)

    codes = [phone.get().status_code for _ in range(7)]

    assert codes == [200, 200, 200, 200, 200, 429, 429]
    busy = phone.get()
    assert (busy["Retry-After"], "Wait a minute" in words(busy)) == ("60", True)
    assert Client(REMOTE_ADDR="192.0.2.7").get(phone.address).status_code == 200


def test_guessing_links_is_stopped_sooner(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WRONG_LINKS_PER_MINUTE", 3)

    codes = [Client().get(phone.address[:-4] + f"aaa{n}").status_code for n in range(4)]

    assert codes == [404, 404, 404, 429]


def test_pages_are_not_kept_by_browsers_and_only_post_changes_things(phone: Phone) -> None:
    assert "no-store" in phone.get()["Cache-Control"]
    for path in ("/card", "/again", "/autopay"):
        assert phone.get(path).status_code == 405
    assert phone.post("").status_code == 405


def test_a_broker_that_is_down_delays_the_charge_but_not_the_page(
    phone: Phone, monkeypatch: pytest.MonkeyPatch, shop: Shop, time: Time
) -> None:
    def down(**_: Any) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(tasks.charge_one, "delay", down)
    answer = phone.post("/again", amount=phone.cents)
    assert answer.status_code == 303
    assert "Charging…" in words(phone.client.get(answer["Location"]))

    charges.finish_due(phone.link.practice_id, now=time.now, hand_over=lambda pk: charges.run(pk, now=time.now))

    assert shop.taken() == [12860]


def test_a_charge_of_another_practice_is_not_touched(phone: Phone, workers: Workers, time: Time, shop: Shop) -> None:
    phone.post("/again", amount=phone.cents)
    other = factories.PracticeFactory.create()

    with tenancy.scope(other.pk):
        charges.finish_due(other.pk, now=time.now, hand_over=workers.waiting.append)
        charges.run(workers.waiting[0], now=time.now)

    assert (the_charge().state, shop.taken()) == ("READY", [])


def _at_once(work: Callable[[], None], count: int = 4) -> None:
    """Run the same thing in threads that start together, each in the practice's scope."""
    barrier = threading.Barrier(count)
    practice_id = tenancy.current()
    assert practice_id is not None

    def one() -> None:
        with tenancy.scope(practice_id):
            barrier.wait()
            work()
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_four_presses_at_once_and_four_workers_at_once_are_one_charge(
    phone: Phone, workers: Workers, shop: Shop, time: Time
) -> None:
    found = links.find(link_token(phone.link.nonce), time.now)
    assert found is not None
    card = Autopay.objects.get().card
    agreement = charges.Agreement(text="One charge.", language="en", ip=None)

    _at_once(lambda: workers.waiting.append(charges.with_card(found, card, agreement, now=time.now).pk))
    assert (len(workers.waiting), len(set(workers.waiting))) == (4, 1)
    _at_once(lambda: charges.run(workers.waiting[0], now=time.now))

    assert shop.taken() == [12860]
    assert (LinkCharge.objects.count(), Consent.objects.filter(kind="ONE_CHARGE").count()) == (1, 1)
    assert Attempt.objects.filter(channel="FIX_LINK").count() == 1


def test_two_cards_entered_in_two_windows_pay_once(phone: Phone, workers: Workers, shop: Shop, time: Time) -> None:
    first, second = phone.press_another_card(), phone.press_another_card()
    phone.come_back(phone.enter_card(first, DEBIT))
    phone.come_back(phone.enter_card(second, MASTERCARD))
    workers.work()

    charges.finish_due(phone.link.practice_id, now=time.now, hand_over=workers.waiting.append)
    workers.work()

    assert shop.taken() == [12860]
    assert [(charge.state, bool(charge.refusal)) for charge in LinkCharge.objects.order_by("pk")] == [
        ("DONE", False), ("DONE", True),
    ]  # fmt: skip
