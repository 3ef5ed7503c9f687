"""A receipt by a link: sent once, opened with the payer's birth date, useless after that many wrong ones."""

from __future__ import annotations

import io
import re
import uuid
from datetime import timedelta
from typing import Any

import pypdf
import pytest
import time_machine
from django.core.cache import cache
from django.test import Client

from core.tokens import link_token
from notifications.models import Channel, Message, MessagingAccount
from patients.models import Patient
from paylinks import limits, receipt_links
from paylinks.models import ReceiptLink
from payments.models import Payment
from practices import tenancy
from practices.models import Event, Practice
from tests import factories
from tests.paylinks.conftest import DAY, Time, words
from tests.staff import making

BORN = {"month": "3", "day": "14", "year": "1986"}
WRONG = {**BORN, "year": "1987"}


@pytest.fixture
def paid(practice: Practice, nudged: list[int], time: Time) -> Payment:
    """$80.00 in cash for Ána's check-up."""
    return making.taken_at_the_desk(making.family_sale(practice, time.now), 80_00, "Cash", time.now)


@pytest.fixture
def desk(practice: Practice) -> Client:
    client = Client()
    client.force_login(factories.MembershipFactory.create(practice=practice, role="FRONT_DESK").user)
    return client


@pytest.fixture
def texting(practice: Practice, time: Time) -> MessagingAccount:
    return MessagingAccount.objects.create(
        practice=practice, base_url="http://127.0.0.1:9", sid="AC1", token="t", from_number="+15555550100",
        connected_at=time.now,
    )  # fmt: skip


@pytest.fixture
def link(paid: Payment, time: Time) -> ReceiptLink:
    receipt_links.send(paid, channel=Channel.EMAIL, click=uuid.uuid4(), actor="user:1", now=time.now)
    return ReceiptLink.objects.select_related("practice").get()


def address(link: ReceiptLink) -> str:
    return f"/p/{link.practice.slug}/{link_token(link.nonce)}"


def kinds() -> list[str]:
    found = Event.objects.filter(kind__startswith="receipt").order_by("pk")
    return [f"{one.kind} {one.actor.partition(':')[0]}" for one in found]


def send_url(paid: Payment) -> str:
    return f"/payments/{paid.pk}/receipt/send/"


def click_of(page: str) -> str:
    found = re.search(r'name="click" value="([0-9a-f-]+)"', page)
    assert found is not None
    return found[1]


def test_a_double_click_is_one_link_and_one_message_that_names_no_service(
    desk: Client, paid: Payment, texting: MessagingAccount
) -> None:
    page = desk.get(send_url(paid)).content.decode()
    assert ("Text to (555) 555-0142" in page, "E-mail to ana@example.com" in page) == (True, True)

    wish = {"channel": "SMS", "click": click_of(page)}
    answers = [desk.post(send_url(paid), wish, follow=True) for _ in range(2)]

    assert all("on its way by text to (555) 555-0142" in one.content.decode() for one in answers)
    message, link = Message.objects.get(kind="RECEIPT"), ReceiptLink.objects.get()
    assert (message.channel, message.link_nonce, message.state) == ("SMS", link.nonce, "QUEUED")
    assert message.body == (
        f"Maple Grove Dental: here is your receipt: [[link]] Reply STOP to opt out. Code {message.spoken_code}"
    )
    assert kinds() == ["receipt_sent user"]


def test_the_channel_that_staff_chose_is_kept_and_consent_stands_above_it(
    desk: Client, paid: Payment, texting: MessagingAccount, time: Time
) -> None:
    desk.post(send_url(paid), {"channel": "EMAIL", "click": uuid.uuid4()})
    assert Message.objects.get(kind="RECEIPT").channel == "EMAIL"

    Patient.objects.filter(pk=paid.payer_id).update(texting_wish="No")
    page = desk.get(send_url(paid)).content.decode()
    assert ("No text: Open Dental says no texts." in page, 'value="SMS"' in page) == (True, False)
    refused = desk.post(send_url(paid), {"channel": "SMS", "click": uuid.uuid4()})
    assert (refused.status_code, Message.objects.filter(kind="RECEIPT").count()) == (422, 1)
    Patient.objects.filter(pk=paid.payer_id).update(email="")
    nobody = desk.get(send_url(paid)).content.decode()
    assert ("can't be reached" in nobody.replace("&#x27;", "'"), 'name="click"' in nobody) == (True, False)


def test_without_a_birth_date_nothing_is_sent(desk: Client, paid: Payment) -> None:
    Patient.objects.filter(pk=paid.payer_id).update(birth_date=None)

    assert "has no birth date" in desk.get(send_url(paid)).content.decode()
    answer = desk.post(send_url(paid), {"channel": "EMAIL", "click": uuid.uuid4()})

    assert answer.status_code == 422
    assert (ReceiptLink.objects.count(), Message.objects.filter(kind="RECEIPT").count(), kinds()) == (0, 0, [])


def test_a_click_of_another_payment_sends_nothing(paid: Payment, link: ReceiptLink, time: Time) -> None:
    other = making.taken_at_the_desk(paid.attempt.due_part.sale, 5_00, "Cash", time.now)  # type: ignore[arg-type]

    with pytest.raises(receipt_links.UnableToSend, match="another payment"):
        receipt_links.send(other, channel="EMAIL", click=link.click, actor="user:1", now=time.now)

    assert (ReceiptLink.objects.count(), Message.objects.filter(kind="RECEIPT").count()) == (1, 1)


