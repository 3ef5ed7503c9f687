"""The messaging sandbox answers the official Twilio library the way Twilio does."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from sandbox.common.clock import Clock
from tests import outside
from tests.contracts.messaging import PATIENT, PRACTICE, SID, TOKEN, Listener, client, wait_for


@pytest.fixture(scope="module")
def carrier() -> Iterator[outside.Outside]:
    with tempfile.TemporaryDirectory() as folder:
        running = outside.start("sandbox.messaging", Path(folder), "--smtp-port", str(outside.free_port()))
        yield running
        running.stop()


@pytest.fixture
def sandbox(carrier: outside.Outside) -> outside.Outside:
    carrier.http.post("/_sandbox/reset").raise_for_status()
    return carrier


@pytest.fixture
def listener(sandbox: outside.Outside) -> Iterator[Listener]:
    listening = Listener()
    number = {"number": PRACTICE, "inbound_url": f"{listening.url}/inbound?practice=demo"}
    sandbox.http.post("/_sandbox/numbers", json=number).raise_for_status()
    yield listening
    listening.close()


def send(sandbox: outside.Outside, listener: Listener | None = None, **changes: Any) -> Any:
    fields: dict[str, Any] = {"to": PATIENT, "from_": PRACTICE, "body": "Pay at https://pay.example.com/p/abc."}
    if listener:
        fields["status_callback"] = f"{listener.url}/status"
    return client(sandbox.url).messages.create(**{**fields, **changes})


def refused(sandbox: outside.Outside, **changes: Any) -> tuple[int, int]:
    """(HTTP status, Twilio code) of a refused send; nothing was stored."""
    before = len(sandbox.http.get("/_sandbox/messages").json())
    with pytest.raises(TwilioRestException) as refusal:
        send(sandbox, **changes)
    assert len(sandbox.http.get("/_sandbox/messages").json()) == before
    return refusal.value.status, refusal.value.code


def rule(sandbox: outside.Outside, **wish: Any) -> None:
    sandbox.http.post("/_sandbox/delivery", json=wish).raise_for_status()


def reply(sandbox: outside.Outside, body: str) -> dict[str, Any]:
    posted = sandbox.http.post("/_sandbox/reply", json={"from": PATIENT, "to": PRACTICE, "body": body})
    answer: dict[str, Any] = posted.raise_for_status().json()
    return answer


def test_a_text_is_queued_then_sent_and_delivered_with_signed_callbacks(
    sandbox: outside.Outside, listener: Listener
) -> None:
    sent = send(sandbox, listener)
    assert (sent.status, sent.sid[:2], len(sent.sid), sent.num_segments) == ("queued", "SM", 34, "1")
    wait_for(lambda: len(listener.posts) == 3)
    assert listener.statuses == ["sending", "sent", "delivered"]
    path, form, signature = listener.posts[-1]
    assert RequestValidator(TOKEN).validate(listener.url + path, form, signature)
    assert not RequestValidator("another token").validate(listener.url + path, form, signature)
    assert (form["MessageSid"], form["To"], form["From"], form["AccountSid"]) == (sent.sid, PATIENT, PRACTICE, SID)
    assert client(sandbox.url).messages(sent.sid).fetch().status == "delivered"


def test_texts_are_listed_newest_first_by_recipient_and_date_over_pages(sandbox: outside.Outside) -> None:
    sids = [send(sandbox, body=f"number {number}").sid for number in range(3)]
    send(sandbox, to="+12125550199")
    api, today = client(sandbox.url), datetime.now(UTC)
    assert [message.sid for message in api.messages.list(to=PATIENT, page_size=2)] == sids[::-1]
    assert len(api.messages.list(date_sent_after=today - timedelta(minutes=5))) == 4
    assert api.messages.list(date_sent_before=today - timedelta(minutes=5)) == []
    assert len(api.messages.list(to=PATIENT, date_sent=today.date())) == 3


def test_the_account_and_its_numbers_can_be_read_to_test_a_connection(
    sandbox: outside.Outside, listener: Listener
) -> None:
    api = client(sandbox.url)
    assert api.api.v2010.accounts(SID).fetch().status == "active"
    assert [number.phone_number for number in api.incoming_phone_numbers.list(phone_number=PRACTICE)] == [PRACTICE]


@pytest.mark.parametrize("token", ["", "wrong"])
def test_a_wrong_token_is_refused_with_20003(sandbox: outside.Outside, token: str) -> None:
    answer = sandbox.http.get(f"/2010-04-01/Accounts/{SID}.json", auth=(SID, token))
    assert (answer.status_code, answer.json()["code"]) == (401, 20003)
    assert sandbox.http.get(f"/2010-04-01/Accounts/{SID}.json").status_code == 401


def test_a_registered_account_signs_in_but_not_to_another(sandbox: outside.Outside) -> None:
    own = "AC00000000000000000000000000000002"
    sandbox.http.post("/_sandbox/accounts", json={"sid": own, "token": "t2"}).raise_for_status()
    assert client(sandbox.url, own, "t2").api.v2010.accounts(own).fetch().sid == own
    assert sandbox.http.get(f"/2010-04-01/Accounts/{SID}.json", auth=(own, "t2")).status_code == 401


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"to": "555"}, 21211),
        ({"to": "+11115550111"}, 21211),
        ({"to": ""}, 21604),
        ({"body": ""}, 21602),
        ({"body": "x" * 1601}, 21617),
        ({"from_": "12"}, 21212),
        ({"from_": "+12125550142"}, 21606),
        ({"to": "+15005550009"}, 21614),
        ({"status_callback": "pay.example.com/status"}, 21609),
    ],
)
def test_a_message_that_cannot_be_sent_is_refused_with_its_code(
    sandbox: outside.Outside, listener: Listener, changes: dict[str, str], code: int
) -> None:
    assert refused(sandbox, **changes) == (400, code)


def test_a_landline_is_refused_and_an_unreachable_phone_undelivered(
    sandbox: outside.Outside, listener: Listener
) -> None:
    for address, kind in (("+12125550121", "landline"), ("+12125550122", "unreachable")):
        person = {"address": address, "name": "Nell Sample", "kind": kind}
        sandbox.http.post("/_sandbox/people", json=person).raise_for_status()
    assert refused(sandbox, to="+12125550121") == (400, 21614)
    send(sandbox, listener, to="+12125550122")
    wait_for(lambda: len(listener.posts) == 3)
    assert (listener.statuses[-1], listener.posts[-1][1]["ErrorCode"]) == ("undelivered", "30003")


def test_too_many_requests_are_refused_once_with_20429(sandbox: outside.Outside) -> None:
    rule(sandbox, kind="refuse")
    assert refused(sandbox) == (429, 20429)
    assert send(sandbox).status == "queued"


@pytest.mark.parametrize(
    ("wish", "statuses"),
    [
        ({"kind": "duplicate"}, ["sending", "sending", "sent", "sent", "delivered", "delivered"]),
        ({"kind": "reorder"}, ["delivered", "sent", "sending"]),
        ({"kind": "undeliver", "error_code": 30007}, ["sending", "sent", "undelivered"]),
        ({"kind": "fail"}, ["sending", "sent", "failed"]),
    ],
)
def test_callbacks_are_spoiled_on_demand(
    sandbox: outside.Outside, listener: Listener, wish: dict[str, Any], statuses: list[str]
) -> None:
    rule(sandbox, to=PATIENT, **wish)
    sent = send(sandbox, listener)
    wait_for(lambda: len(listener.posts) == len(statuses))
    assert listener.statuses == statuses
    final = client(sandbox.url).messages(sent.sid).fetch()
    expected = {"undeliver": ("undelivered", 30007), "fail": ("failed", 30008)}.get(wish["kind"], ("delivered", None))
    assert (final.status, final.error_code) == expected


def test_lost_callbacks_leave_the_message_delivered_and_the_practice_untold(
    sandbox: outside.Outside, listener: Listener
) -> None:
    rule(sandbox, kind="lose")
    sent = send(sandbox, listener)
    wait_for(lambda: client(sandbox.url).messages(sent.sid).fetch().status == "delivered")
    send(sandbox, listener)
    wait_for(lambda: len(listener.posts) == 3)
    assert sent.sid not in {form["MessageSid"] for _, form, _ in listener.posts}


def test_a_reply_is_posted_signed_and_its_answer_goes_back_to_the_phone(
    sandbox: outside.Outside, listener: Listener
) -> None:
    listener.answer = "<Response><Message>Moved to May 15 &amp; noted.</Message></Response>"
    reply(sandbox, "MOVE 15")
    ((path, form, signature),) = listener.posts
    assert RequestValidator(TOKEN).validate(listener.url + path, form, signature)
    assert (path, form["From"], form["To"], form["Body"]) == ("/inbound?practice=demo", PATIENT, PRACTICE, "MOVE 15")
    answer = sandbox.http.get("/_sandbox/messages", params={"to": PATIENT}).json()[-1]
    assert (answer["body"], answer["direction"]) == ("Moved to May 15 & noted.", "outbound-reply")


@pytest.mark.parametrize("word", ["STOP", "stop ", "Unsubscribe", "CANCEL", "end", "quit", "REVOKE", "OPTOUT"])
def test_an_opt_out_word_blocks_the_sender_until_start(sandbox: outside.Outside, listener: Listener, word: str) -> None:
    reply(sandbox, word)
    assert refused(sandbox) == (400, 21610)
    assert send(sandbox, to="+12125550112").status == "queued"
    reply(sandbox, "start")
    assert send(sandbox).status == "queued"
    assert [form["Body"] for _, form, _ in listener.posts] == [word, "start"]


def test_asking_to_stop_in_a_sentence_does_not_block_by_itself(sandbox: outside.Outside, listener: Listener) -> None:
    reply(sandbox, "please stop texting me")
    assert send(sandbox).status == "queued"
    assert sandbox.http.get("/_sandbox/optouts").json() == []


def test_a_practice_that_is_away_loses_no_reply_and_the_failure_is_written_down(
    sandbox: outside.Outside, listener: Listener
) -> None:
    listener.close()
    assert reply(sandbox, "hello")["status"] == "received"
    (webhook,) = sandbox.http.get("/_sandbox/webhooks").json()
    assert (webhook["kind"], webhook["answer"]) == ("inbound", None)


def test_an_answer_lost_on_the_way_leaves_the_text_sent(sandbox: outside.Outside) -> None:
    sandbox.fault(f"POST /2010-04-01/Accounts/{SID}/Messages.json", "drop_after")
    with pytest.raises(Exception, match=r"Connection aborted|RemoteDisconnected|Connection reset"):
        send(sandbox, body="only once")
    (found,) = client(sandbox.url).messages.list(to=PATIENT)
    assert found.body == "only once"


def test_a_sender_may_be_a_messaging_service(sandbox: outside.Outside, listener: Listener) -> None:
    number = {"number": PRACTICE, "inbound_url": f"{listener.url}/in", "messaging_service_sid": "MG1"}
    sandbox.http.post("/_sandbox/numbers", json=number).raise_for_status()
    sent = send(sandbox, listener, from_=None, messaging_service_sid="MG1")
    assert (sent.from_, sent.messaging_service_sid) == (PRACTICE, "MG1")
    wait_for(lambda: len(listener.posts) == 3)
    assert listener.posts[0][1]["MessagingServiceSid"] == "MG1"


def test_segments_follow_the_alphabet(sandbox: outside.Outside) -> None:
    bodies = {
        "x" * 160: "1",
        "x" * 161: "2",
        "x" * 306: "2",
        "é" * 160: "1",
        "€" * 81: "2",
        "ž" * 70: "1",
        "ž" * 71: "2",
    }
    assert {body: send(sandbox, body=body).num_segments for body in bodies} == bodies


def test_texts_carry_business_time_and_links(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock.json")
    clock.set_now(datetime(2031, 5, 1, 14, tzinfo=UTC))
    port = str(outside.free_port())
    running = outside.start("sandbox.messaging", tmp_path, "--smtp-port", port, clock=clock.path)
    try:
        assert send(running).date_created.date().isoformat() == "2031-05-01"
        (shown,) = running.http.get("/_sandbox/messages").json()
        assert (shown["channel"], shown["to"], shown["from"], shown["created"][:16], shown["links"]) == (
            *("sms", PATIENT, PRACTICE, "2031-05-01T14:00"),
            ["https://pay.example.com/p/abc"],
        )
    finally:
        running.stop()


def test_messages_survive_a_restart_and_go_on_to_be_delivered(tmp_path: Path) -> None:
    first = outside.start("sandbox.messaging", tmp_path, "--smtp-port", str(outside.free_port()))
    rule(first, kind="slow", seconds=0.4)
    send(first)
    first.stop()
    second = outside.start("sandbox.messaging", tmp_path, "--smtp-port", str(outside.free_port()))
    try:
        wait_for(lambda: second.http.get("/_sandbox/messages").json()[0]["status"] == "delivered")
    finally:
        second.stop()


def test_an_unknown_path_or_message_is_not_found_in_twilios_shape(sandbox: outside.Outside) -> None:
    for path in (f"/2010-04-01/Accounts/{SID}/Messages/SMnone.json", f"/2010-04-01/Accounts/{SID}/Calls.json"):
        answer = sandbox.http.get(path, auth=(SID, TOKEN))
        assert (answer.status_code, answer.json()["code"]) == (404, 20404)


def test_an_unknown_rule_is_refused_and_nothing_changes(sandbox: outside.Outside) -> None:
    for wish in ({"kind": "explode"}, {"kind": "lose", "colour": "red"}, {}):
        assert sandbox.http.post("/_sandbox/delivery", json=wish).status_code == 400
    assert sandbox.http.get("/_sandbox/delivery").json() == []
