"""Manual entry at the desk: the card is typed in on the processor's page, which is closed before another means."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from patients.models import Patient
from payments import tasks
from payments.models import DuePart, Payment
from tests.plugins.stripe import Shop
from tests.staff.selling import HTMX, draft, pay, words, work

pytestmark = pytest.mark.usefixtures("office", "page_open")


def test_manual_entry_leads_to_the_processors_page_and_back_with_the_money_taken(
    desk: Client, ana: Patient, shop: Shop, handed: list[dict[str, Any]]
) -> None:
    sale = draft(desk, ana)
    here = f"/payments/sales/{sale.uuid}/"
    wish = {"method": "manual", "amount": "120.00", "newest": 0}
    led = desk.post(f"{here}pay/", wish)["Location"]
    part = DuePart.objects.get()
    assert led == f"{here}?opening={part.pk}"
    asking, card_page = f"{here}state/?opening={part.pk}", f"{here}tenders/{part.pk}/card-page/"
    assert "HX-Redirect" not in desk.get(asking, headers=HTMX)
    work(handed)
    assert desk.get(asking, headers=HTMX)["HX-Redirect"] == card_page
    assert "HX-Redirect" not in desk.get(f"{here}state/", headers=HTMX), "only whoever asked for it is led there"
    page = desk.get(card_page)["Location"]
    assert page.startswith(f"{shop.process.url}/c/pay/")

    typed = {"number": "4242424242424242", "expiry": "12/40", "code": "123", "name": "Pat Example", "zip_code": "97301"}
    back = shop.process.http.post(page.removeprefix(shop.process.url), data=typed)
    assert back.headers["Location"].endswith(f"{card_page}back/")
    assert "$120.00 taken: Visa 4242." in words(desk.get(f"{card_page}back/", follow=True))
    assert desk.get(card_page)["Location"] == here, "there is none any more"
    assert (shop.taken(), Payment.objects.count()) == ([120_00], 1)


def test_a_card_page_is_closed_before_another_means_is_taken(
    desk: Client, ana: Patient, shop: Shop, handed: list[dict[str, Any]]
) -> None:
    sale = draft(desk, ana)
    here = f"/payments/sales/{sale.uuid}/"
    pay(desk, sale, "manual", "120.00")
    work(handed)
    assert "All of this is paid or being paid." in pay(desk, sale, "recorded", "120.00", pay_type="70")
    part = DuePart.objects.get()
    said = words(desk.post(f"{here}tenders/{part.pk}/give-up/", follow=True))
    assert "The card page is closed. Nothing was charged." in said
    assert "Take $120.00" in said
    assert desk.post(f"{here}tenders/999/give-up/").status_code == 404
    pay(desk, sale, "recorded", "120.00", pay_type="70")
    assert (shop.taken(), Payment.objects.get().attempt.means) == ([], "Cash")


def test_a_processor_that_is_away_opens_no_card_page_and_says_so(
    desk: Client, ana: Patient, shop: Shop, handed: list[dict[str, Any]]
) -> None:
    sale = draft(desk, ana)
    here = f"/payments/sales/{sale.uuid}/"
    pay(desk, sale, "manual", "120.00")
    work(handed)
    shop.fault("GET /v1/checkout/sessions/*", "drop_before", times=4)
    assert "be opened: The processor did not answer." in words(
        desk.get(f"{here}tenders/{DuePart.objects.get().pk}/card-page/", follow=True)
    )
    shop.fault("* /v1/checkout/sessions/*", "drop_before", times=4)
    part = DuePart.objects.get()
    said = words(desk.post(f"{here}tenders/{part.pk}/give-up/", follow=True))
    assert "has not said yet whether the page is closed" in said
    assert DuePart.objects.get().state == "OPEN"


def test_each_of_two_pages_of_one_sale_leads_to_its_own_amount(
    desk: Client, ana: Patient, shop: Shop, handed: list[dict[str, Any]]
) -> None:
    sale = draft(desk, ana)
    here = f"/payments/sales/{sale.uuid}/"
    pay(desk, sale, "manual", "70.00")
    pay(desk, sale, "manual", "50.00")
    first, second = DuePart.objects.order_by("pk")
    tasks.open_page_one(**handed.pop(0))
    assert "HX-Redirect" not in desk.get(f"{here}state/?opening={second.pk}", headers=HTMX), "the other one is open"
    work(handed)
    pages = [desk.get(f"{here}tenders/{part.pk}/card-page/")["Location"] for part in (first, second)]
    amounts = ["$70.00" in shop.process.http.get(page.removeprefix(shop.process.url)).text for page in pages]
    assert (amounts, pages[0] != pages[1]) == ([True, False], True)


def test_a_second_click_on_half_of_a_sale_takes_that_half_once(
    desk: Client, ana: Patient, shop: Shop, handed: list[dict[str, Any]]
) -> None:
    sale, card = draft(desk, ana), shop.card(ana)
    for _ in range(2):
        said = pay(desk, sale, str(card.pk), "60.00", newest=0)
    work(handed)
    assert "This was paid at meanwhile, perhaps by a second click: look at it first." in said
    assert shop.taken() == [60_00]
    assert "This page was incomplete, so nothing was taken." in pay(desk, sale, str(card.pk), "60.00", newest="")
    assert shop.taken() == [60_00]