def test_reading_the_address_shows_amount_and_practice_and_changes_nothing(link: ReceiptLink) -> None:
    before = Event.objects.count()

    pages = [Client().get(address(link)), Client().get(address(link), follow=True)]

    for page in pages:
        assert "$80.00" in words(page)
        assert "Regular check-up" not in page.content.decode()
        assert "Sample" not in page.content.decode()
    assert "Maple Grove Dental" in pages[0].content.decode()
    assert Client().head(address(link)).status_code == 200
    link.refresh_from_db()
    assert (link.opened_at, link.wrong_tries, Event.objects.count()) == (None, 0, before)


def test_the_birth_date_opens_it_and_its_pdf(link: ReceiptLink, time: Time) -> None:
    phone = Client()

    opened = phone.post(f"{address(link)}/receipt", BORN)
    assert "For Ána Sample-Ortiz Regular check-up Jan. 8, 2026 · D0120 · DOC1 $80.00" in words(opened)
    assert "Left to pay of $175.00, as of March 10, 2026 $95.00" in words(opened)

    given = re.search(r'name="pass" value="([^"]+)"', opened.content.decode())
    assert given is not None
    answer = phone.post(f"{address(link)}/receipt.pdf", {"pass": given[1]})
    assert answer["Content-Type"] == "application/pdf"
    assert "Regular check-up" in pypdf.PdfReader(io.BytesIO(answer.content)).pages[0].extract_text()
    assert kinds() == ["receipt_sent user", "receipt_opened patient", "receipt_downloaded patient"]
    link.refresh_from_db()
    assert link.opened_at == time.now


def test_a_pass_is_of_one_link_and_of_half_an_hour(link: ReceiptLink) -> None:
    stolen = receipt_links.make_pass(ReceiptLink(nonce=uuid.uuid4()))
    with time_machine.travel("2020-01-01T00:00:00Z"):
        old = receipt_links.make_pass(link)

    for given in ("", "x", stolen, old):
        answer = Client().post(f"{address(link)}/receipt.pdf", {"pass": given})
        assert (answer.status_code, answer["Location"]) == (303, address(link))
    assert Client().get(f"{address(link)}/receipt")["Location"] == address(link)
    assert kinds() == ["receipt_sent user"]


def test_five_wrong_dates_end_the_link_and_each_stands_in_the_trail(link: ReceiptLink, time: Time) -> None:
    for typed in ({**BORN, "month": "13"}, {**BORN, "year": "86"}, {**BORN, "day": "x"}, {}):
        no_date = Client().post(f"{address(link)}/receipt", typed)
        assert (no_date.status_code, "That is not a date" in words(no_date)) == (422, True)

    tries = [Client().post(f"{address(link)}/receipt", WRONG) for _ in range(5)]

    assert [one.status_code for one in tries] == [422, 422, 422, 422, 410]
    assert "Tries left: 4." in words(tries[0])
    assert "1986" not in words(tries[0])
    assert kinds() == ["receipt_sent user", *["receipt_birth_date_wrong visitor"] * 5, "receipt_link_revoked visitor"]
    for answer in (Client().post(f"{address(link)}/receipt", BORN), Client().get(address(link))):
        assert answer.status_code == 410
        assert "$80.00" not in answer.content.decode()
    given = receipt_links.make_pass(link)
    assert Client().post(f"{address(link)}/receipt.pdf", {"pass": given}).status_code == 410


def test_wrong_dates_of_one_address_are_slowed_down(link: ReceiptLink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WRONG_LINKS_PER_MINUTE", 2)

    statuses = [Client().post(f"{address(link)}/receipt", WRONG).status_code for _ in range(3)]

    assert statuses == [422, 422, 429]
    cache.clear()


def test_a_link_ends_after_thirty_days_and_when_staff_revoke_it(
    desk: Client, link: ReceiptLink, paid: Payment, time: Time
) -> None:
    receipt_links.send(paid, channel="EMAIL", click=uuid.uuid4(), actor="user:1", now=time.now)
    other = ReceiptLink.objects.select_related("practice").latest("pk")
    desk.post(f"/receipt-links/{link.pk}/revoke/")
    assert Client().post(f"{address(link)}/receipt", BORN).status_code == 410
    assert Client().post(f"{address(other)}/receipt", BORN).status_code == 200

    time.now += 30 * DAY - timedelta(seconds=1)
    assert Client().get(address(other)).status_code == 200
    time.now += timedelta(seconds=1)
    assert Client().get(address(other)).status_code == 410


def test_a_receipt_s_address_pays_nothing_and_is_of_one_practice(link: ReceiptLink) -> None:
    other = factories.PracticeFactory.create()
    for path in ("card", "again", "autopay"):
        assert Client().post(f"{address(link)}/{path}", {"amount": "8000"}).status_code == 404
    elsewhere = f"/p/{other.slug}/{link_token(link.nonce)}"
    with tenancy.scope(0):
        answers: list[Any] = [Client().get(elsewhere), Client().post(f"{elsewhere}/receipt", BORN)]
    assert [one.status_code for one in answers] == [404, 404]


def test_a_spanish_speaker_reads_spanish(link: ReceiptLink) -> None:
    Patient.objects.filter(pk=link.patient_id).update(language="spa")

    assert "Su recibo" in words(Client().get(address(link)))
    opened = words(Client().post(f"{address(link)}/receipt", BORN))

    assert "Para Ána Sample-Ortiz Revisión normal 8 de enero de 2026 · D0120 · DOC1 $80.00" in opened
