"""Puts the sandbox Stripe together: API, hosted pages, control, deliveries, faults."""

from __future__ import annotations

from flask import Flask

from sandbox.common.faults import Environ, Fault, Faults
from sandbox.stripe import api
from sandbox.stripe.books import Books

_BODIES = {
    "throttle": '{"error": {"type": "invalid_request_error", "code": "rate_limit", "message": "Too many requests."}}',
    "error_before": '{"error": {"type": "api_error", "message": "Something went wrong on the processor\'s side."}}',
}
_BODIES["error_after"] = _BODIES["error_before"]


class StripeFaults(Faults):
    """Faults whose answers look like Stripe's."""

    def _take(self, line: str) -> Fault | None:
        fault = super()._take(line)
        if fault is not None and not fault.body:
            fault.body = _BODIES.get(fault.kind, "")
        return fault


def make(books: Books) -> StripeFaults:
    app = Flask(__name__)
    api.add_routes(app, books)
    app.add_url_rule("/_sandbox/health", "health", lambda: {"ok": True, "service": "stripe"})
    return StripeFaults(app)


__all__ = ["Environ", "StripeFaults", "make"]
