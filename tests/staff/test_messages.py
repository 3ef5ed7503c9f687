"""Communication → patient → Messages, and Communication → Messages."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from notifications import texting
from notifications.models import Message, MessagingAccount, Reply
from patients.models import Patient
from practices.models import Event, Practice, User
from tests.factories import LONG_AGO
from tests.staff import making
from tests.staff.conftest import HTMX
from tests.staff.test_plans_tab import text


@pytest.fixture
def ana(practice: Practice) -> Patient:
    return making.patient(practice, pat_num=72)


def queue(ana: Patient, now: datetime, **fields: Any) -> Message:
    known = {
        "kind": "PAYMENT_FAILED", "channel": "SMS", "to": "+15555550142", "state": "DELIVERED", "sent_at": now,
        "body": f"Maple Grove Dental: fix it: {Message.LINK_MARK} Reply STOP to opt out.", "not_before": now,
        "created_at": now, "dedupe_key": uuid.uuid4().hex,
    }  # fmt: skip
    return Message.objects.create(practice=ana.practice, patient=ana, **{**known, **fields})


def tab(client: Client, ana: Patient) -> str:
    return text(client.get(f"/communication/{ana.pk}/messages/").content.decode())


def test_a_message_shows_channel_state_and_text_without_its_secret(desk: Client, ana: Patient, now: datetime) -> None:
    message = queue(ana, now, link_nonce=uuid.uuid4())

    page = tab(desk, ana)

    assert "Delivered Failed payments text to (555) 555-0142 sent just now" in page
    assert "Maple Grove Dental: fix it: [secure link] Reply STOP to opt out." in page
    assert Message.LINK_MARK not in page
    assert f"its code is {message.spoken_code}" in page


def test_a_message_without_a_link_has_no_code(desk: Client, ana: Patient, now: datetime) -> None:
    queue(ana, now)

    assert "the code on their page" not in tab(desk, ana)


def test_a_waiting_message_says_when_it_goes_out(desk: Client, ana: Patient, now: datetime) -> None:
    queue(ana, now, state="QUEUED", sent_at=None, not_before=now + timedelta(hours=21))

    assert "Waiting Failed payments text to (555) 555-0142 goes out Tomorrow 8:00 AM" in tab(desk, ana)


def test_what_could_not_be_sent_says_why(desk: Client, ana: Patient, now: datetime) -> None:
    queue(
        ana,
        now,
        state="BLOCKED",
        channel="",
        to="",
        sent_at=None,
        state_reason="Opted out of texts, and no e-mail address",
    )

    page = tab(desk, ana)

    assert "Could not be sent Failed payments just now Opted out of texts, and no e-mail address" in page


@pytest.mark.parametrize("state", Message.State.values)
def test_every_state_has_its_chip(desk: Client, ana: Patient, now: datetime, state: str) -> None:
    queue(ana, now, state=state)

    assert desk.get(f"/communication/{ana.pk}/messages/").status_code == 200


def test_an_e_mail_shows_its_subject(desk: Client, ana: Patient, now: datetime) -> None:
    queue(ana, now, channel="EMAIL", to="ana@example.com", subject="Your payment")

    page = tab(desk, ana)

    assert "e-mail to ana@example.com" in page
    assert "Your payment" in page


def test_somebody_else_s_messages_are_not_shown(desk: Client, ana: Patient, practice: Practice, now: datetime) -> None:
    queue(making.patient(practice, pat_num=5), now)

    assert "No messages yet" in tab(desk, ana)


def replied(ana: Patient, now: datetime, **fields: Any) -> Reply:
    known = {
        "carrier_reference": uuid.uuid4().hex, "phone": ana.mobile_phone, "body": "I pay on Friday", "meaning": "OTHER",
        "received_at": now, "patient": ana,
    }  # fmt: skip
    return Reply.objects.create(practice=ana.practice, **{**known, **fields})


def write(client: Client, ana: Patient, **form: Any) -> Any:
    given = {"words": "Your card works again.", "channel": "EMAIL", "click": uuid.uuid4(), **form}
    return client.post(f"/communication/{ana.pk}/messages/write/", given, follow=True)


def test_the_conversation_shows_both_sides_newest_first(desk: Client, ana: Patient, now: datetime) -> None:
    queue(ana, now - timedelta(hours=2))
    replied(ana, now - timedelta(hours=1), body="MOVE 15", answer="Moved to the 15th.", read_at=now)
    replied(ana, now, body="Thanks <3")

    page = tab(desk, ana)

    ours, first, second = (page.index(words) for words in ("fix it: [secure link]", "MOVE 15", "Thanks <3"))
    assert second < first < ours
    assert "Answered at once: Moved to the 15th." in page
    assert "Mark 1 as read" in page


def test_what_staff_write_is_queued_once_however_often_it_is_clicked(desk: Client, ana: Patient, now: datetime) -> None:
    reply, click = replied(ana, now), uuid.uuid4()

    first = write(desk, ana, click=click).content.decode()
    write(desk, ana, click=click)

    [written] = Message.objects.all()
    assert (written.kind, written.channel, written.to, written.subject) == (
        "WRITTEN", "EMAIL", ana.email, "A message from Maple Grove Dental",
    )  # fmt: skip
    assert written.body.startswith("Your card works again.\n\nMaple Grove Dental\n(555) 555-0100")
    assert written.written_by == User.objects.get()
    assert "by e-mail to ana@example.com" in first
    reply.refresh_from_db()
    assert reply.read_by == f"user:{User.objects.get().pk}"


def test_the_first_text_to_a_number_says_how_to_opt_out_and_the_next_does_not(
    desk: Client, ana: Patient, now: datetime
) -> None:
    connect(ana)
    write(desk, ana, channel="SMS")
    Message.objects.update(sent_at=now, state="SENT")
    write(desk, ana, channel="SMS")

    first, second = Message.objects.order_by("pk")
    own = "Maple Grove Dental: Your card works again. Code "
    assert first.body == f"{own}{first.spoken_code} Reply STOP to opt out."
    assert second.body == f"{own}{second.spoken_code}"


@pytest.mark.parametrize(
    ("words", "finding"),
    [
        ("", "The message is empty."),
        ("Your crown is ready", "Tells about health: crown."),
        ("Is it 4242 4242 4242 4242?", "A card number stands in it."),
        ("More. " * 60, "Too long for a text: 3 segments, 2 are the most."),
    ],
)
def test_words_that_would_not_do_are_not_sent(desk: Client, ana: Patient, words: str, finding: str) -> None:
    connect(ana)

    answer = write(desk, ana, channel="SMS", words=words)

    assert answer.status_code == 422
    assert finding in answer.content.decode()
    assert Message.objects.count() == 0


def test_who_opted_out_is_not_offered_a_text(desk: Client, ana: Patient, now: datetime) -> None:
    connect(ana)
    texting.record(ana.practice_id, ana.mobile_phone, allowed=False, source="reply: STOP", now=now)

    answer = write(desk, ana, channel="SMS")

    assert answer.status_code == 422
    assert "No text: opted out of texts." in answer.content.decode()
    assert Message.objects.count() == 0


def connect(ana: Patient) -> None:
    MessagingAccount.objects.create(
        practice=ana.practice, base_url="http://127.0.0.1:9", sid="AC1", token="t", from_number="+12125550100",
        connected_at=LONG_AGO,
    )  # fmt: skip


def test_a_conversation_is_read_and_unread_again(desk: Client, ana: Patient, now: datetime) -> None:
    replied(ana, now, read_at=now)
    newest = replied(ana, now)
    url = f"/communication/{ana.pk}/messages/read/"

    desk.post(url)
    assert Reply.objects.filter(read_at=None).count() == 0
    desk.post(url, {"unread": "1"})

    assert list(Reply.objects.filter(read_at=None)) == [newest]


def test_the_badge_and_the_list_count_what_nobody_has_read(desk: Client, ana: Patient, now: datetime) -> None:
    replied(ana, now)
    stranger = replied(ana, now, patient=None, phone="+12125550199", body="Who is this?")
    replied(ana, now, meaning="STOP", read_at=now)

    page = text(desk.get("/communication/messages/").content.decode())
    badge = desk.get("/communication/messages/badge/", headers=HTMX).content.decode()
    desk.post(f"/communication/messages/replies/{stranger.pk}/read/")

    assert ">2<span" in badge
    assert "To read 2 Not delivered 0" in page
    assert "Unknown number" in page
    assert Reply.objects.filter(read_at=None).count() == 1


def test_what_reached_nobody_is_a_task_until_somebody_saw_to_it(desk: Client, ana: Patient, now: datetime) -> None:
    lost = queue(ana, now, state="UNDELIVERED", state_reason="Not delivered: the number is unknown (error 30005)")
    queue(ana, now)
    url = "/communication/messages/?filter=undelivered"
    before = text(desk.get(url).content.decode())

    for _ in range(2):
        desk.post(f"/communication/messages/{lost.pk}/handled/")

    assert "Not delivered 1" in before
    assert "the number is unknown (error 30005)" in before
    assert "Everything arrived" in desk.get(url).content.decode()
    [event] = Event.objects.filter(kind="message_handled")
    assert event.about == {"patient": ana.pk, "message": lost.pk}


def test_a_code_read_out_on_the_phone_finds_its_message(desk: Client, ana: Patient, now: datetime) -> None:
    queue(ana, now, code="483201")

    found = text(desk.get("/communication/messages/?code=483-201").content.decode())
    other = text(desk.get("/communication/messages/?code=483202").content.decode())

    assert "Yes, this is from you" in found
    assert ana.full_name in found
    assert "No message of yours has this code." in other
    assert ana.full_name not in other
