"""The courier: a background thread that signs and posts queued events, and ends what has run out of time."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import threading
import time

import httpx

from sandbox.common.store import Row
from sandbox.stripe import events, holds, payouts, presenting, queue
from sandbox.stripe.books import Books
from sandbox.stripe.sessions import expire_due
from sandbox.stripe.wire import JSON

IDLE_SECONDS = 0.05
log = logging.getLogger(__name__)


def signature(secret: str, body: bytes, at: int) -> str:
    """The Stripe-Signature header: HMAC-SHA256 of "time.body", real Unix time."""
    mac = hmac.new(secret.encode(), str(at).encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"


class Courier:
    """Delivers one after the other; an endpoint that does not answer within 5 seconds has failed this try."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.http = httpx.Client(timeout=5, trust_env=False)
        self.thread = threading.Thread(target=self._work, name="courier", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def _work(self) -> None:
        while True:
            try:
                expire_due(self.books)
                holds.expire_due(self.books)
                presenting.release_due(self.books)
                payouts.advance(self.books)
                if not self.round():
                    time.sleep(IDLE_SECONDS)
            except Exception:
                log.exception("the courier stumbled")
                time.sleep(1)

    def round(self) -> int:
        """Deliver what is due; how many deliveries were tried."""
        rows = queue.due(self.books.store)
        for row in rows:
            self._deliver(row)
        return len(rows)

    def _deliver(self, delivery: Row) -> None:
        scope = self.books.owner(delivery["event"])
        endpoint = self._endpoint(delivery["endpoint"])
        if scope is None or endpoint is None:
            self.books.store.run("DELETE FROM deliveries WHERE id = ?", delivery["id"])
            return
        event = scope.need("event", delivery["event"])
        connected = scope.account if endpoint["_connect"] else None
        code, problem = self._post(endpoint, events.payload(self.books, event, endpoint, connected))
        queue.done(self.books.store, delivery, code, problem)

    def _endpoint(self, identifier: str) -> JSON | None:
        row = self.books.store.one("SELECT body FROM objects WHERE id = ?", identifier)
        found: JSON | None = json.loads(row["body"]) if row else None
        return found

    def _post(self, endpoint: JSON, body: bytes) -> tuple[int | None, str]:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(endpoint["_secret"], body, int(time.time())),
            "User-Agent": "Stripe/1.0 (sandbox)",
        }
        try:
            return self.http.post(endpoint["url"], content=body, headers=headers).status_code, ""
        except httpx.HTTPError as error:
            return None, type(error).__name__
