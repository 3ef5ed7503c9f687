"""Many fake Open Dental offices behind one loopback port: some answer, some hang, some throttle.

An office is the first part of the path; its behavior is told by POST /_behave and may change while it runs.
"""

from __future__ import annotations

import argparse
import itertools
import json
import signal
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# Longer than any limit of the product.
HANG_SECONDS = 300.0
HEALTHY, HANGS, THROTTLES = "healthy", "hangs", "throttles"
Answer = tuple[int, Any]


class Offices:
    """The books of all offices: payments by number, and how often each office was asked."""

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self.retry_after = 30
        self.behavior: dict[str, str] = {}
        self.asked: Counter[str] = Counter()
        self.payments: dict[tuple[str, int], dict[str, Any]] = {}
        self.closing = threading.Event()
        self._numbers = itertools.count(1)

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        office, _, rest = path.lstrip("/").partition("/")
        if office == "_behave":
            # All of them anew, so that a run begins with what it says.
            self.behavior = json.loads(body)
            return 200, len(self.behavior)
        if office == "_asked":
            return 200, self.asked
        self.asked[office] += 1
        match self.behavior.get(office, HEALTHY):
            case "hangs":
                self.closing.wait(HANG_SECONDS)
                return 504, "The request timed out."
            case "throttles":
                return 429, "Too many requests."
        time.sleep(self.delay)
        return self._work(office, method, rest, body)

    def _work(self, office: str, method: str, rest: str, body: bytes) -> Answer:
        if method == "POST" and rest == "payments":
            number = next(self._numbers)
            self.payments[office, number] = json.loads(body) | {"PayNum": number}
            return 201, {"PayNum": number}
        if rest.startswith("paysplits?PayNum="):
            return 200, self._splits(office, int(rest.rpartition("=")[2]))
        if b'"SELECT NOW()' in body or b'"\\nSELECT num, NOW()' in body:
            return 200, [{"num": 0, "t": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")}]
        return 200, []

    def _splits(self, office: str, number: int) -> list[dict[str, Any]]:
        paid = self.payments[office, number]
        facts = {"SplitNum": number, "PayNum": number, "SplitAmt": paid["PayAmt"], "PayPlanDebitType": "Unknown"}
        return [{**facts, "PayPlanNum": 0, "PayPlanChargeNum": 0, "UnearnedType": 0, "DatePay": paid["PayDate"]}]


class _Server(ThreadingHTTPServer):
    request_queue_size = 1024

    def __init__(self, port: int, offices: Offices) -> None:
        self.offices = offices
        super().__init__(("127.0.0.1", port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    # One request a connection, as HTTP/1.0 has it: nobody is left waiting for a second one when the offices close.
    server: _Server

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, answer = self.server.offices.answer(self.command, self.path, body)
        payload = json.dumps(answer).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Retry-After", str(self.server.offices.retry_after))
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)
        except OSError:
            self.log_message("hung up on")

    do_GET = do_POST = do_PUT = _answer

    def log_message(self, *_: object) -> None:
        """Nothing to say about a thousand requests."""


class Running:
    """The offices on threads of this process, for tests."""

    def __init__(self, port: int, delay: float = 0.0) -> None:
        self.offices = Offices(delay)
        self.port = port
        self._server = _Server(port, self.offices)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Running:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.offices.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def address(self, office: str) -> str:
        return f"http://127.0.0.1:{self.port}/{office}"


def run() -> None:
    """`python -m benchmarks.offices --port P --delay S`, until it is told to end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--delay", type=float, default=0.02)
    given = parser.parse_args()
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    with Running(given.port, given.delay):
        over.wait()


if __name__ == "__main__":
    run()
