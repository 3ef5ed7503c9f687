"""Rows of Open Dental's tables in one office's books: insert, change, read by key."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sandbox.common.store import Row, Store
from sandbox.opendental.schema import TABLES


def stamp(moment: datetime) -> str:
    """Office-local datetime as MySQL prints it."""
    return moment.isoformat(" ", "seconds")


def day(text: str) -> date:
    """The date of a date or datetime column."""
    return date.fromisoformat(text[:10])


def insert(books: Store, table: str, **values: Any) -> int:
    """Insert one row (columns not named take Open Dental's empty value); the new key."""
    names = ", ".join(f'"{name}"' for name in values)
    marks = ", ".join("?" * len(values))
    return books.run(f"INSERT INTO {table} ({names}) VALUES ({marks})", *values.values())


def change(books: Store, table: str, key: int, **values: Any) -> None:
    """Set columns of one row."""
    if not values:
        return
    assignments = ", ".join(f'"{name}"=?' for name in values)
    books.run(f'UPDATE {table} SET {assignments} WHERE "{TABLES[table].key}"=?', *values.values(), key)


def find(books: Store, table: str, key: int) -> Row | None:
    return books.one(f'SELECT * FROM {table} WHERE "{TABLES[table].key}"=?', key)


def remove(books: Store, table: str, key: int) -> None:
    books.run(f'DELETE FROM {table} WHERE "{TABLES[table].key}"=?', key)


def where(books: Store, table: str, order: str = "", **equal: Any) -> list[Row]:
    """Rows whose columns equal the given values, by key unless another order is asked for."""
    condition = " AND ".join(f'"{name}"=?' for name in equal) or "1"
    return books.all(f"SELECT * FROM {table} WHERE {condition} ORDER BY {order or TABLES[table].key}", *equal.values())
