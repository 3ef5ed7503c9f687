"""A settled world, made once; each test spoils a copy of it and sees what the auditor says."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import pytest_django
from django.db import connections
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from ops import testdb
from ops.audit import Books, Violation
from ops.audit.run import violations_in
from ops.audit.world import World
from tests.audit import town
from tests.audit.town import Town
from tests.plugins import database as plugin


@pytest.fixture(scope="session")
def settled(
    django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Books]:
    """The books of a world in which everything is right: a database of its own, and the sandbox's files."""
    folder = tmp_path_factory.mktemp("town")
    running = Town.start(folder)
    superuser = os.environ["DATABASE_SUPERUSER_URL"]
    with django_db_blocker.unblock():
        now = town.settle(running)
        name = _copy_database(superuser)
        plugin._empty()
    running.stop()
    url = urlsplit(superuser)._replace(path=f"/{name}").geturl()
    yield Books(url, folder / "stripe", folder / "opendental", folder / "messaging", now)
    testdb.drop(superuser, name)


def _copy_database(superuser: str) -> str:
    """PostgreSQL copies a database only while nobody is connected to it."""
    source = str(connections["default"].settings_dict["NAME"])
    for alias in connections:
        connections[alias].close()
    with psycopg.connect(superuser, autocommit=True) as server:
        names = sql.Identifier(f"{source}_audited"), sql.Identifier(source)
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
    return f"{source}_audited"


@dataclass
class Spoiled:
    """A copy of the settled world that a test spoils; nothing of it outlives the test."""

    books: Books
    database: psycopg.Connection[dict[str, Any]]

    def sql(self, statement: str, **values: Any) -> None:
        """Change our tables. Neither constraints of other tables nor triggers ask."""
        self.database.execute(statement, values)

    def row(self, statement: str, **values: Any) -> dict[str, Any]:
        found = self.database.execute(statement, values).fetchone()
        assert found is not None
        return found

    def stripe(self, kind: str, change: Callable[[dict[str, Any]], None], *, where: str = "1=1") -> None:
        """Change the body of the newest processor object of this kind that fits `where`."""
        select = f"SELECT id, body FROM objects WHERE object='{kind}' AND {where} ORDER BY seq DESC LIMIT 1"  # noqa: S608
        with closing(sqlite3.connect(self.books.stripe / "stripe.sqlite3")) as file, file:
            identifier, text = file.execute(select).fetchone()
            body = json.loads(text)
            change(body)
            file.execute("UPDATE objects SET body=? WHERE id=?", (json.dumps(body), identifier))

    def stripe_copy(self, kind: str, change: dict[str, Any], *, where: str = "1=1") -> str:
        """Add a copy of such an object under another id, changed; returns the id."""
        select = f"SELECT account, created, body FROM objects WHERE object='{kind}' AND {where} ORDER BY seq LIMIT 1"  # noqa: S608
        with closing(sqlite3.connect(self.books.stripe / "stripe.sqlite3")) as file, file:
            account, created, text = file.execute(select).fetchone()
            count = file.execute("SELECT count(*) FROM objects").fetchone()[0]
            body = {**json.loads(text), "id": f"{kind}_copy{count}", **change}
            values = (account, body["id"], kind, created, json.dumps(body))
            file.execute("INSERT INTO objects (account, id, object, created, body) VALUES (?, ?, ?, ?, ?)", values)
        return str(body["id"])

    def office(self, statement: str, *values: Any) -> None:
        """Change the office's own tables."""
        with closing(sqlite3.connect(self.books.opendental / "offices.sqlite")) as registry:
            found = [json.loads(row[0]) for row in registry.execute("SELECT body FROM office")]
        key = next(one["file"] for one in found if one["key"].startswith("office-audited"))
        self.file(f"opendental/{key}", statement, *values)

    def file(self, name: str, statement: str, *values: Any) -> None:
        """Change one of the sandbox's files, "messaging/messaging.sqlite3"."""
        with closing(sqlite3.connect(self.books.stripe.parent / name)) as file, file:
            assert file.execute(statement, values).rowcount > 0

    def alarm(self, practice_id: int, kind: str, key: str, *, closed_by: str = "", **about: int) -> int:
        """Raise it; `closed_by` says that it is closed already, by hand with its event. Returns its id."""
        closed = self.books.now if closed_by else None
        if closed_by.startswith("user:"):
            event = self.number("SELECT min(id) FROM practices_event")
            self.insert_like("practices_event", event, kind="alarm_closed", actor=closed_by, text="look", about=about)
        return self.number(
            "INSERT INTO payments_alarm (practice_id, kind, key, text, about, opened_at, closed_at, closed_by) VALUES "
            "(%(practice)s, %(kind)s, %(key)s, 'look', %(about)s, %(now)s, %(closed)s, %(by)s) RETURNING id",
            practice=practice_id, kind=kind, key=key, about=Jsonb(about), now=self.books.now, closed=closed,
            by=closed_by,
        )  # fmt: skip

    def at(self, moment: datetime) -> None:
        self.books = replace(self.books, now=moment)

    def later(self, **delta: float) -> None:
        self.at(self.books.now + timedelta(**delta))

    def found(self) -> list[Violation]:
        return violations_in(World(self.books, self.database))

    def only(self, check: str) -> str:
        """The text of the one violation there is, which is of this check."""
        found = self.found()
        assert [violation.check for violation in found] == [check], found
        return found[0].text

    def number(self, statement: str, **values: Any) -> int:
        """The first column of the first row: an id."""
        return int(next(iter(self.row(statement, **values).values())))

    def insert_like(self, table: str, row_id: int, **changes: Any) -> int:
        """Add a copy of a row with these columns changed; returns its id."""
        row = self.row(f"SELECT * FROM {table} WHERE id = %(id)s", id=row_id)  # noqa: S608
        row = {**row, "id": self.number(f"SELECT max(id) + 1 FROM {table}"), **changes}  # noqa: S608
        wrapped = [Jsonb(value) if isinstance(value, dict | list) else value for value in row.values()]
        names, marks = ", ".join(f'"{name}"' for name in row), ", ".join(["%s"] * len(row))
        self.database.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", wrapped)  # noqa: S608
        return int(row["id"])


@pytest.fixture
def spoiled(settled: Books, tmp_path: Path) -> Iterator[Spoiled]:
    def copy(folder: Path) -> Path:
        return shutil.copytree(folder, tmp_path / folder.name)

    books = replace(
        settled, stripe=copy(settled.stripe), opendental=copy(settled.opendental), messaging=copy(settled.messaging)
    )
    with psycopg.connect(settled.database, row_factory=dict_row) as database:
        database.execute("SET session_replication_role = replica")
        yield Spoiled(books, database)
        database.rollback()
