"""What becomes of a text that does not arrive, of bad numbers, of too many texts, and of what patients write back."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from core import pans
from notifications import inbound, numbers, send, templates, texting, upward
from notifications.models import BadNumber, Message, MessagingAccount, Reply
from patients.models import Patient
from practices.models import Event, Practice
from tests.notifications.conftest import texts
from tests.notifications.making import failed_notice, receipt, reread
from tests.notifications.test_inbound import reply
from tests.outside import Outside

State = Message.State


@pytest.fixture
def sent(practice: Practice, account: MessagingAccount, ana: Patient, now: datetime) -> Message:
    message = failed_notice(ana, now)
    Message.objects.update(state=State.SENT, carrier_reference="SM1", sent_at=now, sends=1)
    return reread(message)


def told(practice: Practice, status: str, now: datetime, code: str = "", message: str = "") -> bool:
    """A report of the carrier, at business time."""
    form = {"MessageSid": "SM1", "MessageStatus": status, "ErrorCode": code}
    return inbound.take_status(practice, form, message, now)


@pytest.mark.parametrize(
    ("code", "known"),
    [
        ("30003", ""),
        ("30005", "the number is unknown (error 30005)"),
        ("30006", "the number is a landline (error 30006)"),
        ("30007", ""),
    ],
)
def test_an_undelivered_text_goes_by_e_mail_once_and_the_number_is_remembered(
    practice: Practice, sent: Message, mail_server: Outside, ana: Patient, now: datetime, code: str, known: str
) -> None:
    for status in ("undelivered", "undelivered", "delivered", "failed"):
        told(practice, status, now, code)
    assert (reread(sent).state, reread(sent).channel) == (State.QUEUED, "EMAIL")

    assert send.send_due(practice.pk, now + timedelta(minutes=1)) == 1
    told(practice, "undelivered", now, code)

    assert [one["channel"] for one in texts(mail_server)] == ["email"]
    assert (reread(sent).state, Message.objects.count()) == (State.SENT, 1)
    assert numbers.problem(practice.pk, ana.mobile_phone) == known
    problem = "Texts are not delivered: filtered by the carrier (error 30007)" if code == "30007" else ""
    assert MessagingAccount.objects.get().problem == problem


def test_an_answer_that_comes_after_the_report_does_not_call_the_e_mail_off(
    practice: Practice, sent: Message, mail_server: Outside, now: datetime
) -> None:
    Message.objects.update(state=State.SENDING, carrier_reference="")
    asked = reread(sent)
    told(practice, "undelivered", now, "30003", str(sent.pk))

    send.accepted(asked, "SM1", now)

    assert reread(sent).state == State.QUEUED
    assert send.send_due(practice.pk, now) == 1
    assert [one["channel"] for one in texts(mail_server)] == ["email"]


def test_what_went_in_vain_by_text_is_never_texted_again_when_the_e_mail_address_is_gone(
    practice: Practice, sent: Message, carrier: Outside, ana: Patient, now: datetime
) -> None:
    told(practice, "undelivered", now, "30003")
    Patient.objects.update(email="")

    assert send.send_due(practice.pk, now) == 0

    assert (reread(sent).state, reread(sent).state_reason) == (
        State.BLOCKED, "Not delivered by text, and no e-mail address",
    )  # fmt: skip
    assert texts(carrier) == []


def test_a_bad_number_is_not_texted_until_it_texts_us(
    practice: Practice, account: MessagingAccount, ana: Patient, now: datetime
) -> None:
    numbers.learn(practice.pk, ana.mobile_phone, "30006", now)
    assert texting.obstacle(ana) == "the number is a landline (error 30006)"
    assert failed_notice(ana, now, dedupe_key="1").channel == "EMAIL"

    reply(practice, "I am here", phone=ana.mobile_phone)

    assert failed_notice(ana, now, dedupe_key="2").channel == "SMS"
    assert BadNumber.objects.get().reason == ""


def test_a_report_that_comes_after_we_gave_up_counts(practice: Practice, sent: Message, now: datetime) -> None:
    Message.objects.update(state=State.BLOCKED, carrier_reference="", sends=2)

    told(practice, "delivered", now, message=str(sent.pk))

    assert reread(sent).state == State.DELIVERED


def test_more_texts_than_the_practice_allows_in_a_day_wait_and_go_later(
    practice: Practice, account: MessagingAccount, carrier: Outside, ana: Patient, now: datetime
) -> None:
    for number in range(5):
        receipt(ana, now, dedupe_key=f"{number}")
    send.send_due(practice.pk, now)
    sixth = receipt(ana, now, dedupe_key="6")
    written = receipt(ana, now, kind="WRITTEN", dedupe_key="7", values={"Words": "Hello"})

    assert send.send_due(practice.pk, now + timedelta(hours=1)) == 1

    waiting = reread(sixth)
    assert (waiting.state, waiting.not_before, waiting.sends) == (State.QUEUED, now + timedelta(days=1), 0)
    assert reread(written).state == State.SENT
    assert len(texts(carrier)) == 6
    assert send.send_due(practice.pk, now + timedelta(days=1, hours=2)) == 1
    assert len(texts(carrier)) == 7


def test_every_text_carries_its_own_code_and_reminders_of_one_link_the_same(
    practice: Practice, account: MessagingAccount, ana: Patient, now: datetime
) -> None:
    one, other = receipt(ana, now, dedupe_key="1"), receipt(ana, now, dedupe_key="2")
    first, again = failed_notice(ana, now, dedupe_key="3"), failed_notice(ana, now, dedupe_key="4")

    assert all(message.body.endswith(f" Code {message.spoken_code}") for message in (one, other, first, again))
    assert len({one.code, other.code, first.code}) == 3
    assert first.code == again.code


def test_any_other_text_is_handed_up_once_and_what_it_answers_is_kept(
    practice: Practice, sent: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []

    def move(said: Reply, _now: datetime) -> str:
        heard.append(said.body)
        return f"Moved to Mar 15: {templates.link_address(practice.slug, 'secret')}"

    monkeypatch.setattr(upward.handlers, "any_other_text", move)

    answer = reply(practice, "MOVE 15")
    reply(practice, "MOVE 15")
    for number, word in enumerate(("STOP", "START", "HELP", "please stop texting me")):
        reply(practice, word, sid=f"SM-{number}")

    assert answer == (
        f"<Response><Message>Moved to Mar 15: http://testserver/p/{practice.slug}/secret</Message></Response>"
    )
    assert heard == ["MOVE 15"]
    kept = Reply.objects.get(carrier_reference="SM9")
    assert (kept.answer, kept.read_by) == ("Moved to Mar 15: [[link]]", "answer")
    assert Reply.objects.filter(read_at=None).count() == 0


@pytest.mark.parametrize("breaks", [False, True])
def test_a_text_that_nothing_understood_waits_for_staff(
    practice: Practice, sent: Message, monkeypatch: pytest.MonkeyPatch, breaks: bool
) -> None:
    def confused(_reply: Reply, _now: datetime) -> str:
        if breaks:
            raise LookupError("no such plan")
        return ""

    monkeypatch.setattr(upward.handlers, "any_other_text", confused)

    assert reply(practice, "MOVE yesterday") == "<Response></Response>"

    assert Reply.objects.get().read_at is None


def test_a_card_number_in_a_text_is_not_kept(practice: Practice, sent: Message) -> None:
    reply(practice, "use 4242-4242-4242-4242 12/29 please, call 555 555 0142")

    assert Reply.objects.get().body == "use [card number removed] 12/29 please, call 555 555 0142"
    assert not Event.objects.filter(text__contains="4242").exists()


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("378282246310005", pans.REMOVED),
        ("4242 4242 4242 4242", pans.REMOVED),
        ("4242-4242-4242-4242 12/29 123", f"{pans.REMOVED} 12/29 123"),
        ("a 378282246310005, 4242.4242.4242.4242", f"a {pans.REMOVED}, {pans.REMOVED}"),
        ("4242 4242 4242 4243", "4242 4242 4242 4243"),
        ("555-555-0142", "555-555-0142"),
        ("PatNum 123456789012", "PatNum 123456789012"),
    ],
)
def test_only_card_numbers_are_taken_out(text: str, hidden: str) -> None:
    assert pans.hidden(text) == hidden
