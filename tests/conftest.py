"""The test database (as the application role, behind row-level security) and the practice most tests live in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import environ
import pytest
import pytest_django
from django.db import connections

from ops import testdb
from payments import webhook_views
from practices import tenancy
from practices.models import Practice
from tests import factories, schema

pytest_plugins = [
    "tests.plugins.database", "tests.plugins.stripe", "tests.plugins.money", "tests.plugins.spread",
    "tests.plugins.lock_order",
]  # fmt: skip


@pytest.fixture(scope="session")
def django_db_setup(request: pytest.FixtureRequest, django_db_blocker: pytest_django.DjangoDbBlocker) -> Iterator[None]:
    """Create one database per test process, migrated by the owner, use it as the application role."""
    superuser, name = os.environ["DATABASE_SUPERUSER_URL"], f"test_kasperpay_{os.getpid()}"
    app, owner = testdb.create(superuser, name)
    for alias, url in (("default", app), ("owner", owner)):
        config = environ.Env.db_url_config(url)
        connections[alias].settings_dict.update(
            {key: config[key] for key in ("HOST", "PORT", "NAME", "USER", "PASSWORD")}
        )
    with django_db_blocker.unblock():
        schema.make(owner, superuser, request.config.cache.mkdir("kasperpay-schema"))
    yield
    for alias in connections:
        connections[alias].close()
    testdb.drop(superuser, name)


@pytest.fixture
def now() -> datetime:
    """Tuesday, March 10 2026, 15:00 UTC: 11:00 in New York, past the charge hour."""
    return datetime(2026, 3, 10, 15, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_memory_of_accounts() -> Iterator[None]:
    """What a web process remembers for seconds is of another test's database."""
    yield
    webhook_views._remembered.clear()


@pytest.fixture
def practice(transactional_db: None) -> Iterator[Practice]:
    """A practice with payment settings, in scope. Transactions are real: the money path commits."""
    practice = factories.PracticeFactory()
    with tenancy.scope(practice.pk):
        factories.PaymentSettingsFactory(practice=practice)
        yield practice
