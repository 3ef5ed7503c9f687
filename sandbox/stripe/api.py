"""The /v1 API on one screen: method, path, parameter table, handler."""

from __future__ import annotations

import json
from collections.abc import Callable

from flask import Flask, Response, request

from sandbox.stripe import (
    accounts,
    charges,
    customers,
    disputes,
    events,
    intents,
    locations,
    methods,
    payouts,
    reader_actions,
    readers,
    refunds,
    sessions,
    setups,
)
from sandbox.stripe.books import Books
from sandbox.stripe.runner import Handler, run

READER = "terminal/readers/<identifier>"
ROUTES: list[tuple[str, str, str, Handler]] = [
    ("GET", "account", "none", accounts.retrieve),
    ("GET", "accounts/<identifier>", "none", accounts.retrieve),
    ("POST", "customers", "customer.create", customers.create),
    ("GET", "customers", "customer.list", customers.page),
    ("GET", "customers/<identifier>", "none", customers.retrieve),
    ("POST", "customers/<identifier>", "customer.update", customers.update),
    ("DELETE", "customers/<identifier>", "none", customers.delete),
    ("GET", "customers/<customer>/payment_methods", "payment_method.list", methods.page),
    ("GET", "customers/<customer>/payment_methods/<identifier>", "none", methods.retrieve_of),
    ("GET", "payment_methods", "payment_method.list", methods.page),
    ("GET", "payment_methods/<identifier>", "none", methods.retrieve),
    ("POST", "payment_methods/<identifier>", "payment_method.update", methods.update),
    ("POST", "payment_methods/<identifier>/attach", "payment_method.attach", methods.attach),
    ("POST", "payment_methods/<identifier>/detach", "none", methods.detach),
    ("POST", "setup_intents", "setup_intent.create", setups.create),
    ("GET", "setup_intents", "setup_intent.list", setups.page),
    ("GET", "setup_intents/<identifier>", "none", setups.retrieve),
    ("POST", "setup_intents/<identifier>", "setup_intent.update", setups.update),
    ("POST", "setup_intents/<identifier>/confirm", "setup_intent.confirm", setups.confirm),
    ("POST", "setup_intents/<identifier>/cancel", "setup_intent.cancel", setups.cancel),
    ("POST", "payment_intents", "payment_intent.create", intents.create),
    ("GET", "payment_intents", "payment_intent.list", intents.page),
    ("GET", "payment_intents/<identifier>", "none", intents.retrieve),
    ("POST", "payment_intents/<identifier>", "payment_intent.update", intents.update),
    ("POST", "payment_intents/<identifier>/confirm", "payment_intent.confirm", intents.confirm),
    ("POST", "payment_intents/<identifier>/cancel", "payment_intent.cancel", intents.cancel),
    ("POST", "payment_intents/<identifier>/capture", "payment_intent.capture", intents.capture),
    ("GET", "charges", "charge.list", charges.page),
    ("GET", "charges/<identifier>", "none", charges.retrieve),
    ("POST", "charges/<identifier>", "charge.update", charges.update),
    ("POST", "refunds", "refund.create", refunds.create),
    ("GET", "refunds", "refund.list", refunds.page),
    ("GET", "refunds/<identifier>", "none", refunds.retrieve),
    ("POST", "refunds/<identifier>", "refund.update", refunds.update),
    ("GET", "disputes", "dispute.list", disputes.page),
    ("GET", "disputes/<identifier>", "none", disputes.retrieve),
    ("POST", "disputes/<identifier>", "dispute.update", disputes.update),
    ("POST", "disputes/<identifier>/close", "none", disputes.close),
    ("GET", "balance_transactions", "balance_transaction.list", payouts.entries),
    ("GET", "balance_transactions/<identifier>", "none", charges.entry),
    ("GET", "payouts", "payout.list", payouts.page),
    ("GET", "payouts/<identifier>", "none", payouts.retrieve),
    ("GET", "events", "event.list", events.page),
    ("GET", "events/<identifier>", "none", events.retrieve),
    ("POST", "webhook_endpoints", "webhook_endpoint.create", events.create_endpoint),
    ("GET", "webhook_endpoints", "webhook_endpoint.list", events.list_endpoints),
    ("GET", "webhook_endpoints/<identifier>", "none", events.retrieve_endpoint),
    ("POST", "webhook_endpoints/<identifier>", "webhook_endpoint.update", events.update_endpoint),
    ("DELETE", "webhook_endpoints/<identifier>", "none", events.delete_endpoint),
    ("POST", "checkout/sessions", "checkout.session.create", sessions.create),
    ("GET", "checkout/sessions", "checkout.session.list", sessions.page),
    ("GET", "checkout/sessions/<identifier>", "none", sessions.retrieve),
    ("GET", "checkout/sessions/<identifier>/line_items", "checkout.session.line_items", sessions.line_items),
    ("POST", "checkout/sessions/<identifier>/expire", "none", sessions.expire),
    ("POST", "terminal/locations", "terminal.location.create", locations.create),
    ("GET", "terminal/locations", "terminal.location.list", locations.page),
    ("GET", "terminal/locations/<identifier>", "none", locations.retrieve),
    ("POST", "terminal/locations/<identifier>", "terminal.location.update", locations.update),
    ("DELETE", "terminal/locations/<identifier>", "none", locations.delete),
    ("POST", "terminal/readers", "terminal.reader.create", readers.register),
    ("GET", "terminal/readers", "terminal.reader.list", readers.page),
    ("GET", READER, "none", readers.retrieve),
    ("POST", READER, "terminal.reader.update", readers.update),
    ("DELETE", READER, "none", readers.delete),
    ("POST", f"{READER}/process_payment_intent", "terminal.reader.process_payment", reader_actions.process_payment),
    ("POST", f"{READER}/process_setup_intent", "terminal.reader.process_setup", reader_actions.process_setup),
    ("POST", f"{READER}/collect_payment_method", "terminal.reader.collect", reader_actions.collect),
    ("POST", f"{READER}/confirm_payment_intent", "terminal.reader.confirm", reader_actions.confirm_payment),
    ("POST", f"{READER}/set_reader_display", "terminal.reader.display", reader_actions.set_display),
    ("POST", f"{READER}/cancel_action", "none", reader_actions.cancel_action),
    ("POST", f"test_helpers/{READER}/present_payment_method", "terminal.reader.present", reader_actions.present),
]


def add_routes(app: Flask, books: Books) -> None:
    for method, path, spec, handler in ROUTES:
        app.add_url_rule(f"/v1/{path}", f"{method} {path}", _view(books, handler, spec), methods=[method])
    for status in (404, 405):
        app.register_error_handler(status, _unrecognized)


def _view(books: Books, handler: Handler, spec: str) -> Callable[..., Response]:
    def view(**ids: str) -> Response:
        return run(books, request, handler, spec, ids)

    return view


def _unrecognized(_error: Exception) -> Response:
    message = f"Unrecognized request URL ({request.method}: {request.path})."
    body = json.dumps({"error": {"type": "invalid_request_error", "message": message}})
    return Response(body, 404, content_type="application/json")
