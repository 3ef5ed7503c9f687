"""The queue of webhook deliveries, and what can go wrong on their way: lost, twice, late, in another order."""

from __future__ import annotations

import json
import time

from sandbox.common.store import Row, Store
from sandbox.stripe.wire import JSON

FAULTS = ("lose", "duplicate", "late", "reorder")
# How long a reordered delivery waits for a later one to overtake it.
OVERTAKE_SECONDS = 5.0
FIRST_RETRY_SECONDS = 0.5
MAX_TRIES = 12


def add(store: Store, account: str, event: JSON) -> None:
    """One delivery per endpoint that wants the event: the account's own, and its platform's that listen to Connect."""
    row = store.one("SELECT platform FROM accounts WHERE id = ?", account)
    endpoints = [endpoint for endpoint in _endpoints(store, account) if not endpoint["_connect"]]
    if row and row["platform"]:
        endpoints += [endpoint for endpoint in _endpoints(store, row["platform"]) if endpoint["_connect"]]
    for endpoint in endpoints:
        if endpoint["status"] == "enabled" and {"*", event["type"]} & set(endpoint["enabled_events"]):
            _enqueue(store, event, endpoint["id"])


def _endpoints(store: Store, account: str) -> list[JSON]:
    sql = "SELECT body FROM objects WHERE account = ? AND object = 'webhook_endpoint' ORDER BY seq"
    return [json.loads(row["body"]) for row in store.all(sql, account)]


def _enqueue(store: Store, event: JSON, endpoint: str) -> None:
    wish = store.one(
        "SELECT * FROM wishes WHERE kind IN ('lose', 'duplicate', 'late', 'reorder') AND left > 0 AND ? GLOB match"
        " ORDER BY id LIMIT 1",
        event["type"],
    )
    fault, seconds = "", 0.0
    if wish:
        store.run("UPDATE wishes SET left = left - 1 WHERE id = ?", wish["id"])
        fault, seconds = wish["kind"], wish["seconds"]
    if fault == "reorder":
        seconds = seconds or OVERTAKE_SECONDS
    for _ in range(2 if fault == "duplicate" else 1):
        store.run(
            "INSERT INTO deliveries (event, type, endpoint, status, next_at, fault) VALUES (?, ?, ?, ?, ?, ?)",
            event["id"],
            event["type"],
            endpoint,
            "lost" if fault == "lose" else "pending",
            time.time() + (seconds if fault in ("late", "reorder") else 0),
            fault,
        )


def due(store: Store) -> list[Row]:
    """Deliveries whose time has come (real time), in order."""
    sql = "SELECT * FROM deliveries WHERE status = 'pending' AND next_at <= ? ORDER BY next_at, id LIMIT 50"
    return store.all(sql, time.time())


def done(store: Store, delivery: Row, code: int | None, problem: str) -> None:
    """Record one try: 2xx is delivered, anything else is tried again after 0.5, 1, 2 … 64 seconds."""
    tries = delivery["tries"] + 1
    good = code is not None and 200 <= code < 300
    status = "delivered" if good else ("failed" if tries >= MAX_TRIES else "pending")
    with store.transaction():
        store.run(
            "UPDATE deliveries SET status = ?, tries = ?, next_at = ? WHERE id = ?",
            status,
            tries,
            time.time() + min(FIRST_RETRY_SECONDS * 2 ** (tries - 1), 64),
            delivery["id"],
        )
        store.run(
            "INSERT INTO tries (delivery, at, code, problem) VALUES (?, ?, ?, ?)",
            delivery["id"],
            time.time(),
            code,
            problem,
        )
        if good and delivery["fault"] != "reorder":
            _release(store, delivery)


def _release(store: Store, overtaker: Row) -> None:
    store.run(
        "UPDATE deliveries SET next_at = ? WHERE endpoint = ? AND id < ? AND fault = 'reorder' AND status = 'pending'"
        " AND tries = 0",
        time.time(),
        overtaker["endpoint"],
        overtaker["id"],
    )


def resend(store: Store, event: str | None = None) -> int:
    """Send again what did not arrive (or this one event, even if it did); how many deliveries."""
    clause, values = ("event = ?", [event]) if event else ("status <> 'delivered'", [])
    rows = store.all(f"SELECT id FROM deliveries WHERE {clause}", *values)
    store.run(
        f"UPDATE deliveries SET status = 'pending', tries = 0, next_at = ?, fault = '' WHERE {clause}",
        time.time(),
        *values,
    )
    return len(rows)
