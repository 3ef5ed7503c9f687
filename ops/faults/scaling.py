"""Makes real seconds shorter: business time runs SCALE times as fast, so every wait of the product shrinks alike.

The product's rules compare waits with each other (a request may take 65 s, what was sent is searched for 60 s later, a
started attempt is left alone for 90 s). All of them are divided by the same number, so their order stays what it is.
"""

from __future__ import annotations

import time
from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any

SCALE = 10.0
# The longest any answer is held: one minute of business, what Open Dental's API takes before it gives up.
LONGEST_HOLD_SECONDS = 60 / SCALE
# A broker's message taken by a killed worker comes back after so many real seconds.
REDELIVERED_AFTER_SECONDS = 20


def monotonic() -> float:
    """Seconds of business since some moment."""
    return time.monotonic() * SCALE


def install() -> None:
    """Replace the product's waits that run on real time. Before any client exists and before any fork."""
    import httpx
    import stripe

    for module in ("payments.reconcile", "payments.refund_news", "payments.loose_ends"):
        _set(module, STARTED_GRACE=timedelta(seconds=90 / SCALE))
    _set("payments.presented", ABANDONED_AFTER=timedelta(minutes=40) / SCALE)
    _set("payments.sales", REQUEST_IS_OVER=timedelta(minutes=10) / SCALE)
    _set(
        "terminals.sweeping",
        SILENT_AFTER=timedelta(minutes=3) / SCALE, LOOK_EVERY=timedelta(seconds=5) / SCALE,
        LEFT_ALONE=timedelta(minutes=10) / SCALE,
    )  # fmt: skip
    _set("paylinks.request_tries", MOST_WAIT=timedelta(minutes=2) / SCALE, LEASE=timedelta(minutes=5) / SCALE)
    _set("paylinks.request_amounts", _ASK_AGAIN_AFTER_SECONDS=int(120 / SCALE))
    # Six hours of business pass in one jump of the clock here.
    _set("payments.refund_news", _READ_EVERY_SECONDS=15)
    _set("payments.disputes", _READ_EVERY_SECONDS=15)
    _set("payments.charging", monotonic=monotonic)
    account = import_module("processors.stripe.account")
    _set(account.__name__, _http=stripe.RequestsClient(timeout=(1, 30 / SCALE)), RESEND_AFTER_SECONDS=0.5 / SCALE)
    # Looked up through the classes of the library at every retry.
    for name, seconds in (("INITIAL_DELAY", 0.5), ("MAX_DELAY", 5.0)):
        setattr(stripe.HTTPClient, name, seconds / SCALE)
    client = import_module("opendental.client")
    limits = {name: limit for name, limit in vars(client).items() if isinstance(limit, httpx.Timeout)}
    _set(client.__name__, **{name: _shorter(limit) for name, limit in limits.items()})
    # The longest request with its wait for the office's turn takes 14 real seconds here. A killed worker keeps its
    # office waiting for so long: with more, hardly a posting would be sent between two kills.
    _set("opendental.turns", HELD_SECONDS=15)
    pacing = import_module("opendental.pacing")
    right = pacing.interval_of
    _set(
        pacing.__name__,
        # A killed worker's requests count as unanswered for so long; the machine kills far more often than life.
        _HELD_MS=2_500, _POLL_WAITS=4.0, _URGENT_WAITS=8.0,
        # An office that is held up for seconds here is a busy machine, not a silent office.
        _POLL_SILENT_MS=8_000, _URGENT_SILENT_MS=8_000,
        interval_of=lambda mode, permissions: right(mode, permissions) / SCALE,
    )  # fmt: skip
    for module in ("opendental.post", "opendental.walks"):
        _set(module, time=SimpleNamespace(monotonic=monotonic))
    _set("practices.rounds", _FORGOTTEN_SECONDS=int(120 / SCALE))
    _set("kasperpay.beat", LEASE_MS=int(45_000 / SCALE), STAND_BY_SECONDS=5 / SCALE)
    _set("notifications.send", LEASE=timedelta(seconds=120 / SCALE))
    _set("notifications.channels.sms", TIMEOUT_SECONDS=2)
    broker = import_module("kasperpay.celery").app
    broker.conf.broker_transport_options = {"visibility_timeout": REDELIVERED_AFTER_SECONDS}


def _shorter(limit: Any) -> Any:
    """Never under two seconds: this machine's processors are busy, and a timeout that is not real teaches nothing."""
    import httpx

    return httpx.Timeout(**{name: max(2.0, (seconds or 0) / SCALE) for name, seconds in limit.as_dict().items()})


def _set(module: str, **values: Any) -> None:
    """Every name must be there already: a wait that was renamed must not silently keep its length."""
    holder = import_module(module)
    for name, value in values.items():
        if not hasattr(holder, name):
            raise LookupError(f"{module} has no {name} any more: bring ops/faults/scaling.py up to date")
        setattr(holder, name, value)
