"""Events and the endpoints they go to: /v1/events, /v1/webhook_endpoints."""

from __future__ import annotations

import json
import secrets
from typing import Any

from sandbox.stripe.books import Books, Scope, listing
from sandbox.stripe.spec import merged, refuse
from sandbox.stripe.wire import API_VERSION, JSON

KEPT = 30 * 86_400


def retrieve(scope: Scope, params: JSON, identifier: str) -> JSON:
    return with_pending(scope.books, scope.need("event", identifier))


def page(scope: Scope, params: JSON) -> JSON:
    """Events of the last 30 days, newest first; `delivery_success` false = an endpoint still lacks it."""
    refuse("type" in params and "types" in params, "Send one of type and types.", param="type")
    refuse(len(params.get("types", [])) > 20, "At most 20 types.", param="types")
    patterns = params.get("types") or ([params["type"]] if params.get("type") else [])
    where, values = _where(scope, params, patterns)
    limit = params.get("limit", 10)
    refuse(not 1 <= limit <= 100, "limit must be between 1 and 100.", param="limit")
    back = "ending_before" in params
    sql = f"SELECT body FROM objects e WHERE {where} ORDER BY seq {'ASC' if back else 'DESC'} LIMIT ?"
    rows = scope.books.store.all(sql, *values, limit + 1)
    found = [with_pending(scope.books, json.loads(row["body"])) for row in rows[:limit]]
    return listing(found[::-1] if back else found, "/v1/events", more=len(rows) > limit)


_SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_SHORT = "EXISTS (SELECT 1 FROM deliveries d WHERE d.event = e.id AND d.status <> 'delivered')"


def _where(scope: Scope, params: JSON, patterns: list[str]) -> tuple[str, list[Any]]:
    clauses, values = ["account = ?", "object = 'event'", "created >= ?"], [scope.account, scope.now - KEPT]
    created = params.get("created") or {}
    for name, value in (created if isinstance(created, dict) else {"gte": created, "lte": created}).items():
        clauses.append(f"created {_SIGNS[name]} ?")
        values.append(value)
    for name, sign in (("starting_after", "<"), ("ending_before", ">")):
        if name in params:
            clauses.append(f"seq {sign} coalesce((SELECT seq FROM objects WHERE id = ?), -1)")
            values.append(params[name])
    if patterns:
        clauses.append("(" + " OR ".join("json_extract(body, '$.type') GLOB ?" for _ in patterns) + ")")
        values += patterns
    if "delivery_success" in params:
        clauses.append(f"NOT {_SHORT}" if params["delivery_success"] else _SHORT)
    return " AND ".join(clauses), values


def with_pending(books: Books, event: JSON) -> JSON:
    row = books.store.one("SELECT count(*) AS n FROM deliveries WHERE event = ? AND status <> 'delivered'", event["id"])
    return {**event, "pending_webhooks": row["n"] if row else 0}


def create_endpoint(scope: Scope, params: JSON) -> JSON:
    """The signing secret is in this answer only."""
    refuse(not params["url"].startswith(("http://", "https://")), "Invalid URL.", code="url_invalid", param="url")
    refuse(not params.get("enabled_events"), "Missing required param: enabled_events.", code="parameter_missing",
           param="enabled_events")  # fmt: skip
    endpoint = add_endpoint(scope, params, f"whsec_{secrets.token_urlsafe(24)}")
    return {**endpoint, "secret": endpoint["_secret"]}


def add_endpoint(scope: Scope, params: JSON, secret: str) -> JSON:
    return scope.new(
        "webhook_endpoint", api_version=params.get("api_version") or None, application=None,
        description=params.get("description"), enabled_events=params["enabled_events"],
        metadata=merged({}, params.get("metadata")), status="enabled", url=params["url"],
        _secret=secret, _connect=bool(params.get("connect")),
    )  # fmt: skip


def retrieve_endpoint(scope: Scope, params: JSON, identifier: str) -> JSON:
    return scope.need("webhook_endpoint", identifier)


def list_endpoints(scope: Scope, params: JSON) -> JSON:
    return scope.page("webhook_endpoint", "/v1/webhook_endpoints", params)


def update_endpoint(scope: Scope, params: JSON, identifier: str) -> JSON:
    endpoint = scope.need("webhook_endpoint", identifier)
    for name in ("url", "enabled_events", "description"):
        if name in params:
            endpoint[name] = params[name]
    if "disabled" in params:
        endpoint["status"] = "disabled" if params["disabled"] else "enabled"
    endpoint["metadata"] = merged(endpoint["metadata"], params.get("metadata"))
    return scope.save(endpoint)


def delete_endpoint(scope: Scope, params: JSON, identifier: str) -> JSON:
    scope.need("webhook_endpoint", identifier)
    scope.books.store.run("DELETE FROM objects WHERE id = ?", identifier)
    return {"id": identifier, "object": "webhook_endpoint", "deleted": True}


def payload(books: Books, event: JSON, endpoint: JSON, connected: str | None) -> bytes:
    """The body of one delivery: the endpoint's own API version, and the account when it is a connected one."""
    body = {**with_pending(books, event), "api_version": endpoint["api_version"] or API_VERSION}
    if connected:
        body["account"] = connected
    return json.dumps(body, indent=2).encode()
