"""One API call from bytes to answer: key, idempotency store, parameter check, work in one transaction, request log."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Request, Response

from sandbox.stripe import accounts
from sandbox.stripe.books import Books, Scope
from sandbox.stripe.expand import render
from sandbox.stripe.schema import new_id
from sandbox.stripe.spec import SPECS, check
from sandbox.stripe.wire import API_VERSION, JSON, ApiError, fingerprint, parse_form

Handler = Callable[..., JSON]
KEY_LIFE = 24 * 3600
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Saved:
    """An answer as the idempotency store keeps it."""

    status: int
    body: str
    request: str
    replayed: bool = False


def run(books: Books, request: Request, handler: Handler, spec: str, ids: dict[str, str]) -> Response:
    """Answer one request of the /v1 API."""
    number = new_id("event").replace("evt_1", "req_")
    line = _log(books, request, number)
    account: str | None = None
    try:
        scope = accounts.sign_in(books, request.headers, number)
        account = scope.account
        saved = _answer(scope, request, handler, spec, ids)
    except ApiError as error:
        saved = Saved(error.status, json.dumps(error.body), number)
    books.store.run(
        "UPDATE requests SET status = ?, replayed = ?, account = ? WHERE id = ?",
        saved.status,
        saved.replayed,
        account,
        line,
    )
    return _response(request, saved, number)


def _log(books: Books, request: Request, number: str) -> int:
    body = request.query_string.decode() if request.method == "GET" else request.get_data(as_text=True)
    return books.store.run(
        "INSERT INTO requests (request, at, business_at, method, path, body, idempotency_key, version)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        number, time.time(), books.now(), request.method, request.path, body,
        request.headers.get("Idempotency-Key"), request.headers.get("Stripe-Version"),
    )  # fmt: skip


def _response(request: Request, saved: Saved, number: str) -> Response:
    response = Response(saved.body, saved.status, content_type="application/json")
    response.headers["Request-Id"] = number
    response.headers["Stripe-Version"] = request.headers.get("Stripe-Version", API_VERSION)
    if request.headers.get("Idempotency-Key"):
        response.headers["Idempotency-Key"] = request.headers["Idempotency-Key"]
    if saved.replayed:
        response.headers["Idempotent-Replayed"] = "true"
        response.headers["Original-Request"] = saved.request
    return response


def _answer(scope: Scope, request: Request, handler: Handler, spec: str, ids: dict[str, str]) -> Saved:
    pairs = [*request.args.items(multi=True), *request.form.items(multi=True)]
    tree = parse_form(pairs)
    if request.method != "POST":
        scope.key = None
    if not scope.key:
        params = check(SPECS[spec], tree)
        return _work(scope, request, handler, params, ids)
    if len(scope.key) > 255:
        raise ApiError(400, "Idempotency keys are at most 255 characters long.", type="idempotency_error")
    mark = fingerprint(request.method, request.path, tree)
    with scope.transaction():
        earlier = _earlier(scope, mark)
        if earlier is None:
            params = check(SPECS[spec], tree)
            _reserve(scope, mark)
    return earlier or _work(scope, request, handler, params, ids)


def _earlier(scope: Scope, mark: str) -> Saved | None:
    """The saved answer of this key, unless it is older than 24 hours (business time): then the call runs anew."""
    store = scope.books.store
    row = store.one("SELECT * FROM idempotency WHERE account = ? AND key = ?", scope.account, scope.key)
    if row is not None and row["status"] is not None and row["created"] + KEY_LIFE <= scope.now:
        store.run("DELETE FROM idempotency WHERE account = ? AND key = ?", scope.account, scope.key)
        row = None
    if row is None:
        return None
    if row["fingerprint"] != mark:
        message = "This idempotency key was first used with other parameters. Use another key."
        raise ApiError(400, message, type="idempotency_error")
    if row["status"] is None:
        message = "Another request with this idempotency key is still being worked on."
        raise ApiError(409, message, type="invalid_request_error", code="idempotency_key_in_use")
    return Saved(row["status"], row["body"], row["request"], replayed=True)


def _reserve(scope: Scope, mark: str) -> None:
    scope.books.store.run(
        "INSERT INTO idempotency (account, key, fingerprint, created, request) VALUES (?, ?, ?, ?, ?)",
        scope.account, scope.key, mark, scope.now, scope.request,
    )  # fmt: skip


def _work(scope: Scope, request: Request, handler: Handler, params: JSON, ids: dict[str, str]) -> Saved:
    """Do it and save the answer in the same transaction; a refusal saves only the answer."""
    line = f"{request.method} {request.path}"
    hold = _wish(scope, "hold", line)
    if hold:
        time.sleep(hold["seconds"])
    broken = Saved(
        500, json.dumps(ApiError(500, "Something went wrong on the processor's side.").body), str(scope.request)
    )
    if _wish(scope, "broken_before", line):
        return _keep(scope, broken)
    try:
        with scope.transaction():
            saved = _executed(scope, handler, params, ids)
            return _keep(scope, broken if _wish(scope, "broken_after", line) else saved)
    except ApiError as error:
        return _keep(scope, Saved(error.status, json.dumps(error.body), str(scope.request)))
    except Exception:
        log.exception("sandbox stripe failed on %s", line)
        return _keep(scope, broken)


def _executed(scope: Scope, handler: Handler, params: JSON, ids: dict[str, str]) -> Saved:
    expand: list[str] = params.pop("expand")
    try:
        shown: Any = render(scope, handler(scope, params, **ids), expand)
        return Saved(200, json.dumps(shown), str(scope.request))
    except ApiError as error:
        if not error.keep:
            raise
        return Saved(error.status, json.dumps(error.body), str(scope.request))


def _wish(scope: Scope, kind: str, line: str) -> JSON | None:
    if scope.books.store.one("SELECT 1 FROM wishes WHERE kind = ? AND left > 0", kind) is None:
        return None
    with scope.transaction():
        return scope.books.grant(kind, line)


def _keep(scope: Scope, saved: Saved) -> Saved:
    scope.books.store.run(
        "UPDATE idempotency SET status = ?, body = ? WHERE account = ? AND key = ?",
        saved.status, saved.body, scope.account, scope.key,
    )  # fmt: skip
    return saved
