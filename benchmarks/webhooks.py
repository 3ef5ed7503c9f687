"""bin/bench webhooks: events accepted a second, beside a bare view that does one INSERT.

Both behind the same web server as in production (granian, 2 workers x 8 threads), asked by 16 connections in turn:
ours, bare, ours, bare, so that both see the same machine. Ours proves the signature, finds practice and account,
stores the event and wakes a worker.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import stripe

from benchmarks import printing, running, seed
from kasperpay.celery import app
from ops import ports
from payments.models import WebhookEvent
from practices import tenancy
from processors.stripe.account import API_VERSION

CONNECTIONS, ROUNDS = 16, 3
GOAL = 0.8


def main(argv: list[str]) -> int:
    wish = printing.options("Webhooks accepted a second, beside a bare view that does one INSERT.", argv)
    out = printing.Report(only_json=wish.json)
    seconds = 1.0 if wish.tiny else 10.0
    made = seed.fill(100 if wish.tiny else 2_000)
    rates: dict[str, list[float]] = {"ours": [], "bare": []}
    with running.processes() as world:
        base = _serve(world)
        events = _events()
        for _ in range(1 if wish.tiny else ROUNDS):
            for name, path in (("ours", "/webhooks/stripe/bench-0/"), ("bare", "/bare-insert/")):
                rates[name].append(_rate(f"{base}{path}", events, seconds))
    with tenancy.scope(made.practices[0]):
        stored = WebhookEvent.objects.count()
    app.control.purge()
    best = {name: max(found) for name, found in rates.items()}
    out.table(("", "events/s, each round", "best"), [
        (name, "  ".join(f"{one:.0f}" for one in found), f"{best[name]:.0f}") for name, found in rates.items()
    ])  # fmt: skip
    out.say(f"{stored:,} rows stored. Goal: at least {GOAL} of the bare view.\n")
    return out.end(
        bench="webhooks", ratio=round(best["ours"] / best["bare"], 3), accepted_per_second=round(best["ours"]),
        bare_per_second=round(best["bare"]), stored=stored, connections=CONNECTIONS,
    )  # fmt: skip


def _serve(world: running.Processes) -> str:
    port = ports.free_port()
    size = ("--workers", "2", "--blocking-threads", "8", "--no-ws")
    address = ("--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port))
    command = ("granian", *address, *size, "benchmarks.bare_web:application")
    world.python(*command, said="Started worker-2", LOG_LEVEL="INFO")
    world.ready()
    return f"http://127.0.0.1:{port}"


def _events() -> Iterator[tuple[str, bytes, str]]:
    """Ever new events: id, body and signature."""
    for number in itertools.count():
        name = f"evt_bench_{os.getpid()}_{number}"
        body = json.dumps({
            "id": name, "type": "payment_intent.succeeded", "api_version": API_VERSION, "livemode": False,
            "data": {"object": {"id": f"pi_{number}"}},
        })  # fmt: skip
        signed = stripe.WebhookSignature.generate_signature_header(body, "whsec_bench0", int(time.time()))
        yield name, body.encode(), signed


def _rate(url: str, events: Iterator[tuple[str, bytes, str]], seconds: float) -> float:
    """Accepted a second by CONNECTIONS threads that each wait for their answer."""
    lock, until = threading.Lock(), time.monotonic() + seconds

    def next_event() -> tuple[str, bytes, str]:
        with lock:
            return next(events)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        counts = list(pool.map(lambda _: _send(url, next_event, until), range(CONNECTIONS)))
    return sum(counts) / seconds


def _send(url: str, next_event: Callable[[], tuple[str, bytes, str]], until: float) -> int:
    """How many were accepted; at least one, however slow the machine is."""
    count = 0
    with httpx.Client(trust_env=False, timeout=30) as client:
        while not count or time.monotonic() < until:
            _, body, signed = next_event()
            headers = {"Stripe-Signature": signed, "Content-Type": "application/json"}
            # The server now and then closes a kept connection without an answer; a processor delivers again.
            with contextlib.suppress(httpx.RemoteProtocolError):
                client.post(url, content=body, headers=headers).raise_for_status()
                count += 1
    return count
