"""The test database (as the application role, behind row-level security) and the practice most tests live in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

import psycopg
import pytest
from django.core.management import call_command
from django.db import connections
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from practices import tenancy
from practices.models import Practice
from tests import factories

pytest_plugins = ["tests.plugins.database", "tests.plugins.stripe", "tests.plugins.money"]
ROLES = {"kasperpay_owner": "owner", "kasperpay_app": "app"}


@pytest.fixture(scope="session")
def django_db_setup(request: pytest.FixtureRequest, django_db_blocker: object) -> Iterator[None]:
    """Create one database per test process, migrate it as the owner, use it as the application role."""
    name = f"test_kasperpay_{os.getpid()}"
    superuser = os.environ["DATABASE_SUPERUSER_URL"]
    _create(superuser, name)
    parts = conninfo_to_dict(superuser)
    for alias, role in (("default", "kasperpay_app"), ("owner", "kasperpay_owner")):
        connections[alias].settings_dict.update(
            HOST=parts["host"], PORT=parts["port"], NAME=name, USER=role, PASSWORD=ROLES[role]
        )
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        call_command("migrate", database="owner", verbosity=0)
        connections["owner"].close()
    yield
    for alias in connections:
        connections[alias].close()
    with psycopg.connect(superuser, autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _create(superuser: str, name: str) -> None:
    with psycopg.connect(superuser, autocommit=True) as server:
        for role, password in ROLES.items():
            _create_role(server, role, password)
        server.execute(sql.SQL("CREATE DATABASE {} OWNER kasperpay_owner").format(sql.Identifier(name)))
    with psycopg.connect(superuser, dbname=name, autocommit=True) as database:
        database.execute("GRANT ALL ON SCHEMA public TO kasperpay_owner")
        database.execute("GRANT USAGE ON SCHEMA public TO kasperpay_app")
        # TRUNCATE is for Django's flush between tests; in production the application role does not have it.
        for right in ("SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON TABLES", "USAGE, SELECT ON SEQUENCES"):
            database.execute(
                f"ALTER DEFAULT PRIVILEGES FOR ROLE kasperpay_owner IN SCHEMA public GRANT {right} TO kasperpay_app"
            )


def _create_role(server: psycopg.Connection[tuple[object, ...]], role: str, password: str) -> None:
    statement = sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD {}")
    # Another test process may be first; both use the same password.
    with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        server.execute(statement.format(sql.SQL("CREATE"), sql.Identifier(role), sql.Literal(password)))


@pytest.fixture
def now() -> datetime:
    """Tuesday, March 10 2026, 15:00 UTC: 11:00 in New York, past the charge hour."""
    return datetime(2026, 3, 10, 15, 0, tzinfo=UTC)


@pytest.fixture
def practice(transactional_db: None) -> Iterator[Practice]:
    """A practice with payment settings, in scope. Transactions are real: the money path commits."""
    practice = factories.PracticeFactory()
    with tenancy.scope(practice.pk):
        factories.PaymentSettingsFactory(practice=practice)
        yield practice
