"""Text to pay at the desk: handed over from a drafted sale, listed with its state, sent again, changed, canceled."""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from notifications.models import Message, MessagingAccount, TextingConsent
from patients.models import Patient
from paylinks import reminding, requests
from paylinks.models import PaymentRequest, RequestTry
from payments.models import DuePart, Sale
from practices.models import Event, PaymentSettings, Practice
from tests.staff.conftest import HTMX
from tests.staff.selling import draft, words

pytestmark = pytest.mark.usefixtures("office", "texting")


@pytest.fixture
def texting(practice: Practice, now: datetime) -> MessagingAccount:
    return MessagingAccount.objects.create(
        practice=practice, base_url="http://127.0.0.1:9", sid="AC1", token="t", from_number="+15555550100",
        connected_at=now,
    )  # fmt: skip


def ask(client: Client, patient: Patient, **more: Any) -> PaymentRequest:
    sale = draft(client, patient, **more)
    wish = {"to": f"{patient.pk}:SMS", "click": str(uuid.uuid4())}
    answer = client.post(f"/payments/sales/{sale.uuid}/ask/", wish)
    assert answer.status_code == 302, words(answer)
    return PaymentRequest.objects.latest("pk")


def shown(request: PaymentRequest, now: datetime) -> str:
    row: Any = PaymentRequest.objects.with_shown_state(now).get(pk=request.pk)
    return str(row.shown_state)


def test_a_sale_is_handed_over_once_and_holds_nothing(desk: Client, ana: Patient, now: datetime) -> None:
    sale = draft(desk, ana)
    page = words(desk.get(f"/payments/sales/{sale.uuid}/"))
    assert "Text to pay" in page
    here = f"/payments/sales/{sale.uuid}/ask/"
    form = desk.get(here).content.decode()
    click = re.search(r'name="click" value="([^"]+)"', form)
    assert click is not None
    wish = {"to": f"{ana.pk}:SMS", "click": click[1]}

    assert desk.post(here, {"to": "999:SMS", "click": click[1]}).status_code == 422
    for _ in range(2):
        said = words(desk.post(here, wish, follow=True))
    assert "The request of $120.00 is on its way by text to" in said

    one, message = PaymentRequest.objects.get(), Message.objects.get()
    assert (one.amount_cents, one.payer, one.state, shown(one, now)) == (120_00, ana, "OPEN", "QUEUED")
    assert list(one.lines.order_by("pk").values_list("proc_num", "amount_cents")) == [(11, 80_00), (13, 40_00)]
    assert (message.kind, message.link_nonce, message.patient) == ("REQUEST", one.nonce, ana)
    assert "$120.00" in message.body
    assert [word in message.body for word in ("evaluation", "filling", "Ana")] == [False] * 3
    sale.refresh_from_db()
    assert (sale.state, DuePart.objects.count()) == ("CANCELED", 0)
    again = draft(desk, ana)
    assert again.state == Sale.State.DRAFT, "whoever stands at the desk can still pay"


def test_a_child_s_guarantor_is_asked_first_and_whoever_opted_out_is_not_offered(desk: Client, ana: Patient) -> None:
    kim = Patient.objects.get(pat_num=73)
    Patient.objects.filter(pk=kim.pk).update(birth_date="2018-05-05", mobile_phone="", email="")
    sale = draft(desk, kim)
    page = words(desk.get(f"/payments/sales/{sale.uuid}/ask/"))
    assert "Text to (555)" in page
    assert "No text to Kim" in page
    TextingConsent.objects.create(
        practice=ana.practice, phone=ana.mobile_phone, allowed=False, source="reply", at=sale.drafted_at
    )
    assert "opted out of texts" in words(desk.get(f"/payments/sales/{sale.uuid}/ask/"))
    assert (
        desk.post(f"/payments/sales/{sale.uuid}/ask/", {"to": f"{ana.pk}:SMS", "click": str(uuid.uuid4())}).status_code
        == 422
    )
    assert (PaymentRequest.objects.count(), Message.objects.count()) == (0, 0)


