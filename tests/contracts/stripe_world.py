"""A running sandbox Stripe and one fresh account on it, talked to by the official library."""

from __future__ import annotations

import atexit
import itertools
import json
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache, cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import stripe

from sandbox.common.clock import Clock
from tests import outside

VERSION = "2026-10-28.endive"
VISA, DEBIT, AMEX = "4242424242424242", "4000056655665556", "378282246310005"
LATER_DECLINED, POOR = "4000000000000341", "4000000000009995"
_numbers = itertools.count(1)
stripe.enable_telemetry = False


def client(url: str, key: str, **options: Any) -> Any:
    """The library as the product uses it, every address pointing at the sandbox."""
    addresses: Any = dict.fromkeys(("api", "connect", "files", "meter_events"), url)
    return stripe.StripeClient(key, base_addresses=addresses, stripe_version=VERSION, **options).v1


@dataclass
class World:
    """The process, its clock, and an account nobody else uses."""

    process: outside.Outside
    clock: Clock
    key: str = ""
    api: Any = None

    @cached_property
    def customer(self) -> str:
        """This account's customer, made when first needed."""
        made: str = self.api.customers.create({"metadata": {"person": "1"}}).id
        return made

    @property
    def url(self) -> str:
        return self.process.url

    def control(self, path: str, /, **wish: Any) -> Any:
        answer = self.process.http.post(f"/_sandbox/{path}", json=wish)
        answer.raise_for_status()
        return answer.json()

    def look(self, path: str, /, **query: str) -> Any:
        return self.process.http.get(f"/_sandbox/{path}", params=query).raise_for_status().json()

    def open_account(self) -> World:
        key = f"sk_test_shop{next(_numbers)}"
        return World(self.process, self.clock, key, client(self.url, key))

    def card(self, number: str = VISA) -> str:
        saved: str = self.control("save_card", account_key=self.key, customer=self.customer, number=number)[
            "payment_method"
        ]
        return saved

    def intent(self, card: str | None = None, cents: int = 12860, **more: Any) -> Any:
        """A new intent, not confirmed."""
        params = {"amount": cents, "currency": "usd", "customer": self.customer, **more}
        if card:
            params["payment_method"] = card
        return self.api.payment_intents.create(params)

    def charge(self, card: str, cents: int = 12860) -> Any:
        """Create and confirm off-session; raises stripe.CardError for a decline."""
        return self.api.payment_intents.confirm(self.intent(card, cents).id, {"off_session": True})

    def events(self) -> list[str]:
        """Types of this account's events, oldest first."""
        return [event.type for event in self.api.events.list({"limit": 100}).data][::-1]

    def books(self, kind: str) -> list[dict[str, Any]]:
        """This account's charges, refunds or payment_intents in the sandbox's books."""
        mine = self.api.accounts.retrieve_current().id
        return [row for row in self.look("state")[kind] if row["account"] == mine]


@cache
def shared() -> World:
    """One process for all contract tests of a run: tests keep apart by account, and a start costs half a second."""
    folder = tempfile.TemporaryDirectory()
    clock = Path(folder.name) / "clock.json"
    process = outside.start("sandbox.stripe", Path(folder.name), clock=clock)
    atexit.register(folder.cleanup)
    atexit.register(process.stop)
    return World(process, Clock(clock))


def fresh(world: World) -> Iterator[World]:
    """A fresh account for one test; clock, wishes and faults are put back afterwards."""
    yield world.open_account()
    world.clock.set_offset(timedelta(0))
    world.control("wishes/forget")
    world.process.http.delete("/_sandbox/faults")


@dataclass
class Listener:
    """A webhook endpoint that keeps what it got and answers with the codes it was given, then 200."""

    codes: list[int] = field(default_factory=list)
    got: list[tuple[bytes, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.got.append((body, self.headers["Stripe-Signature"]))
                self.send_response(listener.codes.pop(0) if listener.codes else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Keep the test's output quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def types(self) -> list[str]:
        return [json.loads(body)["type"] for body, _ in self.got]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def wait_for(condition: Callable[[], bool], seconds: float = 5) -> None:
    end = monotonic() + seconds
    while not condition():
        assert monotonic() < end, "it did not happen in time"
        sleep(0.02)
