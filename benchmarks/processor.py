"""A card processor that answers after a fixed time and does nothing else: `python -m benchmarks.processor`.

Its own cost is small on purpose (a bare asyncio protocol), so that what is measured is the caller. It speaks just
enough of Stripe's wire: create an intent, confirm it. GET /_seen tells what came, when, and how often over the limit.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from urllib.parse import parse_qs

WINDOW_SECONDS = 1.0


@dataclass
class Books:
    """What came in: charges by account, repeated keys, and the most calls of one endpoint within any second."""

    delay: float
    limit: int
    confirmed: Counter[str] = field(default_factory=Counter)
    times: dict[str, list[float]] = field(default_factory=dict)
    keys: Counter[str] = field(default_factory=Counter)
    recent: dict[tuple[str, str], deque[float]] = field(default_factory=dict)
    most: int = 0
    refused: int = 0
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    amounts: dict[str, int] = field(default_factory=dict)

    def is_too_many(self, account: str, endpoint: str) -> bool:
        """Count a call; True when the account's limit of this endpoint is used up in this second."""
        now = time.monotonic()
        calls = self.recent.setdefault((account, endpoint), deque())
        while calls and calls[0] <= now - WINDOW_SECONDS:
            calls.popleft()
        if self.limit and len(calls) >= self.limit:
            self.refused += 1
            return True
        calls.append(now)
        self.most = max(self.most, len(calls))
        return False

    def create(self, body: str) -> dict[str, object]:
        number = f"pi_bench_{next(self.numbers)}"
        self.amounts[number] = int(parse_qs(body)["amount"][0])
        return self._intent(number, "requires_confirmation")

    def confirm(self, account: str, number: str, key: str) -> dict[str, object]:
        self.keys[key] += 1
        if self.keys[key] == 1:
            self.confirmed[account] += 1
            self.times.setdefault(account, []).append(time.time())
        return self._intent(number, "succeeded")

    def _intent(self, number: str, status: str) -> dict[str, object]:
        cents = self.amounts.get(number, 0)
        return {
            "id": number, "object": "payment_intent", "status": status, "amount": cents, "metadata": {},
            "amount_received": cents if status == "succeeded" else 0, "latest_charge": f"ch_{number}",
        }  # fmt: skip

    def seen(self) -> dict[str, object]:
        repeated = sum(count - 1 for count in self.keys.values())
        return {
            "confirmed": self.confirmed, "times": self.times, "repeated": repeated, "most_in_a_second": self.most,
            "refused": self.refused,
        }  # fmt: skip


class Wire(asyncio.Protocol):
    """HTTP/1.1 with kept connections; bodies come with a length."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        line, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self.buffer = rest[length:]
        method, path, _ = line.split(" ", 2)
        self.answer(method, path, headers, rest[:length].decode())

    def answer(self, method: str, path: str, headers: dict[str, str], body: str) -> None:
        if method == "GET":
            self.send(200, self.books.seen())
            return
        account, parts = headers.get("authorization", ""), path.strip("/").split("/")
        if self.books.is_too_many(account, parts[-1] if len(parts) > 2 else "create"):
            self.send(429, {"error": {"type": "invalid_request_error", "code": "rate_limit", "message": "Slow down."}})
            return
        asyncio.get_running_loop().call_later(self.books.delay, self.finish, account, parts, headers, body)

    def finish(self, account: str, parts: list[str], headers: dict[str, str], body: str) -> None:
        if parts[-1] == "payment_intents":
            self.send(200, self.books.create(body))
        else:
            self.send(200, self.books.confirm(account, parts[2], headers.get("idempotency-key", "")))

    def send(self, status: int, answer: dict[str, object]) -> None:
        body = json.dumps(answer).encode()
        head = f"HTTP/1.1 {status} .\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.transport.write(head.encode() + body)


async def serve(port: int, books: Books) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Wire(books), "127.0.0.1", port, backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--delay", type=float, required=True, help="seconds before every answer")
    parser.add_argument("--limit", type=int, default=0, help="calls a second, account and endpoint; 0 = no limit")
    wish = parser.parse_args()
    asyncio.run(serve(wish.port, Books(wish.delay, wish.limit)))
