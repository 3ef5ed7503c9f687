"""Process Payment at the browser: chosen from the account, shown before it is taken, taken once by each means."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from kombu.exceptions import OperationalError

from patients.models import Patient
from payments import tasks, upward
from payments.models import Attempt, DuePart, LedgerPosting, Payment, Sale
from practices.models import Practice
from tests import factories
from tests.plugins.money import Ledger
from tests.plugins.stripe import POOR, Shop
from tests.staff import making
from tests.staff.conftest import HTMX
from tests.staff.selling import draft, pay, token, url, words, work

pytestmark = pytest.mark.usefixtures("office")


def lines(sale: Sale) -> list[tuple[str, int, int]]:
    return list(sale.lines.order_by("pk").values_list("kind", "proc_num", "amount_cents"))


def test_the_page_reads_the_account_by_itself_and_shows_every_basis(
    desk: Client, ana: Patient, office: dict[str, Any]
) -> None:
    page = desk.get(url(ana)).content.decode()
    assert f'hx-get="{url(ana)}account/"' in page
    assert office["reads"] == 0

    shown = words(desk.get(f"{url(ana)}account/", headers=HTMX))
    assert [basis in shown for basis in ("Patient balance", "Family balance", "Custom amount", "Prepayment")] == [
        True
    ] * 4
    assert "$120.00" in shown, "Ana's $125.00 less $5.00 unearned"
    assert "$170.00" in shown, "with Kim's $50.00"
    assert "$20.00 is still expected from insurance" in shown


def test_an_office_that_is_away_is_told_and_nothing_is_drafted(
    desk: Client, ana: Patient, office: dict[str, Any], ledger: Ledger
) -> None:
    office["problem"] = "The office is offline."
    page = desk.get(f"{url(ana)}account/", headers=HTMX).content.decode()
    assert "The office is offline." in page
    ledger.wrote()
    assert Sale.objects.count() == 0


@pytest.mark.parametrize(
    ("basis", "more", "expected"),
    [
        ("PATIENT", {}, [("PROCEDURE", 11, 80_00), ("PROCEDURE", 13, 40_00)]),
        ("FAMILY", {}, [("PROCEDURE", 11, 80_00), ("PROCEDURE", 12, 50_00), ("PROCEDURE", 13, 40_00)]),
        ("PROCEDURES", {"procedures": [13]}, [("PROCEDURE", 13, 45_00)]),
        ("PROCEDURES", {"procedures": [11, 13], "amount": "100"}, [("PROCEDURE", 11, 80_00), ("PROCEDURE", 13, 20_00)]),
        ("CUSTOM", {"amount": "$130.50"}, [("PROCEDURE", 11, 80_00), ("PROCEDURE", 13, 45_00), ("REST", 0, 5_50)]),
        ("PREPAYMENT", {"amount": "60"}, [("PREPAYMENT", 0, 60_00)]),
    ],
)
def test_each_basis_is_spread_as_the_screen_says(
    desk: Client, ana: Patient, basis: str, more: dict[str, Any], expected: list[tuple[str, int, int]]
) -> None:
    sale = draft(desk, ana, basis, **more)
    assert lines(sale) == expected
    page = words(desk.get(f"/payments/sales/{sale.uuid}/"))
    assert "How it is allocated" in page
    assert (Payment.objects.count(), DuePart.objects.count()) == (0, 0), "nothing is taken by looking"


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"basis": "CUSTOM"}, "Enter an amount."),
        ({"basis": "CUSTOM", "amount": "a lot"}, "That is not an amount of money"),
        ({"basis": "CUSTOM", "amount": "10.001"}, "Cents have two digits at most"),
        ({"basis": "CUSTOM", "amount": "-5"}, "Enter an amount."),
        ({"basis": "PROCEDURES"}, "Choose at least one procedure."),
        ({"basis": "PROCEDURES", "procedures": [11], "amount": "90"}, "more than the chosen procedures"),
        ({"basis": "PROCEDURES", "procedures": [99]}, "99 is not one of the available choices"),
        ({"basis": "nonsense"}, "not one of the available choices"),
        ({}, "This field is required"),
    ],
)
def test_a_wish_that_can_not_be_is_refused_beside_its_field(
    desk: Client, ana: Patient, wish: dict[str, Any], said: str
) -> None:
    answer = desk.post(url(ana), {"token": token(desk, ana), **wish})
    assert (answer.status_code, said in answer.content.decode()) == (422, True)
    assert Sale.objects.count() == 0


def test_a_page_that_stood_too_long_is_read_again(desk: Client, ana: Patient, office: dict[str, Any]) -> None:
    answer = desk.post(url(ana), {"basis": "PATIENT", "token": "gone"}, follow=True)
    assert "more than 10 minutes ago" in answer.content.decode()
    assert (Sale.objects.count(), office["reads"]) == (0, 0)


def test_a_card_on_file_is_charged_once_however_often_it_is_pressed(
    desk: Client, ana: Patient, shop: Shop, handed: list[dict[str, Any]]
) -> None:
    card, sale = shop.card(ana), draft(desk, ana, note="Crown")
    pay(desk, sale, str(card.pk), "120.00")
    again = pay(desk, sale, str(card.pk), "120.00")
    assert "All of this is paid or being paid." in again
    assert len(handed) == 1
    handed.append(handed[0])
    work(handed)

    page = words(desk.get(f"/payments/sales/{sale.uuid}/state/"))
    assert "$120.00 taken: Visa 4242." in page
    assert (shop.taken(), Payment.objects.get().amount_cents) == ([120_00], 120_00)
    assert LedgerPosting.objects.get().patient == ana
    sale.refresh_from_db()
    assert sale.state == "PAID"


def test_cash_and_a_check_are_recorded_with_their_payment_type_and_ask_no_processor(
    desk: Client, ana: Patient, shop: Shop, handed: list[dict[str, Any]]
) -> None:
    sale = draft(desk, ana)
    pay(desk, sale, "recorded", "20", pay_type="70")
    page = pay(desk, sale, "recorded", "100", pay_type="69", number="1044")
    assert "$100.00 taken: Check 1044." in page
    made = Attempt.objects.order_by("pk").values_list("channel", "paid_with", "pay_type_num", "state", "amount_cents")
    assert list(made) == [
        ("RECORDED", "Cash", 70, "SUCCEEDED", 20_00),
        ("RECORDED", "Check 1044", 69, "SUCCEEDED", 100_00),
    ]
    assert (handed, shop.asked()) == ([], [])


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"amount": "10"}, "Choose how it is paid."),
        ({"method": "recorded", "amount": "10"}, "Choose the payment type"),
        ({"method": "recorded", "pay_type": "70", "amount": "500"}, "Only $120.00 is still to be paid."),
        ({"method": "recorded", "pay_type": "70", "amount": ""}, "Enter an amount."),
        ({"method": "recorded", "pay_type": "71", "amount": "10"}, "not one of the available choices"),
        ({"method": "9999", "amount": "10"}, "not one of the available choices"),
    ],
)
def test_a_tender_that_can_not_be_is_refused_and_nothing_is_taken(
    desk: Client, ana: Patient, wish: dict[str, Any], said: str
) -> None:
    sale = draft(desk, ana)
    answer = desk.post(f"/payments/sales/{sale.uuid}/pay/", wish)
    assert (answer.status_code, said in answer.content.decode()) == (422, True)
    assert (Payment.objects.count(), DuePart.objects.count()) == (0, 0)


def test_a_card_is_not_charged_less_than_the_processor_takes(desk: Client, ana: Patient, shop: Shop) -> None:
    card, sale = shop.card(ana), draft(desk, ana)
    assert "less than $0.50" in pay(desk, sale, str(card.pk), "0.40")
    assert DuePart.objects.count() == 0


def test_a_declined_card_is_told_and_another_one_pays_the_same_sale(
    desk: Client, ana: Patient, shop: Shop, handed: list[dict[str, Any]]
) -> None:
    poor, good = shop.card(ana, POOR, is_primary=False), shop.card(ana)
    sale = draft(desk, ana)
    pay(desk, sale, str(poor.pk), "120")
    work(handed)
    page = words(desk.get(f"/payments/sales/{sale.uuid}/"))
    assert "was declined" in page
    assert "Take $120.00" in page
    pay(desk, sale, str(good.pk), "120")
    work(handed)
    assert shop.taken() == [120_00]


def test_a_refusal_before_the_charge_is_told_and_frees_the_sale(
    desk: Client, ana: Patient, shop: Shop, handed: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def recheck(_part: int, _now: datetime) -> None:
        raise upward.UnableToRecheck("The office did not answer")

    monkeypatch.setattr(upward.handlers, "recheck", recheck)
    sale = draft(desk, ana)
    pay(desk, sale, str(shop.card(ana).pk), "120")
    work(handed)
    page = words(desk.get(f"/payments/sales/{sale.uuid}/"))
    assert "$120.00 was not charged." in page
    assert "The office did not answer" in page
    assert "Take $120.00" in page
    assert shop.taken() == []


def test_without_a_queue_nothing_is_charged_and_the_desk_is_told(
    desk: Client, ana: Patient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(tasks.collect_one, "delay", away)
    sale = draft(desk, ana)
    assert "queue of KasperPay is away" in pay(desk, sale, str(shop.card(ana).pk), "120")
    assert list(DuePart.objects.values_list("state", flat=True)) == ["CLOSED"]


def test_a_payment_under_way_and_autopay_tomorrow_are_pointed_out_before_money_is_taken(
    desk: Client, ana: Patient, practice: Practice
) -> None:
    due = factories.collectable(practice)
    plan = due.installment.plan  # type: ignore[union-attr]
    plan.patient = plan.guarantor = ana
    plan.save(update_fields=["patient", "guarantor"])
    page = words(desk.get(f"/payments/sales/{draft(desk, ana).uuid}/"))
    assert f"Autopay charges $128.60 for plan {plan.pay_plan_num}" in page

    making.attempt(due, "PENDING")
    page = words(desk.get(f"/payments/sales/{draft(desk, ana).uuid}/"))
    assert "A payment of $128.60 is under way" in page


def test_a_sale_is_ended_by_hand_and_then_takes_nothing(desk: Client, ana: Patient) -> None:
    sale = draft(desk, ana)
    pay(desk, sale, "recorded", "20", pay_type="70")
    desk.post(f"/payments/sales/{sale.uuid}/cancel/")
    sale.refresh_from_db()
    assert sale.state == "CANCELED"
    assert "begin a new one" in pay(desk, sale, "recorded", "20", pay_type="70")
    assert Payment.objects.count() == 1


def test_the_receipt_names_what_was_paid(desk: Client, ana: Patient) -> None:
    sale = draft(desk, ana)
    pay(desk, sale, "recorded", "120", pay_type="70")
    page = words(desk.get(f"/payments/{Payment.objects.get().pk}/receipt/"))
    assert "Paid withCash" in page
    assert "Jan 8, 2026D0120Regular check-upDOC1$80.00" in page


def test_cash_is_given_back_from_the_drawer_and_written_down(
    desk: Client, biller: Client, ana: Patient, shop: Shop, orders: list[dict[str, Any]]
) -> None:
    pay(desk, draft(desk, ana), "recorded", "120", pay_type="70")
    payment = Payment.objects.get()
    biller.post(f"/payments/{payment.pk}/refund/", {"amount": "50", "reason": "REQUESTED", "newest": 0})
    tasks.refund_one(**orders.pop())
    refund = payment.refunds.get()
    assert (refund.state, refund.amount_cents, shop.asked()) == ("SUCCEEDED", 50_00, [])
    assert LedgerPosting.objects.get(movement="REFUND").amount_cents == -50_00


def test_an_auditor_takes_no_payment(auditor: Client, desk: Client, ana: Patient) -> None:
    sale = draft(desk, ana)
    addresses = [url(ana), f"{url(ana)}account/", f"/payments/sales/{sale.uuid}/"]
    assert [auditor.get(one).status_code for one in addresses] == [403] * 3
    assert auditor.post(f"/payments/sales/{sale.uuid}/pay/", {"method": "recorded"}).status_code == 403
