"""Puts the crash points around the product's functions, in a process that is about to work. No product file knows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any

from ops.faults.points import Armory

# point → (module or class, function, before or after it)
_PLAIN = {
    "claiming": ("payments.claim", "_start", "after"),
    "after_claim": ("payments.charging", "ask", "before"),
    "intent_created": ("payments.charging", "remember", "before"),
    "id_stored": ("payments.charging", "remember", "after"),
    "page_opened": ("payments.presented", "_remember_page", "before"),
    "page_stored": ("payments.presented", "_remember_page", "after"),
    "in_settle": ("payments.notices", "_enqueue", "after"),
    "post_answered": ("opendental.outbox", "posted", "before"),
    "before_partial": ("opendental.post.Poster", "_compare", "before"),
    "webhook_before_stored": ("payments.inbox", "store", "before"),
    "webhook_stored": ("payments.inbox", "store", "after"),
    "reader_asked": ("processors.stripe.account.StripeProcessor", "present", "after"),
    "text_sent": ("notifications.channels.sms", "send", "after"),
    "order_placed": ("opendental.plan_orders", "place", "after"),
    "order_reading": ("opendental.plan_orders.Worker", "_read", "before"),
    "refund_claimed": ("payments.refunds", "ask", "before"),
    "move_ordered": ("opendental.moves", "order", "after"),
}
_SETTLERS = {"webhook": "webhook_task", "reconciler": "reconciling"}
# The end of a write's path → its point.
_ON_THE_WIRE = {"confirm": "confirm_sent", "refunds": "refund_asked"}
_IN_THE_LEDGER = {
    ("POST", "payments"): "post_sent", ("PUT", "Partial"): "partial_sent", ("POST", "Refund"): "refund_post_sent",
    ("POST", "adjustments"): "discount_sent", ("POST", "Dynamic"): "order_sent", ("PUT", "Dynamic"): "order_sent",
    ("PUT", "Close"): "order_sent",
}  # fmt: skip
_here = threading.local()


def install(armory: Armory) -> None:
    """Wrap once, before any work and before any fork."""
    for point, (path, name, when) in _PLAIN.items():
        _around(armory, point, _holder(path), name, when)
    _around_settle(armory)
    _around_processor_writes(armory)
    _around_ledger_writes(armory)


def _around(armory: Armory, point: str, holder: Any, name: str, when: str) -> None:
    right: Callable[..., Any] = getattr(holder, name)

    def before(*args: Any, **more: Any) -> Any:
        armory.spring(point)
        return right(*args, **more)

    def after(*args: Any, **more: Any) -> Any:
        answer = right(*args, **more)
        armory.spring(point)
        return answer

    setattr(holder, name, before if when == "before" else after)


def _around_settle(armory: Armory) -> None:
    """The same function brings news of a worker, a webhook and the reconciler: three points."""
    holder = import_module("payments.outcomes")
    right: Callable[..., Any] = holder.settle

    def settle(*args: Any, **more: Any) -> Any:
        actor = str(more.get("actor", ""))
        armory.spring(_SETTLERS.get(actor, "answer_read"))
        answer = right(*args, **more)
        if actor not in _SETTLERS:
            armory.spring("settled")
        return answer

    holder.settle = settle  # type: ignore[attr-defined]


def _around_processor_writes(armory: Armory) -> None:
    """Dies with the confirm or the refund on the wire and its answer unread."""
    client, connection = _holder("stripe.RequestsClient"), _holder("urllib3.connection.HTTPConnection")
    right_request: Callable[..., Any] = client.request
    right_answer: Callable[..., Any] = connection.getresponse

    def request(self: Any, method: str, url: str, *args: Any, **more: Any) -> Any:
        _here.point = _ON_THE_WIRE.get(url.rpartition("/")[2], "") if method == "post" else ""
        try:
            return right_request(self, method, url, *args, **more)
        finally:
            _here.point = ""

    def getresponse(self: Any, *args: Any, **more: Any) -> Any:
        if point := getattr(_here, "point", ""):
            armory.spring(point)
        return right_answer(self, *args, **more)

    client.request = request
    connection.getresponse = getresponse


def _around_ledger_writes(armory: Armory) -> None:
    """Dies with a write to Open Dental fully sent and its answer unread."""
    client = _holder("httpx.Client")
    right: Callable[..., Any] = client.request

    def request(self: Any, method: str, url: Any, **more: Any) -> Any:
        point = _IN_THE_LEDGER.get((method, str(url).rpartition("/")[2]))
        if point:
            more["extensions"] = {**(more.get("extensions") or {}), "trace": _trace(armory, point)}
        return right(self, method, url, **more)

    client.request = request


def _trace(armory: Armory, point: str) -> Callable[[str, Any], None]:
    def trace(event: str, _facts: Any) -> None:
        if event == "http11.send_request_body.complete":
            armory.spring(point)

    return trace


def _holder(path: str) -> Any:
    """A module, or a class in one."""
    try:
        return import_module(path)
    except ModuleNotFoundError:
        module, _, name = path.rpartition(".")
        return getattr(import_module(module), name)
