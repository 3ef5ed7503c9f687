"""Presses, windows, lost tasks, killed workers and lost answers: the patient pays once, and never unseen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from cards.models import Autopay, CardSetup, Consent
from core.tokens import link_token
from paylinks import charges, links, tasks
from paylinks.models import LinkCharge, PatientLink
from payments import charging, due_parts
from payments.models import Alarm, Attempt, LedgerPosting, Payment
from payplans.models import Installment
from practices import tenancy
from processors.models import ProcessorAccount
from tests import factories
from tests.paylinks.conftest import Phone, Time, Workers, the_charge, words
from tests.plugins.money import Ledger
from tests.plugins.stripe import DEBIT, MASTERCARD, Shop


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


def test_a_double_click_is_one_charge(phone: Phone, workers: Workers, shop: Shop) -> None:
    first = phone.post("/again", amount=phone.cents)
    second = phone.post("/again", amount=phone.cents)
    workers.work()

    assert (first.status_code, second.status_code) == (303, 303)
    assert (LinkCharge.objects.count(), shop.taken()) == (1, [12860])
    assert Consent.objects.filter(kind="ONE_CHARGE").count() == 1


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


@pytest.mark.parametrize("answers", [True, False])
def test_a_charge_on_a_link_tells_whether_the_account_takes_charges(
    phone: Phone, workers: Workers, shop: Shop, answers: bool
) -> None:
    ProcessorAccount.objects.update(failures=2)
    if not answers:
        shop.fault("POST /v1/payment_intents/*/confirm", "drop_after", times=5)
    phone.post("/again", amount=phone.cents)
    workers.work()

    assert ProcessorAccount.objects.get().failures == (0 if answers else 3)
    assert Alarm.objects.filter(kind="PROCESSOR_REFUSES", closed_at=None).exists() is not answers


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
    agreement = charges.Agreement(cents=128_60, text="One charge.", language="en", ip=None)

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


def test_the_timetable_finishes_what_was_left_in_every_active_practice(
    phone: Phone, workers: Workers, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.PracticeFactory.create(is_active=False)
    phone.enter_card(phone.press_another_card(), DEBIT)
    passes: list[int] = []
    monkeypatch.setattr(
        tasks.finish_one, "apply_async", lambda *, kwargs, priority: passes.append(kwargs["practice_id"])
    )

    tasks.finish_all()
    for practice_id in passes:
        tasks.finish_one(practice_id=practice_id)
    for charge_id in workers.waiting:
        tasks.charge_one(practice_id=phone.link.practice_id, charge_id=charge_id)

    assert (passes, shop.taken()) == ([phone.link.practice_id], [12860])
