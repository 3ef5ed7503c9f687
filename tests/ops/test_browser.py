"""The smoke walk's browser reads pages and sends forms the way a person's browser would."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import pytest

from ops.browser import Browser, UnableToWalk
from ops.patience import until

PAGE = b"""<html><title>Cards</title><style>p {}</style><script>ignored()</script>
<a href="/plans?page=2">Next <b>page</b></a>
<form method="post" action="save">
  <input type="hidden" name="token" value="t-1"><input name="name" value="Pat"><textarea name="note">As is</textarea>
  <select name="card"><option value="c1">One</option><option value="c2" selected>Two</option></select>
  <input type="checkbox" name="agree" value="yes"><input type="radio" name="when" value="now" checked>
  <button name="step" value="pay">Pay now</button><button type="button">Close</button>
</form></html>"""


class Office(BaseHTTPRequestHandler):
    """Shows PAGE, keeps what is posted, sends the browser on to /done."""

    posted: list[tuple[str, dict[str, str], str | None]]

    def do_GET(self) -> None:
        body = {"/cards/": PAGE, "/done": b"<p>Thank you</p>"}.get(self.path)
        self.send_response(200 if body else 404)
        self.send_header("Set-Cookie", "session=s-1")
        self.end_headers()
        self.wfile.write(body or b"<p>Nothing here</p>")

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        type(self).posted.append((self.path, dict(parse_qsl(text)), self.headers["Cookie"]))
        self.send_response(303)
        self.send_header("Location", "/done")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def browser() -> Iterator[Browser]:
    Office.posted = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Office) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with Browser(f"http://127.0.0.1:{server.server_port}") as opened:
            yield opened
        server.shutdown()


def test_a_form_goes_out_with_its_hidden_fields_the_pressed_button_and_the_cookie(browser: Browser) -> None:
    page = browser.get("/cards/")

    answer = browser.press(page, "Pay now", name="Lee")

    sent = {"token": "t-1", "name": "Lee", "note": "As is", "card": "c2", "when": "now", "step": "pay"}
    assert Office.posted == [("/cards/save", sent, "session=s-1")]
    assert (answer.text, answer.url.endswith("/done")) == ("Thank you", True)


def test_a_page_is_read_as_visible_text_links_and_choices(browser: Browser) -> None:
    page = browser.get("/cards/")

    assert page.text == "Cards Next page As is One Two Pay now Close"
    assert page.link("Next page").endswith("/plans?page=2")
    assert page.form("token").choices == {"card": ["c1", "c2"], "agree": ["yes"], "when": ["now"]}


def test_what_is_not_there_is_named(browser: Browser) -> None:
    page = browser.get("/cards/")

    with pytest.raises(UnableToWalk, match="has no link 'Terminals'; it has .'Next page'"):
        page.link("Terminals")
    with pytest.raises(UnableToWalk, match="has no form with 'Refund'"):
        browser.press(page, "Refund")
    with pytest.raises(UnableToWalk, match="GET .*/nowhere answered 404: Nothing here"):
        browser.get("/nowhere")
    assert Office.posted == []


def test_waiting_ends_with_what_was_last_seen() -> None:
    answers = iter([[], [], ["paid"]])

    assert until("a payment", lambda: next(answers)) == ["paid"]
    with pytest.raises(UnableToWalk, match=r"waited 0 s for a payment; last seen: \[\]"):
        until("a payment", list, seconds=0)
