"""Process Payment with a terminal at the browser: chosen, watched live, another card, canceled."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from kombu.exceptions import OperationalError

from cards.models import Consent
from patients.models import Patient
from payments.models import Attempt, DuePart, Payment
from terminals import tasks
from terminals.models import DefaultReader, Reader, ReaderRun
from tests.plugins.stripe import POOR
from tests.staff.conftest import HTMX
from tests.staff.selling import ana, draft, newest, office, pay
from tests.terminals.conftest import Counter

__all__ = ["ana", "office"]


@pytest.fixture(autouse=True)
def said(office: dict[str, Any]) -> None:
    """Open Dental answers."""


def words(answer: Any) -> str:
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split()))


def live(client: Client, seen: str = "") -> str:
    """What the live part shows now; '' when it shows the same as `seen`."""
    query = {"since": str(int(datetime.now(UTC).timestamp())), "seen": seen}
    answer = client.get(f"/payments/terminal/{DuePart.objects.get().pk}/state/", query, headers=HTMX)
    return "" if answer.status_code == 204 else words(answer)


def test_a_payment_is_followed_from_the_choice_to_the_approved_card(
    desk: Client, ana: Patient, counter: Counter, inline: list[dict[str, Any]]
) -> None:
    sale = draft(desk, ana)
    page = words(desk.get(f"/payments/sales/{sale.uuid}/"))
    assert ("Terminal: tap, chip or swipe" in page, "keep the card I use at the terminal now" in page) == (True, True)

    shown = pay(desk, sale, "terminal", "120", reader=str(counter.reader.pk), keeps_card="on")
    assert "Waiting for a cardThe patient taps, inserts or swipes a card on Front desk." in shown
    assert "is waiting for a card at the terminal" in words(desk.get(f"/payments/sales/{sale.uuid}/state/"))
    counter.tap(POOR)
    seen = f"waiting-{ReaderRun.objects.get().pk}-OPEN"
    assert live(desk, seen) == "", "nobody has told us yet, so nothing on the screen is replaced"
    assert "The card was declined: insufficient funds" in live(desk), "the screen had the reader looked at"

    url = f"/payments/terminal/{DuePart.objects.get().pk}"
    again = words(desk.post(f"{url}/again/", {"reader": counter.reader.pk}, follow=True))
    assert ("Waiting for a card" in again, "The card before was declined" in again) == (True, True)
    counter.tap()
    live(desk)
    done = live(desk)
    assert ("Approved: $120.00 Taken with Visa 4242." in done, "Visa 4242 is saved." in done) == (True, True)
    assert "hx-get=" not in desk.get(f"{url}/state/", headers=HTMX).content.decode(), "nothing moves any more"
    assert (counter.shop.taken(), Payment.objects.count(), Consent.objects.count()) == ([120_00], 1, 1)
    assert "$120.00 taken: Visa 4242." in words(desk.get(f"/payments/sales/{sale.uuid}/"))


def test_a_forgotten_tab_stops_asking(
    desk: Client, ana: Patient, counter: Counter, inline: list[dict[str, Any]]
) -> None:
    pay(desk, draft(desk, ana), "terminal", "120", reader=str(counter.reader.pk))
    answer = desk.get(f"/payments/terminal/{DuePart.objects.get().pk}/state/", {"since": "1"}, headers=HTMX)
    assert ("This page stopped asking" in words(answer), "hx-get=" in answer.content.decode()) == (True, False)


def test_a_wallet_that_leaves_no_card_is_said_on_the_screen(
    desk: Client, ana: Patient, counter: Counter, inline: list[dict[str, Any]]
) -> None:
    pay(desk, draft(desk, ana), "terminal", "120", reader=str(counter.reader.pk), keeps_card="on")
    counter.tap(wallet="google_pay")
    live(desk)
    assert "The card was not saved : a phone's or watch's wallet leaves none" in live(desk)


def test_cancel_leads_back_to_the_sale_and_nothing_was_charged(
    desk: Client, ana: Patient, counter: Counter, inline: list[dict[str, Any]]
) -> None:
    sale = draft(desk, ana)
    pay(desk, sale, "terminal", "120", reader=str(counter.reader.pk))
    back = words(desk.post(f"/payments/terminal/{DuePart.objects.get().pk}/cancel/", follow=True))
    assert ("Canceled. Nothing was charged." in back, "Take $120.00" in back) == (True, True)
    assert (counter.shop.intents(), counter.screen, Payment.objects.count()) == (["canceled"], "idle", 0)


def test_a_reader_that_is_taken_is_refused_at_once_and_the_sale_stays_open(
    desk: Client, ana: Patient, counter: Counter, inline: list[dict[str, Any]]
) -> None:
    sale = draft(desk, ana)
    pay(desk, sale, "terminal", "50", reader=str(counter.reader.pk))
    second = pay(desk, sale, "terminal", "70", reader=str(counter.reader.pk))
    assert second.count("Front desk is taking another payment") == 2, "said at once, and beside the tender later on"
    assert "is waiting for a card" in second
    assert list(DuePart.objects.order_by("pk").values_list("state", flat=True)) == ["OPEN", "CLOSED"]
    assert (Attempt.objects.count(), ReaderRun.objects.count(), counter.commands) == (1, 1, 1)


def test_without_a_queue_nothing_is_begun(
    desk: Client, ana: Patient, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: Any) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(tasks.take_one, "delay", away)
    sale = draft(desk, ana)
    page = pay(desk, sale, "terminal", "120", reader=str(counter.reader.pk))
    assert ("The queue of KasperPay is away" in page, "Take $120.00" in page) == (True, True)
    assert (Attempt.objects.count(), counter.commands) == (0, 0)


@pytest.mark.parametrize(
    ("wish", "wrong"), [({}, "Choose a terminal."), ({"reader": "999999"}, "not one of the available choices")]
)
def test_a_terminal_must_be_one_of_the_practice(
    desk: Client, ana: Patient, counter: Counter, wish: dict[str, str], wrong: str
) -> None:
    sale = draft(desk, ana)
    answer = desk.post(
        f"/payments/sales/{sale.uuid}/pay/", {"method": "terminal", "amount": "120", "newest": newest(sale), **wish}
    )
    assert (answer.status_code, wrong in words(answer), DuePart.objects.count()) == (422, True, 0)


def test_my_default_terminal_stands_chosen(desk: Client, ana: Patient, counter: Counter) -> None:
    first = counter.reader
    other = Reader.objects.create(
        practice=first.practice, location=first.location, label="Aside", reference="tmr_aside",
        registered_at=first.registered_at,
    )  # fmt: skip
    url = f"/payments/sales/{draft(desk, ana).uuid}/"
    options = r'<option value="(\d+)"[^>]*>(?:Aside|Front desk)'
    assert re.findall(options, desk.get(url).content.decode()) == [str(other.pk), str(first.pk)]
    desk.post(f"/terminals/{first.pk}/mine/")
    assert DefaultReader.objects.count() == 1
    assert re.findall(options, desk.get(url).content.decode()) == [str(first.pk), str(other.pk)]
