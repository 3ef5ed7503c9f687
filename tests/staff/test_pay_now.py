"""Pay Now: the confirm, the one charge, and what is seen until the outcome is known."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from cards.models import Card
from payments import tasks
from payments.models import Attempt, DuePart
from practices.models import Practice
from tests import factories
from tests.plugins.money import Ledger
from tests.plugins.stripe import Shop
from tests.staff import making
from tests.staff.conftest import DRAWER, HTMX


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the page handed to a worker; `work` does it as a worker would."""
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(tasks.collect_one, "delay", lambda **wish: calls.append(wish))
    return calls


def work(handed: list[dict[str, Any]]) -> None:
    while handed:
        tasks.collect_one(**handed.pop(0))


def url(part: DuePart) -> str:
    assert part.installment is not None
    return f"/installments/{part.installment.pk}/pay-now/"


def card_of(part: DuePart) -> Card:
    assert part.installment is not None
    card: Card = part.installment.plan.autopay.card
    return card


def test_the_confirm_names_amount_card_and_payer(desk: Client, part: DuePart, nudged: list[int]) -> None:
    page = desk.get(url(part), headers=DRAWER).content.decode()

    assert "Charge $128.60 now" in page
    assert 'data-busy="Charging…"' in page
    assert "Card of Ana Sample-Ortiz" in page
    assert f'name="card" value="{card_of(part).pk}"' in page


def test_opening_the_confirm_charges_nothing(
    desk: Client, part: DuePart, handed: list[dict[str, Any]], ledger: Ledger
) -> None:
    desk.get(url(part))

    assert handed == []
    ledger.wrote()


def test_pressing_it_charges_once_and_the_page_follows_to_the_end(
    desk: Client, part: DuePart, shop: Shop, handed: list[dict[str, Any]], nudged: list[int]
) -> None:
    answer = desk.post(url(part), {"card": card_of(part).pk})
    watching = answer["Location"]
    assert "Checking with Open Dental that this is still owed…" in desk.get(watching).content.decode()

    work(handed)
    page = desk.get(watching).content.decode()

    assert shop.taken() == [128_60]
    assert re.search(r'Charged <span class="money">\$128.60</span> to Visa 4242.', page)
    assert "Not posted to Open Dental yet" in page


def test_pressing_it_twice_charges_once(
    desk: Client, part: DuePart, shop: Shop, handed: list[dict[str, Any]], nudged: list[int]
) -> None:
    first, second = (desk.post(url(part), {"card": card_of(part).pk})["Location"] for _ in range(2))
    work(handed)

    assert shop.taken() == [128_60]
    assert Attempt.objects.count() == 1
    assert "Charged" in desk.get(first).content.decode()
    assert "Charged" in desk.get(second).content.decode()


def test_while_money_is_in_flight_it_is_not_offered_again(
    desk: Client, practice: Practice, handed: list[dict[str, Any]], nudged: list[int]
) -> None:
    scene = making.scene(practice)
    making.attempt(scene.part, "UNKNOWN")

    page = desk.get(url(scene.part)).content.decode()
    answer = desk.post(url(scene.part), {"card": scene.card.pk})

    assert "A charge of this payment is under way." in page
    assert "Charge $128.60 now" not in page
    assert answer.status_code == 422
    assert handed == []


def test_a_decline_is_said_with_its_reason(
    desk: Client, part: DuePart, shop: Shop, handed: list[dict[str, Any]], nudged: list[int]
) -> None:
    shop.behave(card_of(part), "decline:insufficient_funds")
    watching = desk.post(url(part), {"card": card_of(part).pk})["Location"]
    work(handed)

    page = desk.get(watching).content.decode()

    assert shop.taken() == []
    assert "<strong>Declined" in page
    assert "Nothing was charged." in page


def test_a_refusal_of_the_claim_is_said_in_words(
    desk: Client, part: DuePart, shop: Shop, handed: list[dict[str, Any]], nudged: list[int]
) -> None:
    watching = desk.post(url(part), {"card": card_of(part).pk})["Location"]
    Card.objects.update(state=Card.State.BLOCKED)
    work(handed)

    page = desk.get(watching).content.decode()

    assert "Nothing was charged: The card is no longer active." in page
    assert shop.intents() == []
    assert Attempt.objects.count() == 0


def test_the_page_asks_again_until_the_outcome_is_known(
    desk: Client, part: DuePart, handed: list[dict[str, Any]], nudged: list[int]
) -> None:
    watching = desk.post(url(part), {"card": card_of(part).pk})["Location"]

    page = desk.get(watching).content.decode()
    again = re.findall(r'hx-get="([^"]+)" hx-trigger="load delay:1s"', page)[0].replace("&amp;", "&")
    part_of_page = desk.get(again, headers=HTMX).content.decode()

    assert "poll=1" in again
    assert "poll=2" in part_of_page
    assert "<html" not in part_of_page


