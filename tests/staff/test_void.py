"""Void: the whole of a payment of today, with its own word; and installments that are closed, not owed again."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.test import Client

from notifications.models import Kind, Message
from payments import due_parts, refund_news, refund_outcomes
from payments.models import Alarm, DuePart, LedgerPosting, Payment, Refund
from practices.models import Event, PaymentSettings
from processors.port import Failed
from tests.payments.making import installment_of
from tests.payments.refunding import ASK, give_back, reserve, returned
from tests.plugins.money import Ledger
from tests.plugins.stripe import Shop
from tests.staff.conftest import DRAWER
from tests.staff.refunding import Orders, attempt_page, ordered, url, wish, work
from tests.staff.test_plans_tab import text


def void_url(payment: Payment) -> str:
    return f"/payments/{payment.pk}/void/"


def voided(client: Client, payment: Payment, orders: Orders) -> str:
    answer = client.post(void_url(payment), {"note": "Wrong patient", "newest": 0})
    assert answer.status_code == 302, text(answer.content.decode())
    work(orders)
    return text(client.get(answer["Location"]).content.decode())


def postings() -> list[tuple[str, str, int]]:
    rows = LedgerPosting.objects.order_by("pk")
    return [(row.movement, row.state, row.amount_cents) for row in rows]


def test_a_payment_that_open_dental_was_not_told_leaves_no_row_there(
    biller: Client, part: DuePart, payment: Payment, shop: Shop, orders: Orders
) -> None:
    page = biller.get(void_url(payment), headers=DRAWER).content.decode()
    words = text(page)
    assert f'hx-get="{void_url(payment)}" hx-target="#drawer-body">Void</a>' in attempt_page(biller, payment)
    assert "Goes back $128.60" in words
    assert "Open Dental has not been told of this payment yet." in words

    done = voided(biller, payment, orders)

    assert returned(shop) == [128_60]
    assert postings() == [("PAYMENT", "WITHDRAWN", 128_60), ("REFUND", "WITHDRAWN", -128_60)]
    assert "Void of $128.60" in done
    assert "Voided: gave $128.60 back to Visa 4242." in done
    assert "Voided before it was posted: Open Dental shows nothing of it." in done
    installment = installment_of(part)
    assert (installment.status, installment.collected_cents) == ("PENDING", 0)
    assert DuePart.objects.get(state="OPEN").hold == "STAFF"
    receipt = text(biller.get(f"/payments/{payment.pk}/receipt/").content.decode())
    assert "Voided" in receipt
    assert {"posting_withdrawn", "refund_succeeded"} <= set(Event.objects.values_list("kind", flat=True))
    assert "to be given back: Voided" in attempt_page(biller, payment)


@pytest.mark.parametrize("state", ["SENDING", "UNCLEAR", "POSTED", "MATCHED"])
def test_what_open_dental_may_have_is_posted_back(
    biller: Client, payment: Payment, orders: Orders, shop: Shop, state: str
) -> None:
    number = 56734 if state in ("POSTED", "MATCHED") else None
    LedgerPosting.objects.update(state=state, sends=1, pay_num=number)
    assert "has not been told" not in text(biller.get(void_url(payment)).content.decode())

    voided(biller, payment, orders)

    assert postings() == [("PAYMENT", state, 128_60), ("REFUND", "QUEUED", -128_60)]
    assert returned(shop) == [128_60]


def test_a_void_that_fails_afterwards_is_posted_after_all(
    biller: Client, part: DuePart, payment: Payment, orders: Orders, shop: Shop, now: datetime
) -> None:
    voided(biller, payment, orders)
    refund = Refund.objects.get()
    shop.control(f"refunds/{refund.reference}/finish", status="failed", failure_reason="declined")

    refund_news.reconcile_refunds(payment.practice_id, now=now)

    assert postings() == [("PAYMENT", "QUEUED", 128_60), ("REFUND", "WITHDRAWN", -128_60)]
    assert (installment_of(part).status, installment_of(part).collected_cents) == ("PAID", 128_60)
    alarm = Alarm.objects.get(closed_at=None)
    assert (alarm.kind, "take that out" in alarm.text) == ("REFUND_FAILED", False)


def test_yesterdays_and_partly_refunded_payments_are_refunded_not_voided(
    biller: Client, payment: Payment, orders: Orders, shop: Shop, now: datetime, ledger: Ledger
) -> None:
    Payment.objects.update(paid_at=now - timedelta(days=1))
    assert f'hx-get="{void_url(payment)}"' not in attempt_page(biller, payment)
    assert "Only a payment of today can be voided" in text(biller.get(void_url(payment)).content.decode())
    answer = biller.post(void_url(payment), {"note": "", "newest": 0})
    assert (answer.status_code, orders) == (422, [])
    Payment.objects.update(paid_at=now)
    reserve(payment, 1_00, now)

    answer = biller.post(void_url(payment), {"note": "", "newest": Refund.objects.get().pk})

    assert (answer.status_code, orders) == (422, [])
    assert "Only $127.60 of this payment can still be given back." in text(answer.content.decode())
    assert (shop.asked("/v1/refunds"), Refund.objects.count()) == ([], 1)


def test_a_void_pressed_twice_gives_back_once_and_the_limit_of_the_role_holds(
    biller: Client, payment: Payment, orders: Orders, shop: Shop
) -> None:
    PaymentSettings.objects.update(refund_biller_cents=100_00)
    assert biller.post(void_url(payment), {"newest": 0}).status_code == 422
    PaymentSettings.objects.update(refund_biller_cents=128_60)

    answers = [biller.post(void_url(payment), {"newest": 0}).status_code for _ in range(2)]
    work(orders)

    assert (answers, shop.asked("/v1/refunds"), returned(shop)) == ([302, 422], [f"{ASK} 200"], [128_60])


def test_an_installment_that_is_closed_is_never_collected_again(
    biller: Client, part: DuePart, payment: Payment, orders: Orders, now: datetime
) -> None:
    page = ordered(biller, payment, "28.60", orders, then="close")

    installment = installment_of(part)
    assert (installment.status, installment.collected_cents, installment.forgiven_cents) == ("PAID", 100_00, 28_60)
    assert installment.status_note == "$28.60 given back and not collected again; Open Dental still shows it owed"
    with transaction.atomic():
        due_parts.refresh(installment.plan, now=now + timedelta(days=40))
    assert not DuePart.objects.filter(state="OPEN").exists()
    assert "The installment is closed: KasperPay does not collect it again" in page
    plans = text(biller.get(f"/communication/{installment.plan.patient_id}/plans/").content.decode())
    assert "Closed $28.60 given back and not collected again; Open Dental still shows it owed" in plans
    assert not Message.objects.filter(kind=Kind.PLAN_COMPLETED, created_at__gt=now).exists()


def test_a_closed_installment_whose_refund_fails_is_paid_again(part: DuePart, payment: Payment, now: datetime) -> None:
    refund = give_back(payment, 28_60, now, closes=True)

    refund_outcomes.settle_refund(refund.pk, Failed(refund.reference, "declined"), now=now, actor="webhook")

    installment = installment_of(part)
    assert (installment.status, installment.collected_cents, installment.forgiven_cents) == ("PAID", 128_60, 0)
    assert installment.status_note == ""


def test_one_part_closed_and_another_open_owe_only_the_other(part: DuePart, payment: Payment, now: datetime) -> None:
    give_back(payment, 28_60, now, closes=True)
    give_back(payment, 40_00, now)

    installment = installment_of(part)
    assert (installment.status, installment.owed_cents, installment.forgiven_cents) == ("PENDING", 40_00, 28_60)
    assert DuePart.objects.get(state="OPEN").amount_cents == 40_00


def test_what_becomes_of_the_installment_must_be_one_of_the_two(
    biller: Client, payment: Payment, orders: Orders
) -> None:
    assert biller.post(url(payment), wish("10", then="forget")).status_code == 422
    assert (orders, Refund.objects.count()) == ([], 0)


def test_the_payer_hears_once_of_each_refund_to_a_card(payment: Payment, now: datetime) -> None:
    refund = give_back(payment, 28_60, now)
    refund_outcomes.settle_refund(refund.pk, Failed(refund.reference, "x"), now=now, actor="webhook")

    told = Message.objects.get(kind=Kind.REFUND)
    assert (told.patient_id, told.dedupe_key) == (payment.payer_id, f"REFUND:{refund.uuid}")
    assert told.values["Transaction Amount"] == "$28.60"


def test_who_is_paid_back_in_cash_stands_at_the_desk(payment: Payment, now: datetime) -> None:
    Payment.objects.update(processor_reference="")
    payment.refresh_from_db()

    refund = give_back(payment, 28_60, now)

    assert (refund.state, Message.objects.filter(kind=Kind.REFUND).count()) == ("SUCCEEDED", 0)
