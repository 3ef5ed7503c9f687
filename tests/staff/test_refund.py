"""Giving money back at the desk: the form, the one order, and what is seen until the outcome is known."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from kombu.exceptions import OperationalError

from payments import tasks
from payments.models import DuePart, LedgerPosting, Payment, Refund
from practices import tenancy
from practices.models import Practice
from tests import factories
from tests.payments.making import installment_of
from tests.payments.refunding import ASK, reconcile, returned
from tests.payments.test_refunds import made_there
from tests.plugins.money import Ledger
from tests.plugins.stripe import Shop
from tests.staff import making
from tests.staff.conftest import DRAWER, HTMX, SignIn
from tests.staff.refunding import Orders, attempt_page, ordered, url, wish, work
from tests.staff.test_plans_tab import text


def test_the_form_offers_everything_left_and_says_what_will_happen(biller: Client, payment: Payment) -> None:
    page = biller.get(url(payment), headers=DRAWER).content.decode()

    assert 'name="amount" value="128.60"' in page
    assert 'name="newest" value="0"' in page
    assert f'hx-post="{url(payment)}" hx-target="#drawer-body"' in page
    assert re.findall(r'<option value="(\w+)"', page) == ["REQUESTED", "DUPLICATE", "OTHER"]
    words = text(page)
    assert "Can be given back $128.60" in words
    assert "The money goes back to Visa 4242, once. It takes 5 to 10 days to show there." in words
    assert "Open Dental lets no program refund such a payment: you get exact steps to enter it there." in words
    assert "Your role may give back up to $500.00 at once." in words
    assert "Is owed again, held: nothing is charged for it until staff decide" in words
    assert re.findall(r'name="then" value="(\w+)"[^>]*?( checked|>)', page) == [("open", " checked"), ("close", ">")]


def test_a_payment_on_no_plan_is_said_to_be_posted_by_itself(biller: Client, payment: Payment) -> None:
    LedgerPosting.objects.update(route="PATIENT")

    assert "KasperPay posts the refund to Open Dental." in text(biller.get(url(payment)).content.decode())


def test_opening_the_form_gives_nothing_back(
    biller: Client, payment: Payment, orders: Orders, shop: Shop, ledger: Ledger
) -> None:
    biller.get(url(payment))

    assert (orders, Refund.objects.count(), shop.asked("/v1/refunds")) == ([], 0, [])
    ledger.wrote()


def test_the_whole_goes_back_to_the_card_and_is_followed_to_the_end(
    biller: Client, part: DuePart, payment: Payment, shop: Shop, orders: Orders
) -> None:
    answer = biller.post(url(payment), wish("128.60", reason="DUPLICATE", note="Took it twice"), headers=DRAWER)
    refund = Refund.objects.get()
    waiting = biller.get(answer["Location"], headers=DRAWER).content.decode()
    assert (refund.state, returned(shop)) == ("STARTED", [])
    assert "Giving $128.60 back to Visa 4242…" in text(waiting)
    assert f'hx-get="/payments/refunds/{refund.pk}/state/?poll=1" hx-trigger="load delay:1s"' in waiting

    work(orders)
    done = biller.get(f"/payments/refunds/{refund.pk}/state/?poll=1", headers=HTMX).content.decode()

    assert returned(shop) == [128_60]
    assert "Gave $128.60 back to Visa 4242." in text(done)
    assert "<html" not in done
    assert f'hx-get="/payments/refunds/{refund.pk}/state/?poll=2" hx-trigger="load delay:2s"' in done
    refund.refresh_from_db()
    user = biller.session["_auth_user_id"]
    assert (refund.state, refund.reason, refund.note, refund.actor) == (
        "SUCCEEDED", "DUPLICATE", "Took it twice", f"user:{user}"
    )  # fmt: skip
    assert installment_of(part).collected_cents == 0
    assert LedgerPosting.objects.get(movement="REFUND").amount_cents == -128_60


def test_what_is_orders_to_the_queue_are_ids_only(
    biller: Client, payment: Payment, orders: Orders, practice: Practice
) -> None:
    biller.post(url(payment), wish("1", note="Ana asked by phone"))

    assert orders == [{"practice_id": practice.pk, "refund_id": Refund.objects.get().pk}]


def test_two_parts_make_the_whole_and_then_nothing_is_offered(
    biller: Client, part: DuePart, payment: Payment, shop: Shop, orders: Orders
) -> None:
    ordered(biller, payment, "$100.00", orders)
    first = Refund.objects.get().pk
    again = biller.get(url(payment)).content.decode()
    assert 'name="amount" value="28.60"' in again
    assert f'name="newest" value="{first}"' in again
    assert "Can be given back $28.60 of $128.60 ; $100.00 given back" in text(again)

    ordered(biller, payment, "28.60", orders, newest=first)

    assert returned(shop) == [100_00, 28_60]
    assert installment_of(part).collected_cents == 0
    page = biller.get(url(payment)).content.decode()
    assert "Nothing is left to give back." in page
    assert 'name="amount"' not in page
    assert ">Refund</a>" not in attempt_page(biller, payment)


BAD = "That is not an amount of money. Write it as 40.00."
CENTS = "Cents have two digits at most, as in 40.00."


@pytest.mark.parametrize(
    ("amount", "why"),
    [
        ("128.61", "Only $128.60 can still be given back."),
        ("1,000", "Only $128.60 can still be given back."),
        ("0", "A refund is at least $0.01."),
        ("0.00", "A refund is at least $0.01."),
        ("-5", "A refund is at least $0.01."),
        ("10.005", CENTS),
        ("10.000", CENTS),
        ("0.001", CENTS),
        ("ten", BAD),
        ("1e1", BAD),
        ("10,00", BAD),
        ("nan", BAD),
        ("", "Enter an amount."),
        (" ", "Enter an amount."),
    ],
)
def test_a_wrong_amount_is_refused_beside_its_field(
    biller: Client, payment: Payment, shop: Shop, orders: Orders, ledger: Ledger, amount: str, why: str
) -> None:
    answer = biller.post(url(payment), wish(amount))

    page = answer.content.decode()
    beside = re.findall(r'id="id_amount_error">(.+?)</p>', page, re.DOTALL)
    assert (answer.status_code, [text(one).strip() for one in beside]) == (422, [why])
    assert (orders, Refund.objects.count(), returned(shop)) == ([], 0, [])
    ledger.wrote()


@pytest.mark.parametrize("more", [{"reason": "FRAUD"}, {"note": "x" * 201}, {"newest": ""}, {"newest": "-1"}])
def test_a_form_that_was_not_ours_gives_nothing_back(
    biller: Client, payment: Payment, orders: Orders, more: dict[str, Any]
) -> None:
    assert biller.post(url(payment), wish("10", **more)).status_code == 422
    assert (orders, Refund.objects.count()) == ([], 0)


def test_asking_twice_gives_back_once_and_shows_the_first(
    biller: Client, payment: Payment, shop: Shop, orders: Orders
) -> None:
    first, second = (biller.post(url(payment), wish("10")) for _ in range(2))
    work(orders)

    assert (first.status_code, second.status_code, returned(shop)) == (302, 422, [10_00])
    words = text(second.content.decode())
    assert "Nothing was given back now. It was refunded meanwhile: look at the result first." in words
    assert "Earlier refunds $10.00 Giving back" in words
    # Not even a third click finds a button.
    assert 'name="amount"' not in second.content.decode()


def test_a_message_delivered_twice_asks_the_processor_once(
    biller: Client, payment: Payment, shop: Shop, orders: Orders
) -> None:
    biller.post(url(payment), wish("10"))
    work([*orders, *orders])

    assert shop.asked("/v1/refunds") == [f"{ASK} 200"]
    assert returned(shop) == [10_00]


def test_when_the_queue_is_away_the_reconciler_gives_it_back(
    biller: Client, payment: Payment, shop: Shop, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(tasks.refund_one, "delay", away)
    answer = biller.post(url(payment), wish("10"))
    assert (answer.status_code, returned(shop)) == (302, [])

    assert reconcile(shop, now) == 1

    assert returned(shop) == [10_00]
    assert "Gave $10.00 back" in text(biller.get(answer["Location"]).content.decode())


@pytest.mark.parametrize(("role", "may"), [
    ("AUDITOR", False), ("FRONT_DESK", False), ("BILLER", True), ("MANAGER", True), ("ADMIN", True),
])  # fmt: skip
def test_who_may_not_give_back_sees_no_button_and_is_refused(
    sign_in: SignIn, payment: Payment, orders: Orders, shop: Shop, role: str, may: bool
) -> None:
    client = sign_in(role)
    button = f'href="{url(payment)}" hx-get="{url(payment)}" hx-target="#drawer-body">'

    assert (button in attempt_page(client, payment)) is may
    plans = client.get(f"/communication/{payment.payer_id}/plans/").content.decode()
    assert (f'hx-get="{url(payment)}"' in plans) is may
    assert client.get(url(payment)).status_code == (200 if may else 403)
    answer = client.post(url(payment), wish("1"))
    work(orders)
    assert (answer.status_code, returned(shop)) == ((302, [1_00]) if may else (403, []))


def test_a_payment_of_another_practice_is_not_found(admin: Client, shop: Shop, orders: Orders) -> None:
    other = factories.PracticeFactory.create()
    with tenancy.scope(other.pk):
        factories.PaymentSettingsFactory.create(practice=other)
        theirs = making.scene(other).payment
        refund = making.refund(theirs)

    asked = [admin.get(url(theirs)), admin.post(url(theirs), wish("1"))]
    asked += [admin.get(f"/payments/refunds/{refund.pk}/{part}") for part in ("", "state/")]

    assert [answer.status_code for answer in asked] == [404] * 4
    assert orders == []


def test_a_refund_the_processor_does_not_take_is_said_and_frees_the_money(
    biller: Client, payment: Payment, shop: Shop, orders: Orders
) -> None:
    made_there(shop, payment, 120_00)
    page = ordered(biller, payment, "10", orders)

    assert (Refund.objects.get().state, returned(shop)) == ("NOT_TAKEN", [120_00])
    assert "Nothing was given back. The processor refuses the request" in page
    assert 'name="amount" value="128.60"' in biller.get(url(payment)).content.decode()


def test_a_refund_that_fails_is_said_with_its_reason(
    biller: Client, part: DuePart, payment: Payment, shop: Shop, orders: Orders
) -> None:
    shop.control("refunds/next", status="failed", charge=shop.books("charges")[0]["id"])
    page = ordered(biller, payment, "10", orders)

    assert (Refund.objects.get().state, returned(shop), installment_of(part).status) == ("FAILED", [], "PAID")
    assert "The refund failed" in page
    assert "Give it back in another way, or leave it as paid." in page
    assert "Look at the refund" in text(biller.get("/payments/").content.decode())


def test_an_unknown_outcome_is_said_and_asked_for_until_it_is_known(
    biller: Client, payment: Payment, shop: Shop, orders: Orders, now: datetime
) -> None:
    shop.fault("* /v1/refunds*", "error_before", times=50)
    page = ordered(biller, payment, "128.60", orders)
    refund = Refund.objects.get()
    assert "Outcome unknown" in page
    assert "Do not refund this again: money may have moved." in page
    assert "Nothing is left to give back." in biller.get(url(payment)).content.decode()

    shop.process.http.delete("/_sandbox/faults")
    reconcile(shop, now)

    assert returned(shop) == [128_60]
    assert "Gave $128.60 back" in text(biller.get(f"/payments/refunds/{refund.pk}/state/").content.decode())


def test_a_refund_that_takes_its_time_is_said(biller: Client, payment: Payment, shop: Shop, orders: Orders) -> None:
    shop.control("refunds/next", status="pending")

    assert "Processing The card processor is working on it." in ordered(biller, payment, "10", orders)


def test_a_forgotten_page_stops_asking(biller: Client, payment: Payment, orders: Orders) -> None:
    biller.post(url(payment), wish("10"))
    page = biller.get(f"/payments/refunds/{Refund.objects.get().pk}/state/?poll=90", headers=HTMX).content.decode()

    assert "hx-get" not in page
    assert "This page stopped asking." in page


def test_while_a_restored_practice_is_recovered_nothing_is_given_back(
    biller: Client, payment: Payment, shop: Shop, orders: Orders, now: datetime
) -> None:
    Practice.objects.update(recover_since=now)

    page, answer = biller.get(url(payment)).content.decode(), biller.post(url(payment), wish("10"))

    assert "The database was restored." in page
    assert 'name="amount"' not in page
    assert answer.status_code == 422
    assert "The database was restored: refunds made since the backup are looked for first." in text(
        answer.content.decode()
    )
    assert (orders, returned(shop), Refund.objects.count()) == ([], [], 0)


def test_an_order_from_before_a_restore_is_not_asked_for(
    biller: Client, payment: Payment, shop: Shop, orders: Orders, now: datetime
) -> None:
    biller.post(url(payment), wish("10"))
    Practice.objects.update(recover_since=now)
    work(orders)

    assert (Refund.objects.get().state, shop.asked("/v1/refunds")) == ("STARTED", [])


def test_without_a_card_processor_it_is_refused_in_words(
    biller: Client, payment: Payment, shop: Shop, orders: Orders
) -> None:
    shop.account.delete()

    answer = biller.post(url(payment), wish("10"))

    assert answer.status_code == 422
    assert "Nothing was given back now. No card processor is connected." in text(answer.content.decode())
    assert (orders, Refund.objects.count()) == ([], 0)
