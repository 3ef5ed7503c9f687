"""Which practice the database shows: rows of another practice are invisible to the application role.

`scope` sets a PostgreSQL setting that every row-level-security policy compares with (practices/rls.py). Without a
scope no practice row can be read or written, so a forgotten filter shows nothing instead of everything.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

_current: ContextVar[int | None] = ContextVar("practice", default=None)


def current() -> int | None:
    """The id of the practice in scope."""
    return _current.get()


@contextmanager
def scope(practice_id: int) -> Iterator[None]:
    """Show the rows of this practice, and only them, inside the block. Nests; the outer scope comes back."""
    token = _current.set(practice_id)
    _tell_database()
    try:
        yield
    finally:
        _current.reset(token)
        _tell_database()


def _tell_database() -> None:
    connection = connections[DEFAULT_DB_ALIAS]
    # A closed connection is told when it opens; a broken transaction takes its setting with it when it rolls back.
    if connection.connection is not None and not connection.needs_rollback:
        tell_connection(connection)


def tell_connection(connection: BaseDatabaseWrapper) -> None:
    """Give a (new) connection the scope of the running code."""
    practice_id = _current.get()
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('kasperpay.practice', %s, false)", [str(practice_id or "")])