def test_a_forgotten_page_stops_asking(desk: Client, part: DuePart, handed: list[dict[str, Any]]) -> None:
    watching = desk.post(url(part), {"card": card_of(part).pk})["Location"]

    page = desk.get(f"{watching}&poll=90", headers=HTMX).content.decode()

    assert "hx-get" not in page
    assert "This page stopped asking." in page


@pytest.mark.parametrize("card", ["", "0", "x", "999999"])
def test_a_card_that_is_not_offered_is_refused(
    desk: Client, part: DuePart, handed: list[dict[str, Any]], card: str, ledger: Ledger
) -> None:
    assert desk.post(url(part), {"card": card}).status_code == 422
    assert handed == []
    ledger.wrote()


def test_a_card_of_another_person_is_refused(
    desk: Client, practice: Practice, part: DuePart, handed: list[dict[str, Any]]
) -> None:
    other = factories.CardFactory.create(patient=making.patient(practice, pat_num=5))

    assert desk.post(url(part), {"card": other.pk}).status_code == 422
    assert handed == []


def test_what_is_paid_has_no_pay_now(desk: Client, practice: Practice) -> None:
    scene = making.scene(practice)
    paid = scene.payment.allocations.get().installment_id

    assert desk.get(f"/installments/{paid}/pay-now/").status_code == 404


@pytest.mark.parametrize("query", ["", "?at=yesterday", "?at=2026-03-10T10:00:00", "?asked=x&at="])
def test_a_mistyped_address_of_the_progress_is_not_found(desk: Client, part: DuePart, query: str) -> None:
    assert desk.get(f"/payments/parts/{part.pk}/progress/{query}").status_code == 404


def test_a_posting_is_followed_until_open_dental_has_it(desk: Client, practice: Practice, now: datetime) -> None:
    scene = making.scene(practice)
    posting = scene.payment.postings.get()
    posting.state = "POSTED"
    posting.save(update_fields=["state"])
    address = f"/payments/attempts/{scene.payment.attempt_id}/state/"

    waiting = desk.get(f"{address}?poll=1", headers=HTMX).content.decode()
    posting.state = "MATCHED"
    posting.save(update_fields=["state"])
    done = desk.get(f"{address}?poll=2", headers=HTMX).content.decode()

    assert f'hx-get="{address}?poll=2" hx-trigger="load delay:2s"' in waiting
    assert "hx-get" not in done
    assert "Posted to Open Dental as payment 56734 and read back." in done


def test_an_installment_is_paid_with_a_card_typed_in_on_the_processors_page(
    desk: Client, part: DuePart, shop: Shop, nudged: list[int], page_open: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(tasks.open_page_one, "delay", lambda **wish: asked.append(wish))
    assert "Manual entry, on the card processor's page" in desk.get(url(part)).content.decode().replace("&#x27;", "'")
    elsewhere, here = f"{url(part)}elsewhere/", f"/payments/parts/{part.pk}/card-page/"
    assert desk.post(elsewhere, {"way": "terminal", "newest": 0})["Location"] == url(part), "no terminal was chosen"
    watching = desk.post(elsewhere, {"way": "manual", "newest": 0})["Location"]
    tasks.open_page_one(**asked[0])
    assert desk.get(f"{watching}&poll=1", headers=HTMX)["HX-Redirect"] == here
    page = desk.get(here)["Location"]
    assert page.startswith(f"{shop.process.url}/c/pay/")
    # Left without a card: it can be opened again, and closed.
    attempt = f"/payments/attempts/{Attempt.objects.get().pk}/"
    assert desk.get(f"{here}back/")["Location"] == attempt
    assert "Close it, take nothing" in desk.get(attempt).content.decode()
    assert "A second one would charge twice" in desk.get(url(part)).content.decode()
    desk.post(f"{here}give-up/")
    assert Attempt.objects.get().state == "NOT_TAKEN"

    # A second click of the first page, then a new look.
    tasks.open_page_one(**{**asked[0], "request": "again"})
    assert Attempt.objects.count() == 1
    desk.post(elsewhere, {"way": "manual", "newest": Attempt.objects.get().pk})
    tasks.open_page_one(**asked[1])
    typed = {"number": "4242424242424242", "expiry": "12/40", "code": "123", "name": "Pat Example", "zip_code": "97301"}
    shop.process.http.post(desk.get(here)["Location"].removeprefix(shop.process.url), data=typed)
    desk.get(f"{here}back/")
    part.refresh_from_db()
    assert (shop.taken(), part.state) == ([128_60], "PAID")
