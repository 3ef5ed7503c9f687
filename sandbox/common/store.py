"""SQLite state of one sandbox process: one connection per thread, WAL, short immediate transactions."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Row = sqlite3.Row


class Store:
    """Opens the file, applies `schema` (CREATE … IF NOT EXISTS) and hands out transactions."""

    def __init__(self, path: Path, schema: str) -> None:
        self.path = path
        self.schema = schema
        self._local = threading.local()
        path.parent.mkdir(parents=True, exist_ok=True)
        self.connection().executescript(schema)

    def connection(self) -> sqlite3.Connection:
        """This thread's connection, in autocommit."""
        existing: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if existing is not None:
            return existing
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=30)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        self._local.connection = connection
        return connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One write at a time; rolled back when the block raises. Joins a transaction that is already open."""
        connection = self.connection()
        if connection.in_transaction:
            yield connection
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def all(self, sql: str, *parameters: Any) -> list[Row]:
        return self.connection().execute(sql, parameters).fetchall()

    def one(self, sql: str, *parameters: Any) -> Row | None:
        row: Row | None = self.connection().execute(sql, parameters).fetchone()
        return row

    def run(self, sql: str, *parameters: Any) -> int:
        """Execute one statement; the id of the inserted row, if any."""
        return int(self.connection().execute(sql, parameters).lastrowid or 0)

    def wipe(self) -> None:
        """Empty every table (the schema stays)."""
        with self.transaction() as connection:
            for row in connection.execute(
                "SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite_%'"
            ).fetchall():
                connection.execute(f'DELETE FROM "{row["name"]}"')
