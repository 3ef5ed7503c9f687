"""Where refunds are seen: the payment's page, the lists, the receipt, the plan, and what staff enter by hand."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from notifications.models import Message
from payments.models import Alarm, Attempt, LedgerPosting, Payment, Refund
from payments.refund_outcomes import settle_refund
from practices.models import Practice
from processors.port import Failed
from tests.payments.refunding import give_back
from tests.staff import making
from tests.staff.conftest import HTMX
from tests.staff.refunding import Orders, attempt_page, by_hand, ordered, url
from tests.staff.test_plans_tab import text


def test_what_staff_enter_by_hand_stands_with_its_exact_steps(
    biller: Client, payment: Payment, now: datetime, orders: Orders
) -> None:
    page = ordered(biller, payment, "28.60", orders)
    assert "Not posted to Open Dental yet" in page
    posting = by_hand(payment, now)
    steps = f"enter a payment of -$28.60 with check number {posting.reference}, attached to payment plan"

    refund = Refund.objects.get()
    shown = biller.get(f"/payments/refunds/{refund.pk}/").content.decode()

    assert "To be entered by hand." in shown
    assert f"refunds/{refund.pk}/state/" not in shown, "nothing comes by itself any more"
    for page in (
        text(shown), text(attempt_page(biller, payment)), text(biller.get(url(payment)).content.decode()),
        text(biller.get(f"/communication/{payment.payer_id}/payments/").content.decode()),
    ):  # fmt: skip
        assert steps in page
        assert "Staff enter it" in page


def test_the_page_looks_again_until_the_steps_are_written(
    biller: Client, payment: Payment, now: datetime, orders: Orders
) -> None:
    ordered(biller, payment, "28.60", orders)
    by_hand(payment, now)
    Alarm.objects.all().delete()
    address = f"/payments/refunds/{Refund.objects.get().pk}/state/"

    assert f'hx-get="{address}?poll=2"' in biller.get(f"{address}?poll=1", headers=HTMX).content.decode()


def test_the_page_of_the_payment_shows_its_refunds_and_what_became_of_the_payment(
    biller: Client, practice: Practice, payment: Payment, orders: Orders, now: datetime
) -> None:
    ordered(biller, payment, "28.60", orders, note="Paid too much")
    by_hand(payment, now)
    making.refund(payment, 5_00, "FAILED", state_reason="expired_or_canceled_card")

    page = text(attempt_page(biller, payment))

    who = practice.memberships.get().user.name
    assert "Given back $28.60 of $128.60" in page
    assert f"$28.60 Given back just now · {who} · The patient asked for it · “Paid too much”" in page
    assert "$5.00 Refund failed" in page
    assert "expired_or_canceled_card" in page
    assert "Posted to Open Dental as payment 56734 and read back." in page, "the payment's own posting"
    assert "Given back: $28.60" in page, "in the timeline"


def test_the_list_of_a_patient_shows_payments_and_refunds_together(
    biller: Client, payment: Payment, orders: Orders
) -> None:
    address = f"/communication/{payment.payer_id}/payments/"
    assert "given back" not in text(biller.get(address).content.decode())
    ordered(biller, payment, "28.60", orders)
    refund = Refund.objects.get()

    page = biller.get(address).content.decode()

    assert re.findall(r'<td class="num"><span class="money">(.+?)</span>', page) == ["$128.60", "−$28.60"]
    assert f'hx-get="/payments/refunds/{refund.pk}/"' in page
    assert "Given back Refund of the payment above · The patient asked for it" in text(page)
    assert "$28.60 given back" in text(page)
    assert "−$28.60" in biller.get("/payments/").content.decode()


def test_the_receipt_shows_what_went_back_and_nothing_else(biller: Client, payment: Payment, orders: Orders) -> None:
    ordered(biller, payment, "120", orders, note="For staff")
    making.refund(payment, 5_00, "FAILED")
    making.refund(payment, 1, "UNKNOWN")

    page = text(biller.get(f"/payments/{payment.pk}/receipt/").content.decode())

    assert "Paid $128.60 Given back to Visa ending in 4242, Mar 10, 2026 −$120.00" in page
    assert "Refund under way to Visa ending in 4242, Mar 10, 2026 −$0.01 Stays paid $8.60" in page
    assert "For staff" not in page
    assert "$5.00" not in page


def test_the_receipt_adds_up_what_was_given_back(biller: Client, payment: Payment, now: datetime) -> None:
    for cents in (28_60, 1_00):
        give_back(payment, cents, now)

    page = text(biller.get(f"/payments/{payment.pk}/receipt/").content.decode())

    assert "Given back to Visa ending in 4242, Mar 10, 2026 −$28.60" in page
    assert "Given back to Visa ending in 4242, Mar 10, 2026 −$1.00" in page
    assert "Stays paid $99.00" in page


def test_a_refund_made_at_the_processor_is_shown_as_such(biller: Client, payment: Payment) -> None:
    making.refund(payment, 5_00, actor="processor", origin="ELSEWHERE", reference="re_there", reason="OTHER")

    assert "$5.00 Given back just now · Somebody at the card processor" in text(attempt_page(biller, payment))


def test_a_plan_whose_refund_failed_afterwards_still_opens(biller: Client, payment: Payment, now: datetime) -> None:
    refund = give_back(payment, 128_60, now)
    shop_says = Failed(refund.reference, "expired_or_canceled_card")
    settle_refund(refund.pk, shop_says, now=now, actor="webhook")
    assert LedgerPosting.objects.get(movement="REFUND").state == "WITHDRAWN"

    page = text(biller.get(f"/communication/{payment.payer_id}/plans/").content.decode())

    assert "not posted to Open Dental yet" in page


def test_large_amounts_have_their_comma(biller: Client, payment: Payment) -> None:
    Payment.objects.update(amount_cents=1_234_50)

    page = biller.get(url(payment)).content.decode()

    assert 'name="amount" value="1,234.50"' in page
    assert "Can be given back $1,234.50" in text(page)


def test_more_refunds_cost_no_more_queries(biller: Client, payment: Payment, django_assert_num_queries: Any) -> None:
    address = f"/communication/{payment.payer_id}/payments/"
    making.refund(payment, 1)
    with CaptureQueriesContext(connection) as few:
        biller.get(address)
    for _ in range(10):
        making.refund(payment, 1)

    with django_assert_num_queries(len(few)):
        biller.get(address)


def test_a_card_that_was_presented_is_named_wherever_money_goes_back_to_it(
    biller: Client, payment: Payment, orders: Orders
) -> None:
    facts = {
        "brand": "visa",
        "last4": "4242",
        "entry": "contact_emv",
        "chip": {"dedicated_file_name": "A0000000031010"},
    }
    Attempt.objects.update(card=None, channel="TERMINAL", paid_with="Visa 4242", card_facts=facts)
    assert "The money goes back to Visa 4242, once." in text(biller.get(url(payment)).content.decode())
    assert "Gave $28.60 back to Visa 4242." in ordered(biller, payment, "28.60", orders)
    assert Message.objects.get(kind="REFUND").values["Card Last 4"] == "4242"

    page = text(biller.get(f"/payments/{payment.pk}/receipt/").content.decode())
    assert "Given back to Visa ending in 4242" in page
    assert "Card read Chip AID A0000000031010" in page

    # The processor told nothing of the card.
    Attempt.objects.update(paid_with="Card", card_facts={"brand": "card", "last4": "", "funding": "unknown"})
    assert "The money goes back to Card, once." in text(biller.get(url(payment)).content.decode())
    assert "Paid with Card Reference" in text(biller.get(f"/payments/{payment.pk}/receipt/").content.decode())
