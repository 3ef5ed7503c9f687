"""Messages leave the outbox once, whatever the carrier, the network and the workers do."""

from __future__ import annotations

import threading
import uuid
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from core.tokens import link_token
from notifications import send, tasks, texting
from notifications.channels import sms
from notifications.channels.port import Outgoing, SendResult
from notifications.models import Message, MessagingAccount, TextingConsent
from patients.models import Patient
from practices import tenancy
from practices.models import Event, Practice
from tests import factories
from tests.notifications.conftest import OUR_NUMBER, texts
from tests.notifications.making import failed_notice, receipt, reread, walk
from tests.outside import Outside

State = Message.State
MINUTE = timedelta(minutes=1)
POST = "POST */Messages.json"
LIST = "GET */Messages.json"


def test_a_failure_message_is_queued_rendered_and_texted_with_its_link(
    practice: Practice, account: MessagingAccount, carrier: Outside, ana: Patient, now: datetime
) -> None:
    message = failed_notice(ana, now)

    assert send.send_due(practice.pk, now) == 1

    token = link_token(uuid.UUID(int=7))
    [text] = texts(carrier)
    assert text["body"] == (
        "Maple Grove Dental: your $128.60 payment failed. "
        f"Fix it: http://testserver/p/{practice.slug}/{token} Reply STOP to opt out. Code {message.spoken_code}"
    )
    assert (text["to"], text["from"]) == (ana.mobile_phone, OUR_NUMBER)
    sent = reread(message)
    assert (sent.state, sent.carrier_reference, sent.sent_at, sent.sends) == (State.SENT, text["sid"], now, 1)
    assert token not in f"{sent.body} {sent.values}"
    [event] = Event.objects.about(patient=ana.pk)
    assert (event.kind, event.about) == ("message_sent", {"patient": ana.pk, "message": message.pk, "attempt": 1})


def test_a_sent_message_is_not_sent_again(
    practice: Practice, account: MessagingAccount, carrier: Outside, ana: Patient, now: datetime
) -> None:
    failed_notice(ana, now)

    assert walk(practice, now, minutes=5) == {"sent": 1, "found": 0}

    assert len(texts(carrier)) == 1


def test_sending_inside_a_transaction_raises_and_sends_nothing(
    practice: Practice, account: MessagingAccount, carrier: Outside, ana: Patient, now: datetime
) -> None:
    message = failed_notice(ana, now)

    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        send.send_due(practice.pk, now)

    assert reread(message).state == State.QUEUED
    assert texts(carrier) == []


