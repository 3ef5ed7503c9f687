"""Puts the sandbox Stripe together: API, hosted pages, control, courier, faults."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from sandbox.common.faults import Fault, Faults
from sandbox.stripe import api, control_api, hosted, pages, reader_page
from sandbox.stripe.books import Books
from sandbox.stripe.control import Control
from sandbox.stripe.reader_control import ReaderControl

_BODIES = {
    "throttle": '{"error": {"type": "invalid_request_error", "code": "rate_limit", "message": "Too many requests."}}',
    "error_before": '{"error": {"type": "api_error", "message": "Something went wrong on the processor\'s side."}}',
}
_BODIES["conflict"] = (
    '{"error": {"type": "invalid_request_error", "code": "idempotency_key_in_use",'
    ' "message": "Another request with this idempotency key is still being worked on."}}'
)
_BODIES["error_after"] = _BODIES["error_before"]


class StripeFaults(Faults):
    """Faults whose answers look like Stripe's."""

    def _take(self, line: str) -> Fault | None:
        fault = super()._take(line)
        if fault is not None and not fault.body:
            fault.body = _BODIES.get(fault.kind, "")
        return fault


def dollars(cents: int) -> str:
    return f"${cents // 100:,}.{cents % 100:02d}"


def make(books: Books, prepare: Callable[[], None]) -> StripeFaults:
    """The whole app. `prepare` registers what the command line asked for, at the start and after each reset."""
    app = Flask(__name__)
    app.jinja_env.filters["dollars"] = dollars
    faults = StripeFaults(app)

    def restart() -> None:
        faults.rules.clear()
        prepare()

    control = Control(books, restart)
    api.add_routes(app, books)
    hosted.add_routes(app, books)
    at_readers = ReaderControl(books)
    control_api.add_routes(app, control, at_readers)
    reader_page.add_routes(app, at_readers)
    pages.add_routes(app, control, faults)
    prepare()
    return faults
