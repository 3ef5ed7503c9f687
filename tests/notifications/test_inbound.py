"""What the carrier tells us: forged, early, late, twice and out of order; and what patients write back."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from notifications import send, texting, wishes
from notifications.models import Message, MessagingAccount, Reply, TextingConsent
from patients.models import Patient
from practices import tenancy
from practices.models import Event, Practice
from tests import factories
from tests.notifications.conftest import OUR_NUMBER, TOKEN, texts
from tests.notifications.making import failed_notice, reread
from tests.outside import Outside

State = Message.State


def post(practice: Practice, what: str, form: dict[str, str], *, token: str = TOKEN, query: str = "") -> Any:
    """A webhook signed as Twilio signs it."""
    path = f"/webhooks/twilio/{practice.slug}/{what}{query}"
    signature = RequestValidator(token).compute_signature(f"http://testserver{path}", form)
    return Client().post(path, form, headers={"X-Twilio-Signature": signature})


def report(practice: Practice, status: str, reference: str = "SM1", **more: str) -> Any:
    query = f"?message={more.pop('message')}" if "message" in more else ""
    return post(practice, "status", {"MessageSid": reference, "MessageStatus": status, **more}, query=query)


def reply(practice: Practice, body: str, *, sid: str = "SM9", phone: str = "+15555550142", **more: str) -> str:
    form = {"MessageSid": sid, "From": phone, "To": OUR_NUMBER, "Body": body, **more}
    answer = post(practice, "inbound", form)
    assert answer.status_code == 200
    return str(answer.content.decode())


@pytest.fixture
def sent(practice: Practice, account: MessagingAccount, ana: Patient, now: datetime) -> Message:
    ana.email = ""  # So that what is undelivered stands as such.
    ana.save()
    message = failed_notice(ana, now)
    Message.objects.update(state=State.SENT, carrier_reference="SM1", sent_at=now)
    return reread(message)


@pytest.mark.parametrize(
    ("reports", "state"),
    [
        (["sending", "sent", "delivered"], State.DELIVERED),
        (["delivered", "sent", "sending"], State.DELIVERED),
        (["delivered", "delivered"], State.DELIVERED),
        (["delivered", "undelivered"], State.DELIVERED),
        (["undelivered", "sent"], State.UNDELIVERED),
        (["undelivered", "delivered"], State.DELIVERED),
        (["undelivered", "undelivered"], State.UNDELIVERED),
        (["something_new"], State.SENT),
    ],
)
def test_reports_move_a_message_up_and_never_back(
    practice: Practice, sent: Message, reports: list[str], state: str
) -> None:
    for status in reports:
        assert report(practice, status).status_code == 204

    assert reread(sent).state == state


def test_a_report_that_comes_twice_is_one_event(practice: Practice, sent: Message) -> None:
    report(practice, "delivered")
    report(practice, "delivered")

    assert [event.kind for event in Event.objects.about(message=sent.pk)] == ["message_delivered"]


def test_an_undelivered_text_says_why(practice: Practice, sent: Message) -> None:
    report(practice, "undelivered", ErrorCode="30005")

    assert reread(sent).state_reason == "Not delivered: the number is unknown (error 30005)"


@pytest.mark.parametrize("state", [State.SENDING, State.UNKNOWN])
def test_a_report_that_comes_before_our_answer_settles_the_message(
    practice: Practice, sent: Message, now: datetime, state: str
) -> None:
    Message.objects.update(state=state, carrier_reference="", sent_at=None)

    report(practice, "delivered", message=str(sent.pk))
    send.accepted(reread(sent), "SM1", now)

    settled = reread(sent)
    assert (settled.state, settled.carrier_reference) == (State.DELIVERED, "SM1")
    assert settled.sent_at is not None


def test_a_report_about_another_sending_of_the_same_row_changes_nothing(practice: Practice, sent: Message) -> None:
    report(practice, "undelivered", "SM-other", message=str(sent.pk))

    assert (reread(sent).state, reread(sent).carrier_reference) == (State.SENT, "SM1")


@pytest.mark.parametrize("message", ["0", "x", "99999999999999999999", "-1"])
def test_a_report_about_nothing_of_ours_is_answered_and_ignored(
    practice: Practice, sent: Message, message: str
) -> None:
    assert report(practice, "delivered", "SM-unknown", message=message).status_code == 204

    assert reread(sent).state == State.SENT


@pytest.mark.parametrize("what", ["status", "inbound"])
def test_a_forged_webhook_is_refused_and_changes_nothing(practice: Practice, sent: Message, what: str) -> None:
    form = {"MessageSid": "SM1", "MessageStatus": "delivered", "From": "+15555550142", "Body": "STOP"}

    forged = post(practice, what, form, token="guessed")
    unsigned = Client().post(f"/webhooks/twilio/{practice.slug}/{what}", form)

    assert (forged.status_code, unsigned.status_code) == (403, 403)
    assert (reread(sent).state, Reply.objects.count(), TextingConsent.objects.filter(allowed=False).count()) == (
        State.SENT, 0, 0,
    )  # fmt: skip


def test_the_signature_of_one_practice_opens_no_other(practice: Practice, sent: Message) -> None:
    other = factories.PracticeFactory.create()
    with tenancy.scope(other.pk):
        MessagingAccount.objects.create(
            practice=other, base_url="http://127.0.0.1:9", sid="AC2", token="other", from_number="+12125550101",
            connected_at=sent.created_at,
        )  # fmt: skip

    assert report(other, "delivered").status_code == 403
    assert post(other, "status", {"MessageSid": "SM1", "MessageStatus": "delivered"}, token="other").status_code == 204

    assert reread(sent).state == State.SENT


def test_a_practice_without_an_account_or_that_does_not_exist_has_no_door(practice: Practice) -> None:
    assert report(practice, "delivered").status_code == 403
    assert report(Practice(slug="nobody"), "delivered").status_code == 404
    assert Client().get(f"/webhooks/twilio/{practice.slug}/status").status_code == 405


@pytest.mark.parametrize(
    ("body", "meaning"),
    [
        *[(word, "STOP") for word in (
            "STOP", "stopall", "Unsubscribe", "CANCEL", "End.", " quit ", "OptOut", "REVOKE", "opt out", "opt-out",
            "Stop!!", "please stop", "Stop it", "Please stop texting me", "don't text me anymore", "Do not contact me",
            "no more messages please", "take me off your list", "Remove my number", "quit sending me these",
            "leave me alone", "Wrong number", "¡PARE!", "Por favor no me envíen más mensajes", "basta de mensajes",
            "deje de enviarme", "I want to opt out of these",
        )],
        *[(word, "START") for word in ("START", "unstop", "Yes", "Sí")],
        *[(word, "HELP") for word in ("HELP", "info", "Ayuda")],
        *[(word, "OTHER") for word in (
            "", "Can I stop by tomorrow?", "When does my plan end", "Please cancel my appointment", "I pay on Friday",
            "yes I will come", "Thanks", "stop by at 3?",
        )],
    ],
)  # fmt: skip
def test_a_text_is_understood(body: str, meaning: str) -> None:
    assert wishes.meaning(body) == meaning


def test_the_carriers_own_reading_of_an_opt_out_counts() -> None:
    assert wishes.meaning("ARRET", "STOP") == Reply.Meaning.STOP


def test_stop_is_recorded_at_once_and_left_to_the_carrier_to_confirm(practice: Practice, sent: Message) -> None:
    assert reply(practice, "STOP") == "<Response></Response>"

    assert texting.is_opted_out(practice.pk, "+15555550142")
    [event] = Event.objects.filter(kind="text_stop")
    assert (event.actor, event.about["patient"]) == (f"patient:{sent.patient_id}", sent.patient_id)


def test_an_opt_out_in_plain_words_gets_one_confirmation(practice: Practice, sent: Message) -> None:
    answer = reply(practice, "please stop texting me")

    assert answer == (
        "<Response><Message>Maple Grove Dental: you will get no more texts from us. "
        "Reply START to get them again.</Message></Response>"
    )
    assert texting.is_opted_out(practice.pk, "+15555550142")


def test_start_opts_in_again(practice: Practice, sent: Message) -> None:
    reply(practice, "STOP", sid="SM8")
    reply(practice, "START", sid="SM9")

    assert not texting.is_opted_out(practice.pk, "+15555550142")


def test_help_is_answered_once_with_name_and_phone_even_when_told_twice(practice: Practice, sent: Message) -> None:
    first, second = reply(practice, "HELP"), reply(practice, "HELP")

    assert first == (
        "<Response><Message>Maple Grove Dental: for help call (555) 555-0100. Is a text from us? "
        f"http://testserver/check/{practice.slug}/ Reply STOP to opt out.</Message></Response>"
    )
    assert second == "<Response></Response>"
    assert Reply.objects.count() == 1


def test_a_stop_told_twice_after_a_start_does_not_stop_again(practice: Practice, sent: Message) -> None:
    reply(practice, "STOP", sid="SM8")
    reply(practice, "START", sid="SM9")
    reply(practice, "STOP", sid="SM8")

    assert not texting.is_opted_out(practice.pk, "+15555550142")


def test_anything_else_is_kept_for_staff_and_answered_by_nobody(practice: Practice, sent: Message) -> None:
    assert reply(practice, "I will pay on <b>Friday</b>") == "<Response></Response>"

    [kept] = Reply.objects.all()
    assert (kept.body, kept.meaning, kept.patient_id) == ("I will pay on <b>Friday</b>", "OTHER", sent.patient_id)
    assert not texting.is_opted_out(practice.pk, "+15555550142")
    [event] = Event.objects.filter(kind="text_other")
    assert "Friday" not in event.text


def test_a_stop_of_a_stranger_is_recorded_for_the_number(practice: Practice, account: MessagingAccount) -> None:
    reply(practice, "STOP", phone="+12125550199")

    assert texting.is_opted_out(practice.pk, "+12125550199")
    assert Reply.objects.get().patient is None


def test_on_the_wire_a_text_is_delivered_reported_and_stopped(
    practice: Practice,
    account: MessagingAccount,
    carrier: Outside,
    ana: Patient,
    now: datetime,
    web: str,
) -> None:
    inbound = {"number": OUR_NUMBER, "inbound_url": f"{web}/webhooks/twilio/{practice.slug}/inbound"}
    carrier.http.post("/_sandbox/numbers", json=inbound).raise_for_status()
    for kind in ("duplicate", "reorder"):
        carrier.http.post("/_sandbox/delivery", json={"kind": kind}).raise_for_status()
    message = failed_notice(ana, now)

    send.send_due(practice.pk, now)
    until = time.monotonic() + 10
    while reread(message).state != State.DELIVERED and time.monotonic() < until:
        time.sleep(0.05)
    said = {"from": ana.mobile_phone, "to": OUR_NUMBER, "body": "please stop texting me"}
    carrier.http.post("/_sandbox/reply", json=said).raise_for_status()

    assert reread(message).state == State.DELIVERED
    assert texting.is_opted_out(practice.pk, ana.mobile_phone)
    assert texts(carrier)[-1]["body"].startswith("Maple Grove Dental: you will get no more texts")
    answers = {(hook["kind"], hook["answer"]) for hook in carrier.http.get("/_sandbox/webhooks").json()}
    assert answers == {("status", 204), ("inbound", 200)}


def test_texts_without_the_carriers_name_or_with_a_nul_are_taken(practice: Practice, sent: Message) -> None:
    reply(practice, "hello\0there", sid="")
    reply(practice, "STOP", sid="")

    assert [row.body for row in Reply.objects.order_by("pk")] == ["hellothere", "STOP"]
    assert texting.is_opted_out(practice.pk, "+15555550142")