@pytest.mark.parametrize("with_row_lock", [True, False])
def test_six_workers_at_once_send_each_message_once(
    practice: Practice,
    account: MessagingAccount,
    carrier: Outside,
    ana: Patient,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    with_row_lock: bool,
) -> None:
    if not with_row_lock:
        # Everybody reads the same row before anybody marks it: only the guarded update is left.
        monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **_: rows)
    for number in range(5):
        receipt(ana, now, dedupe_key=f"PAYMENT_SUCCESSFUL:{number}")
    barrier = threading.Barrier(6)
    counts: list[int] = []

    def worker() -> None:
        with tenancy.scope(practice.pk):
            barrier.wait()
            counts.append(send.send_due(practice.pk, now))
        connection.close()

    threads = [threading.Thread(target=worker) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(counts) == 5
    assert len(texts(carrier)) == 5
    assert Message.objects.filter(state=State.SENT, sends=1).count() == 5


def test_a_reply_lost_after_the_carrier_took_it_is_found_and_not_sent_again(
    practice: Practice, account: MessagingAccount, carrier: Outside, ana: Patient, now: datetime
) -> None:
    message = failed_notice(ana, now)
    carrier.fault(POST, "drop_after")

    assert tasks.run(practice.pk, now) == {"sent": 0, "found": 0}
    assert reread(message).state == State.UNKNOWN
    assert tasks.run(practice.pk, now + MINUTE) == {"sent": 0, "found": 1}

    [text] = texts(carrier)
    assert (reread(message).state, reread(message).carrier_reference) == (State.SENT, text["sid"])
    assert walk(practice, now + 2 * MINUTE, minutes=10) == {"sent": 0, "found": 0}
    assert len(texts(carrier)) == 1


def test_an_error_500_after_the_carrier_took_it_is_no_refusal(
    practice: Practice, account: MessagingAccount, carrier: Outside, ana: Patient, now: datetime
) -> None:
    message = failed_notice(ana, now)
    carrier.fault(POST, "error_after")

    assert walk(practice, now, minutes=10) == {"sent": 0, "found": 1}

    assert (len(texts(carrier)), reread(message).state) == (1, State.SENT)


def test_a_request_that_never_arrived_is_sent_after_two_looks_with_a_gap(
    practice: Practice, account: MessagingAccount, carrier: Outside, ana: Patient, now: datetime
) -> None:
    message = failed_notice(ana, now)
    carrier.fault(POST, "drop_before")

    tasks.run(practice.pk, now)
    tasks.run(practice.pk, now + MINUTE)
    assert (reread(message).state, reread(message).looked_up, texts(carrier)) == (State.UNKNOWN, 1, [])
    tasks.run(practice.pk, now + 1.5 * MINUTE)
    assert (reread(message).looked_up, texts(carrier)) == (1, [])
    assert tasks.run(practice.pk, now + 2 * MINUTE) == {"sent": 1, "found": 0}

    assert (len(texts(carrier)), reread(message).state, reread(message).sends) == (1, State.SENT, 2)


def test_an_answer_lost_twice_ends_as_a_task_for_staff_after_one_resend(
    practice: Practice, account: MessagingAccount, carrier: Outside, ana: Patient, now: datetime
) -> None:
    message = failed_notice(ana, now)
    carrier.fault(POST, "drop_before", times=9)

    assert walk(practice, now, minutes=15) == {"sent": 0, "found": 0}

    lost = reread(message)
    assert (lost.state, lost.sends, lost.looked_up) == (State.BLOCKED, 2, 4)
    assert "may have arrived" in lost.state_reason
    assert [event.kind for event in Event.objects.about(message=message.pk)] == ["message_blocked"]


def test_nothing_is_resent_while_the_carrier_cannot_be_asked(
    practice: Practice, account: MessagingAccount, carrier: Outside, ana: Patient, now: datetime
) -> None:
    message = failed_notice(ana, now)
    carrier.fault(POST, "drop_after")
    carrier.fault(LIST, "error_before", times=6)

    assert walk(practice, now, minutes=6) == {"sent": 0, "found": 0}
    assert (reread(message).state, reread(message).looked_up) == (State.UNKNOWN, 0)
    assert walk(practice, now + 7 * MINUTE, minutes=3) == {"sent": 0, "found": 1}

    assert len(texts(carrier)) == 1


def test_a_text_with_the_same_words_is_not_taken_for_the_lost_one(
    practice: Practice, account: MessagingAccount, carrier: Outside, ana: Patient, now: datetime
) -> None:
    receipt(ana, now, dedupe_key="PAYMENT_SUCCESSFUL:1")
    tasks.run(practice.pk, now)
    second = receipt(ana, now, dedupe_key="PAYMENT_SUCCESSFUL:2")
    carrier.fault(POST, "drop_before")

    assert walk(practice, now + MINUTE, minutes=5) == {"sent": 1, "found": 0}

    first_sid, second_sid = (text["sid"] for text in texts(carrier))
    assert reread(second).carrier_reference == second_sid != first_sid


def test_a_message_held_by_a_killed_worker_is_looked_up_after_two_minutes(
    practice: Practice, account: MessagingAccount, carrier: Outside, ana: Patient, now: datetime
) -> None:
    message = failed_notice(ana, now)
    held = Message.objects.filter(pk=message.pk)
    held.update(state=State.SENDING, claimed_at=Now() - timedelta(seconds=110), sends=1)

    assert walk(practice, now, minutes=5) == {"sent": 0, "found": 0}
    assert (reread(message).state, texts(carrier)) == (State.SENDING, [])
    held.update(claimed_at=Now() - timedelta(seconds=130))
    assert walk(practice, now + 6 * MINUTE, minutes=5) == {"sent": 1, "found": 0}

    assert (len(texts(carrier)), reread(message).sends) == (1, 2)


def test_a_worker_that_answers_late_settles_the_message_and_calls_the_resend_off(
    practice: Practice, account: MessagingAccount, carrier: Outside, ana: Patient, now: datetime
) -> None:
    message = failed_notice(ana, now)
    Message.objects.update(state=State.QUEUED, sends=1, looked_up=2)

    send.accepted(message, "SM-late", now)

    assert (reread(message).state, reread(message).carrier_reference) == (State.SENT, "SM-late")
    assert walk(practice, now, minutes=3) == {"sent": 0, "found": 0}
    assert texts(carrier) == []


@pytest.mark.parametrize(("code", "words"), [(21211, "not valid"), (21614, "can't receive texts")])
def test_a_bad_number_becomes_a_task_with_the_reason(
    practice: Practice, account: MessagingAccount, carrier: Outside, now: datetime, code: int, words: str
) -> None:
    message = failed_notice(factories.PatientFactory.create(practice=practice, email=""), now)
    carrier.http.post("/_sandbox/delivery", json={"kind": "refuse", "error_code": code})

    assert walk(practice, now, minutes=3) == {"sent": 0, "found": 0}

    refused = reread(message)
    assert (refused.state, refused.sends) == (State.BLOCKED, 1)
    assert words in refused.state_reason
    assert str(code) in refused.state_reason
    assert texts(carrier) == []


def test_a_number_the_carrier_knows_as_opted_out_gets_the_same_message_by_e_mail(
    practice: Practice, account: MessagingAccount, mail_server: Outside, ana: Patient, now: datetime
) -> None:
    message = failed_notice(ana, now)
    mail_server.http.post("/_sandbox/delivery", json={"kind": "refuse", "error_code": 21610})

    assert send.send_due(practice.pk, now) == 1

    [mail] = texts(mail_server)
    assert (mail["channel"], mail["to"], mail["subject"]) == (
        "email", "ana@example.com", "Your payment did not go through",
    )  # fmt: skip
    assert f"/p/{practice.slug}/{link_token(uuid.UUID(int=7))}" in mail["body"]
    assert Message.objects.count() == 1
    assert (reread(message).state, reread(message).channel) == (State.SENT, "EMAIL")
    newest = TextingConsent.objects.order_by("-pk")[0]
    assert (newest.allowed, newest.source) == (False, "carrier (error 21610)")


def test_opted_out_and_without_an_e_mail_address_is_a_task(
    practice: Practice, account: MessagingAccount, carrier: Outside, now: datetime
) -> None:
    patient = factories.PatientFactory.create(practice=practice, email="")
    message = failed_notice(patient, now)
    carrier.http.post("/_sandbox/delivery", json={"kind": "refuse", "error_code": 21610})

    assert walk(practice, now, minutes=3) == {"sent": 0, "found": 0}

    assert reread(message).state == State.BLOCKED
    assert reread(message).state_reason == "Opted out of texts, and no e-mail address"


def test_an_opt_out_between_queuing_and_sending_is_honored(
    practice: Practice, account: MessagingAccount, mail_server: Outside, ana: Patient, now: datetime
) -> None:
    failed_notice(ana, now)
    texting.record(practice.pk, ana.mobile_phone, allowed=False, source="reply: STOP", now=now)

    assert send.send_due(practice.pk, now) == 1

    assert [mail["channel"] for mail in texts(mail_server)] == ["email"]


def test_a_throttled_message_waits_and_goes_later(
    practice: Practice, account: MessagingAccount, carrier: Outside, ana: Patient, now: datetime
) -> None:
    message = failed_notice(ana, now)
    carrier.fault(POST, "throttle", times=2)

    assert tasks.run(practice.pk, now) == {"sent": 0, "found": 0}
    assert (reread(message).state, reread(message).not_before) == (State.QUEUED, now + 2 * MINUTE)
    assert walk(practice, now + MINUTE, minutes=8) == {"sent": 1, "found": 0}

    assert len(texts(carrier)) == 1


def test_a_carrier_that_is_down_is_tried_later_and_never_looked_up(
    practice: Practice, account: MessagingAccount, carrier: Outside, ana: Patient, now: datetime
) -> None:
    message = failed_notice(ana, now)
    MessagingAccount.objects.update(base_url="http://127.0.0.1:9")

    tasks.run(practice.pk, now)
    assert (reread(message).state, reread(message).state_reason) == (State.QUEUED, "The carrier can't be reached")
    MessagingAccount.objects.update(base_url=carrier.url)
    assert walk(practice, now + MINUTE, minutes=3) == {"sent": 1, "found": 0}

    assert len(texts(carrier)) == 1


def test_a_wrong_token_is_told_to_an_operator_and_messages_wait_until_it_is_mended(
    practice: Practice, account: MessagingAccount, carrier: Outside, ana: Patient, now: datetime
) -> None:
    message = failed_notice(ana, now)
    account.token = "wrong"
    account.save()

    walk(practice, now, minutes=12 * 60, step=60)
    assert reread(message).state == State.QUEUED
    assert MessagingAccount.objects.get().problem == "The carrier refuses the account (error 20003)"
    account.token = "sandbox-token"
    account.save()
    later = reread(message).not_before

    assert tasks.run(practice.pk, max(later, now)) == {"sent": 1, "found": 0}
    assert MessagingAccount.objects.get().problem == ""


def test_a_message_of_another_practice_is_not_sent(
    practice: Practice, account: MessagingAccount, carrier: Outside, now: datetime
) -> None:
    other = factories.PracticeFactory.create()
    with tenancy.scope(other.pk):
        message = failed_notice(factories.PatientFactory.create(practice=other), now)

    assert send.send_due(practice.pk, now) == 0

    with tenancy.scope(other.pk):
        assert reread(message).sends == 0
    assert texts(carrier) == []


def test_a_message_the_carrier_keeps_putting_off_ends_as_a_task(
    practice: Practice, account: MessagingAccount, carrier: Outside, ana: Patient, now: datetime
) -> None:
    message = failed_notice(ana, now)
    carrier.fault(POST, "throttle", times=99)

    walk(practice, now, minutes=8 * 60, step=8)

    assert (reread(message).state, reread(message).sends) == (State.BLOCKED, 8)
    assert reread(message).state_reason == "The carrier asks to wait (error 20429)"
    assert texts(carrier) == []


def test_a_message_that_breaks_the_library_does_not_hold_up_the_others(
    practice: Practice,
    account: MessagingAccount,
    carrier: Outside,
    ana: Patient,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = receipt(ana, now, dedupe_key="1")
    other = receipt(ana, now, dedupe_key="2")
    real = sms.send

    def breaks(account: MessagingAccount, slug: str, outgoing: Outgoing) -> SendResult:
        if outgoing.message_id == broken.pk:
            raise KeyError("sid")
        return real(account, slug, outgoing)

    monkeypatch.setattr(sms, "send", breaks)

    assert send.send_due(practice.pk, now) == 1

    assert (reread(broken).state, reread(other).state) == (State.UNKNOWN, State.SENT)
