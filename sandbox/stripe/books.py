"""The books: every Stripe object as one JSON row, seen through one account at a time, with an event per change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.common.clock import Clock
from sandbox.common.store import Store
from sandbox.stripe import queue
from sandbox.stripe.schema import SCHEMA, UNDATED, new_id
from sandbox.stripe.wire import API_VERSION, JSON, ApiError, invalid, public


class Books:
    """State of the whole process; `scope()` gives the view of one account."""

    def __init__(self, state: Path, clock: Clock) -> None:
        self.store = Store(state / "stripe.sqlite3", SCHEMA)
        self.clock = clock
        self.host = ""
        # The business hour in which payouts were last looked at (payouts.py).
        self.looked_at = -1
        # A request that was running when the process died left no effect: its key is free again.
        self.store.run("DELETE FROM idempotency WHERE status IS NULL")

    def now(self) -> int:
        """Business time, Unix seconds."""
        return int(self.clock.now().timestamp())

    def scope(self, account: str, request: str | None = None, key: str | None = None) -> Scope:
        return Scope(self, account, request, key)

    def owner(self, identifier: str) -> Scope | None:
        """The account that holds this object, whichever it is (hosted pages and control carry no key)."""
        row = self.store.one("SELECT account FROM objects WHERE id = ?", identifier)
        return self.scope(row["account"]) if row else None

    def every(self, kind: str) -> Iterator[tuple[str, JSON]]:
        """(account, object) of one kind over all accounts, oldest first."""
        for row in self.store.all("SELECT account, body FROM objects WHERE object = ? ORDER BY seq", kind):
            yield row["account"], json.loads(row["body"])

    def wish(self, kind: str, match: str, times: int, seconds: float = 0, detail: str = "") -> None:
        """Something to happen the next `times` times that a subject fits the shell pattern."""
        self.store.run(
            "INSERT INTO wishes (kind, match, left, seconds, detail) VALUES (?, ?, ?, ?, ?)",
            kind, match, times, seconds, detail,
        )  # fmt: skip

    def grant(self, kind: str, subject: str) -> JSON | None:
        """Use up one wish of this kind whose pattern fits, the oldest first."""
        row = self.store.one(
            "SELECT * FROM wishes WHERE kind = ? AND left > 0 AND ? GLOB match ORDER BY id LIMIT 1", kind, subject
        )
        if row is None:
            return None
        self.store.run("UPDATE wishes SET left = left - 1 WHERE id = ?", row["id"])
        return dict(row)


@dataclass
class Scope:
    """One account's objects. `request` and `key` name the API call, for the events it causes."""

    books: Books
    account: str
    request: str | None = None
    key: str | None = None

    @property
    def now(self) -> int:
        return self.books.now()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self.books.store.transaction():
            yield

    def new(self, kind: str, **fields: Any) -> JSON:
        """A new object with id, created (business time) and livemode, already in the books."""
        identifier = new_id(kind)
        now = self.now
        dated = {} if kind in UNDATED else {"created": now}
        body: JSON = {"id": identifier, "object": kind, **dated, "livemode": False, **fields}
        self.books.store.run(
            "INSERT INTO objects (account, id, object, created, body) VALUES (?, ?, ?, ?, ?)",
            self.account, identifier, kind, now, json.dumps(body),
        )  # fmt: skip
        return body

    def save(self, item: JSON) -> JSON:
        self.books.store.run("UPDATE objects SET body = ? WHERE id = ?", json.dumps(item), item["id"])
        return item

    def find(self, identifier: str, kind: str | None = None) -> JSON | None:
        row = self.books.store.one("SELECT * FROM objects WHERE id = ? AND account = ?", identifier, self.account)
        if row is None or (kind and row["object"] != kind):
            return None
        body: JSON = json.loads(row["body"])
        return body

    def need(self, kind: str, identifier: str, param: str | None = None) -> JSON:
        """The object, or `resource_missing`: 404 for the object of the path, 400 for one a parameter names."""
        found = self.find(identifier, kind)
        if found is not None:
            return found
        message = f"No such {kind.replace('checkout.', '').replace('_', '')}: '{identifier}'"
        raise ApiError(400 if param else 404, message, code="resource_missing", param=param or "id")

    def where(self, kind: str, **equal: Any) -> list[JSON]:
        """Objects whose named fields have these values, newest first."""
        clauses = "".join(f" AND json_extract(body, '$.{name}') = ?" for name in equal)
        sql = f"SELECT body FROM objects WHERE account = ? AND object = ?{clauses} ORDER BY seq DESC"
        return [json.loads(row["body"]) for row in self.books.store.all(sql, self.account, kind, *equal.values())]

    def page(self, kind: str, url: str, params: JSON, **equal: Any) -> JSON:
        """A list answer: newest first, `limit`, `starting_after`, `ending_before`, `created`."""
        clauses, values = ["account = ?", "object = ?"], [self.account, kind]
        for name, value in equal.items():
            if value is not None:
                clauses.append(f"json_extract(body, '$.{name}') = ?")
                values.append(value)
        _created(params.get("created"), clauses, values)
        back = self._cursor(params, clauses, values)
        limit = params.get("limit", 10)
        if not 1 <= limit <= 100:
            raise invalid("limit must be between 1 and 100.", param="limit")
        sql = f"SELECT body FROM objects WHERE {' AND '.join(clauses)} ORDER BY seq {'ASC' if back else 'DESC'} LIMIT ?"
        rows = self.books.store.all(sql, *values, limit + 1)
        found = [json.loads(row["body"]) for row in rows[:limit]]
        return listing(found[::-1] if back else found, url, more=len(rows) > limit)

    def _cursor(self, params: JSON, clauses: list[str], values: list[Any]) -> bool:
        for name, sign in (("starting_after", "<"), ("ending_before", ">")):
            if name in params:
                clauses.append(f"seq {sign} coalesce((SELECT seq FROM objects WHERE id = ?), -1)")
                values.append(params[name])
        return "ending_before" in params

    def emit(self, kind: str, item: JSON, previous: JSON | None = None) -> JSON:
        """Record an event with a snapshot of the object, and queue it for the endpoints that want it."""
        data: JSON = {"object": public(item)}
        if previous:
            data["previous_attributes"] = public(previous)
        event = self.new(
            "event",
            api_version=API_VERSION,
            data=data,
            pending_webhooks=0,
            request={"id": self.request, "idempotency_key": self.key},
            type=kind,
        )
        queue.add(self.books.store, self.account, event)
        return event


def listing(items: list[JSON], url: str, *, more: bool = False) -> JSON:
    return {"object": "list", "data": items, "has_more": more, "url": url}


def _created(wish: Any, clauses: list[str], values: list[Any]) -> None:
    if wish is None:
        return
    signs = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
    for name, value in (wish if isinstance(wish, dict) else {"gte": wish, "lte": wish}).items():
        clauses.append(f"created {signs[name]} ?")
        values.append(value)
