"""E-mails over SMTP, and the inbox page where a person reads and replies."""

from __future__ import annotations

import smtplib
import tempfile
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests import outside
from tests.contracts.messaging import PATIENT, PRACTICE, Listener, client

ADDRESS = "nell.sample@example.com"


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


def post_mail(
    sandbox: outside.Outside, *, to: str = ADDRESS, body: str = "Receipt: https://pay.example.com/r/1"
) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "desk@example.com", to, "Payment received – thank you"
    message.set_content(body)
    message.add_alternative("<p>Receipt</p><script>alert(1)</script>", subtype="html")
    with smtplib.SMTP("127.0.0.1", sandbox.http.get("/_sandbox/health").json()["smtp_port"]) as server:
        server.send_message(message)


def test_an_e_mail_arrives_with_subject_text_html_and_links(sandbox: outside.Outside) -> None:
    post_mail(sandbox, to="Nell.Sample@Example.com")
    (mail,) = sandbox.http.get("/_sandbox/messages", params={"to": ADDRESS}).json()
    assert (mail["channel"], mail["from"], mail["to"], mail["subject"]) == (
        *("email", "desk@example.com", ADDRESS),
        "Payment received – thank you",
    )
    assert mail["body"] == "Receipt: https://pay.example.com/r/1"
    assert mail["links"] == ["https://pay.example.com/r/1"]
    assert mail["html"].startswith("<p>Receipt</p>")


@pytest.mark.parametrize(("kind", "code"), [("bounce", 550), ("defer", 451)])
def test_a_spoiled_mailbox_refuses_once_and_keeps_nothing(sandbox: outside.Outside, kind: str, code: int) -> None:
    sandbox.http.post("/_sandbox/delivery", json={"kind": kind, "to": "*@example.com"}).raise_for_status()
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refusal:
        post_mail(sandbox)
    assert refusal.value.recipients[ADDRESS][0] == code
    assert sandbox.http.get("/_sandbox/messages").json() == []
    post_mail(sandbox)
    assert len(sandbox.http.get("/_sandbox/messages").json()) == 1


def test_the_inbox_lists_phones_and_mailboxes_latest_first_with_their_owners(sandbox: outside.Outside) -> None:
    for address in (PATIENT, ADDRESS):
        sandbox.http.post("/_sandbox/people", json={"address": address, "name": "Nell Sample"}).raise_for_status()
    client(sandbox.url).messages.create(to=PATIENT, from_=PRACTICE, body="Hello")
    post_mail(sandbox)
    client(sandbox.url).messages.create(to="+12125550188", from_=PRACTICE, body="Later")
    page = sandbox.http.get("/").text
    places = [page.index(f'href="{path}"') for path in ("/phone/+12125550188", f"/mail/{ADDRESS}", f"/phone/{PATIENT}")]
    assert places == sorted(places)
    assert page.count("Nell Sample") == 2
    assert "(212) 555-0188" in page


def test_a_phone_shows_bubbles_with_tappable_links_and_sends_a_reply(sandbox: outside.Outside) -> None:
    listening = Listener()
    number = {"number": PRACTICE, "inbound_url": f"{listening.url}/in"}
    sandbox.http.post("/_sandbox/numbers", json=number).raise_for_status()
    client(sandbox.url).messages.create(to=PATIENT, from_=PRACTICE, body="<b>Pay</b>: http://127.0.0.1:8000/l/x.")
    posted = sandbox.http.post(f"/phone/{PATIENT}", data={"to": PRACTICE, "body": "Thanks!"})
    assert (posted.status_code, posted.headers["Location"]) == (303, f"/phone/{PATIENT}")
    page = sandbox.http.get(f"/phone/{PATIENT}").text
    assert '<a href="http://127.0.0.1:8000/l/x" target="_blank"' in page
    assert "&lt;b&gt;Pay&lt;/b&gt;" in page
    assert page.count('class="mine"') == 1
    assert [form["Body"] for _, form, _ in listening.posts] == ["Thanks!"]
    listening.close()


def test_an_empty_reply_sends_nothing(sandbox: outside.Outside) -> None:
    assert sandbox.http.post(f"/phone/{PATIENT}", data={"to": PRACTICE, "body": "  "}).status_code == 303
    assert sandbox.http.get("/_sandbox/messages").json() == []


def test_a_mailbox_shows_the_text_and_keeps_scripts_of_the_html_from_running(sandbox: outside.Outside) -> None:
    post_mail(sandbox)
    page = sandbox.http.get(f"/mail/{ADDRESS}").text
    assert "Payment received – thank you" in page
    assert "<script>alert" not in page
    (mail,) = sandbox.http.get("/_sandbox/messages").json()
    shown = sandbox.http.get(f"/mail/{ADDRESS}/{mail['sid']}/html")
    assert shown.headers["Content-Security-Policy"].startswith("default-src 'none'; ")


def test_a_reset_forgets_messages_and_keeps_people(sandbox: outside.Outside) -> None:
    sandbox.http.post("/_sandbox/people", json={"address": PATIENT, "name": "Nell Sample"}).raise_for_status()
    client(sandbox.url).messages.create(to=PATIENT, from_=PRACTICE, body="Hello")
    sandbox.http.post("/_sandbox/reset").raise_for_status()
    assert sandbox.http.get("/_sandbox/messages").json() == []
    assert "Nell Sample" in sandbox.http.get("/").text


@pytest.mark.parametrize("path", ["/phone/nonsense", "/nowhere", "/mail/a@example.com/SM0/html"])
def test_an_unknown_page_is_not_found(sandbox: outside.Outside, path: str) -> None:
    assert sandbox.http.get(path).status_code == 404
