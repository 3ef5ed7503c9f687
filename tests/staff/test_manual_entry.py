"""Manual entry at the desk: the card is typed in on the processor's page, which is closed before another means."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from patients.models import Patient
from payments.models import DuePart, Payment
from tests.plugins.stripe import Shop
from tests.staff.selling import HTMX, draft, pay, words, work

pytestmark = pytest.mark.usefixtures("office", "page_open")


def test_manual_entry_leads_to_the_processors_page_and_back_with_the_money_taken(
    desk: Client, ana: Patient, shop: Shop, handed: list[dict[str, Any]]
) -> None:
    sale = draft(desk, ana)
    here = f"/payments/sales/{sale.uuid}/"
    wish = {"method": "manual", "amount": "120.00"}
    assert desk.post(f"{here}pay/", wish)["Location"] == f"{here}?opening=1"
    assert "HX-Redirect" not in desk.get(f"{here}state/?opening=1", headers=HTMX)
    work(handed)
    assert desk.get(f"{here}state/?opening=1", headers=HTMX)["HX-Redirect"] == f"{here}card-page/"
    assert "HX-Redirect" not in desk.get(f"{here}state/", headers=HTMX), "only whoever asked for it is led there"
    page = desk.get(f"{here}card-page/")["Location"]
    assert page.startswith(f"{shop.process.url}/c/pay/")

    typed = {"number": "4242424242424242", "expiry": "12/40", "code": "123", "name": "Pat Example", "zip_code": "97301"}
    back = shop.process.http.post(page.removeprefix(shop.process.url), data=typed)
    assert back.headers["Location"].endswith(f"{here}card-page/back/")
    assert "$120.00 taken: Visa 4242." in words(desk.get(f"{here}card-page/back/", follow=True))
    assert desk.get(f"{here}card-page/")["Location"] == here, "there is none any more"
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
    assert "be opened: The processor did not answer." in words(desk.get(f"{here}card-page/", follow=True))
    shop.fault("* /v1/checkout/sessions/*", "drop_before", times=4)
    part = DuePart.objects.get()
    said = words(desk.post(f"{here}tenders/{part.pk}/give-up/", follow=True))
    assert "has not said yet whether the page is closed" in said
    assert DuePart.objects.get().state == "OPEN"
