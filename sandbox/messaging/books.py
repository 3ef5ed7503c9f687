"""What the carrier and the mail server remember: accounts, numbers, people, messages, opt-outs, webhooks sent."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

from sandbox.common.clock import Clock
from sandbox.common.store import Row, Store
from sandbox.messaging.texts import links

DEFAULT_SID = "AC00000000000000000000000000000001"
DEFAULT_TOKEN = "sandbox-token"  # noqa: S105 - the sandbox's published token
SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (sid TEXT PRIMARY KEY, token TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS numbers (
    number TEXT PRIMARY KEY, sid TEXT NOT NULL, account_sid TEXT NOT NULL, service_sid TEXT NOT NULL DEFAULT '',
    inbound_url TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS people (
    address TEXT PRIMARY KEY, name TEXT NOT NULL DEFAULT '', kind TEXT NOT NULL DEFAULT 'mobile');
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY, sid TEXT NOT NULL UNIQUE, account_sid TEXT NOT NULL, channel TEXT NOT NULL,
    direction TEXT NOT NULL, sender TEXT NOT NULL, recipient TEXT NOT NULL, service_sid TEXT NOT NULL DEFAULT '',
    subject TEXT NOT NULL DEFAULT '', body TEXT NOT NULL, html TEXT NOT NULL DEFAULT '', status TEXT NOT NULL,
    error_code INTEGER, callback_url TEXT NOT NULL DEFAULT '', created TEXT NOT NULL, updated TEXT NOT NULL,
    sent TEXT);
CREATE INDEX IF NOT EXISTS messages_to ON messages (recipient, id);
CREATE TABLE IF NOT EXISTS optouts (sender TEXT NOT NULL, recipient TEXT NOT NULL, PRIMARY KEY (sender, recipient));
CREATE TABLE IF NOT EXISTS steps (
    id INTEGER PRIMARY KEY, message_id INTEGER NOT NULL, due REAL NOT NULL, status TEXT NOT NULL,
    error_code INTEGER, callbacks INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS webhooks (
    id INTEGER PRIMARY KEY, sid TEXT NOT NULL, kind TEXT NOT NULL, url TEXT NOT NULL, parameters TEXT NOT NULL,
    answer INTEGER, posted TEXT NOT NULL);
"""
# What a reset keeps: how the carrier is set up, as opposed to what happened.
KEPT = ("accounts", "numbers", "people")


class Books(Store):
    """The SQLite file of this process, with its clock (business time, UTC)."""

    def __init__(self, path: Path, clock: Clock) -> None:
        super().__init__(path, SCHEMA)
        self.clock = clock
        self.run("INSERT OR IGNORE INTO accounts VALUES (?, ?)", DEFAULT_SID, DEFAULT_TOKEN)

    def stamp(self) -> str:
        return self.clock.now().isoformat(timespec="milliseconds")

    def add_message(self, **columns: Any) -> Row:
        """Store one message; `created` and a new sid are filled in."""
        stamp = self.stamp()
        columns = {"sid": f"SM{secrets.token_hex(16)}", "created": stamp, "updated": stamp, **columns}
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        row_id = self.run(f"INSERT INTO messages ({names}) VALUES ({marks})", *columns.values())
        return self.message(row_id)

    def message(self, row_id: int) -> Row:
        row = self.one("SELECT * FROM messages WHERE id = ?", row_id)
        if row is None:
            raise LookupError(f"no message {row_id}")
        return row

    def token_of(self, account_sid: str) -> str | None:
        row = self.one("SELECT token FROM accounts WHERE sid = ?", account_sid)
        return None if row is None else str(row["token"])

    def name_of(self, address: str) -> str:
        row = self.one("SELECT name FROM people WHERE address = ?", address)
        return "" if row is None else str(row["name"])

    def note_webhook(self, sid: str, kind: str, url: str, parameters: dict[str, str], answer: int | None) -> None:
        self.run(
            "INSERT INTO webhooks (sid, kind, url, parameters, answer, posted) VALUES (?, ?, ?, ?, ?, ?)",
            *(sid, kind, url, json.dumps(parameters), answer, self.stamp()),
        )

    def reset(self) -> None:
        """Forget what happened; accounts, numbers and people stay."""
        with self.transaction() as connection:
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                if row["name"] not in KEPT:
                    connection.execute(f'DELETE FROM "{row["name"]}"')


def as_json(row: Row) -> dict[str, Any]:
    """A message the way GET /_sandbox/messages shows it."""
    kept = ("sid", "channel", "direction", "subject", "body", "html", "status", "error_code", "created")
    shown = {name: row[name] for name in kept}
    return {**shown, "to": row["recipient"], "from": row["sender"], "links": links(row["body"])}
