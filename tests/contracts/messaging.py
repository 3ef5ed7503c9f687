"""Helpers for the messaging sandbox's tests: the official Twilio client on another host, and a webhook listener."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

SID = "AC00000000000000000000000000000001"
TOKEN = "sandbox-token"
PRACTICE = "+12125550100"
PATIENT = "+12125550111"


class Rehosted(TwilioHttpClient):  # type: ignore[misc]
    """Sends the official library's requests to another host, the way the product does."""

    def __init__(self, base_url: str) -> None:
        super().__init__(timeout=10)
        self.session.trust_env = False
        self.base_url = base_url

    def request(self, method: str, url: str, *rest: Any, **named: Any) -> Any:
        parts = urlsplit(url)
        query = f"?{parts.query}" if parts.query else ""
        return super().request(method, f"{self.base_url}{parts.path}{query}", *rest, **named)


def client(base_url: str, sid: str = SID, token: str = TOKEN) -> Any:
    return Client(sid, token, http_client=Rehosted(base_url))


@dataclass
class Listener:
    """A practice's webhook endpoint: keeps (path, form, signature) and answers `answer`."""

    answer: str = ""
    status: int = 200
    posts: list[tuple[str, dict[str, str], str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode(), True))
                listener.posts.append((self.path, form, self.headers["X-Twilio-Signature"]))
                self.send_response(listener.status)
                self.end_headers()
                self.wfile.write(listener.answer.encode())

            def log_message(self, *_: Any) -> None:
                """No lines on the terminal."""

        return Handler

    @property
    def statuses(self) -> list[str]:
        return [form["MessageStatus"] for _, form, _ in self.posts]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def wait_for(condition: Callable[[], bool], seconds: float = 5) -> None:
    """Return as soon as `condition` holds; AssertionError when it does not in time."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "did not happen in time"
        time.sleep(0.02)