def test_states_follow_the_message_the_press_and_the_clock_and_never_vanish(
    desk: Client, ana: Patient, now: datetime
) -> None:
    one = ask(desk, ana)
    message = Message.objects.filter(link_nonce=one.nonce)
    seen = []
    for state in ("QUEUED", "SENT", "DELIVERED", "UNDELIVERED", "BLOCKED"):
        message.update(state=state)
        seen.append(shown(one, now))
    assert seen == ["QUEUED", "SENT", "DELIVERED", "UNDELIVERABLE", "UNDELIVERABLE"]
    assert "Undeliverable" in words(desk.get(f"/communication/{ana.pk}/requests/", headers=HTMX))
    assert "Undeliverable 1" in words(desk.get("/payments/requests/?filter=undeliverable"))
    requests.opened(one, now)
    assert (shown(one, now), shown(one, now + timedelta(days=31))) == ("OPENED", "EXPIRED")
    requests.cancel(one.pk, actor="user:1", now=now)
    assert shown(one, now + timedelta(days=31)) == "CANCELED"
    page = words(desk.get("/payments/requests/?filter=canceled"))
    assert "Ana" in page
    assert "$120.00 in 1 request" in page
    assert "No requests here" in words(desk.get("/payments/requests/?filter=paid"))


def test_a_request_is_sent_again_changed_and_canceled_with_its_trail(desk: Client, ana: Patient, now: datetime) -> None:
    one = ask(desk, ana)
    here = f"/payments/requests/{one.pk}/"
    assert "Send again" in words(desk.get(here))
    assert "asks for $60.00 now" in words(desk.post(f"{here}change/", {"amount": "60"}, follow=True))
    for wrong in ("130", "0.20", "x", "-5"):
        assert desk.post(f"{here}change/", {"amount": wrong}).status_code == 422
    for _ in range(2):
        desk.post(f"{here}resend/", {"sendings": 1})
    bodies = list(Message.objects.order_by("pk").values_list("state", "body"))
    assert [("$60.00" in body, state) for state, body in bodies] == [(False, "CALLED_OFF"), (True, "QUEUED")]

    assert "can't be used any more" in desk.post(f"{here}cancel/", follow=True).content.decode().replace("&#x27;", "'")
    assert "This request is canceled." in words(desk.post(f"{here}resend/", {"sendings": 2}, follow=True))
    assert list(Message.objects.values_list("state", flat=True).distinct()) == ["CALLED_OFF"]
    kinds = Event.objects.about(request=one.pk).order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["request_made", "request_changed", "request_sent_again", "request_canceled"]


def test_nothing_is_changed_while_the_patient_is_paying(desk: Client, ana: Patient, now: datetime) -> None:
    one = ask(desk, ana)
    RequestTry.objects.create(
        practice=ana.practice, request=one, shown_cents=120_00, amount_cents=120_00, agreed_at=now
    )
    for what in ("change", "cancel"):
        answer = desk.post(f"/payments/requests/{one.pk}/{what}/", {"amount": "60"}, follow=True)
        assert "The patient is paying it just now" in words(answer)
    one.refresh_from_db()
    assert (one.state, one.amount_cents) == ("OPEN", 120_00)


def test_two_reminders_are_sent_and_none_after_it_was_settled(
    desk: Client, ana: Patient, now: datetime, office: dict[str, Any]
) -> None:
    one, other = ask(desk, ana), ask(desk, ana)
    requests.cancel(other.pk, actor="user:1", now=now)
    made = []
    for day in range(9):
        made.append(sum(reminding.remind_due(ana.practice_id, now=now + timedelta(days=day)) for _ in range(2)))
    assert made == [0, 0, 1, 0, 0, 1, 0, 0, 0]
    kinds = Message.objects.filter(link_nonce=one.nonce).order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["REQUEST", "REQUEST_REMINDER", "REQUEST_REMINDER"]

    last = ask(desk, ana)
    office["problem"] = "The office is offline."
    assert reminding.remind_due(ana.practice_id, now=now + timedelta(days=2)) == 0
    PaymentSettings.objects.update(first_reminder_days=0, second_reminder_days=0)
    office["problem"] = ""
    assert reminding.remind_due(ana.practice_id, now=now + timedelta(days=6)) == 0
    assert Message.objects.filter(link_nonce=last.nonce).count() == 1
