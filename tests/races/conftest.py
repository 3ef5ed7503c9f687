"""Real threads against the real database: each has its own connection and its own scope."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection, connections

from practices import tenancy
from practices.models import Practice

Together = Callable[..., list[Any]]
CONSTRAINT = "one_open_or_paid_attempt_per_due_part"


@pytest.fixture(autouse=True)
def stand_ins(nudged: list[int]) -> None:
    """The higher apps."""


@pytest.fixture
def together(practice: Practice) -> Together:
    """together(f, g, …): run all at once; returns what each returned or raised, in order."""

    def run(*functions: Callable[[], Any]) -> list[Any]:
        gate = threading.Barrier(len(functions))

        def one(function: Callable[[], Any]) -> Any:
            try:
                with tenancy.scope(practice.pk):
                    connection.ensure_connection()
                    gate.wait(10)
                    return function()
            except Exception as error:
                return error
            finally:
                connections.close_all()

        with ThreadPoolExecutor(len(functions)) as pool:
            return [future.result(30) for future in [pool.submit(one, function) for function in functions]]

    return run


@contextmanager
def without_constraint() -> Iterator[None]:
    """As the owner: the rule that a due part has one open or paid attempt is gone, and comes back afterwards."""
    definition = _as_owner(f"SELECT indexdef FROM pg_indexes WHERE indexname = '{CONSTRAINT}'")
    _as_owner(f"DROP INDEX {CONSTRAINT}")
    try:
        yield
    finally:
        connection.cursor().execute("TRUNCATE payments_attempt CASCADE")
        _as_owner(str(definition))


def _as_owner(statement: str) -> object:
    into = connections["owner"].settings_dict
    with psycopg.connect(
        host=into["HOST"], port=into["PORT"], dbname=into["NAME"], user=into["USER"], password=into["PASSWORD"],
        autocommit=True,
    ) as owner:  # fmt: skip
        # Fails loudly instead of waiting for a forgotten transaction.
        owner.execute("SET lock_timeout = '5s'")
        found = owner.execute(statement)
        row = found.fetchone() if found.description else None
    return row and row[0]


def failures(results: list[Any], *expected: type[Exception]) -> list[Any]:
    """The exceptions among the results that are not of the expected kinds."""
    return [one for one in results if isinstance(one, Exception) and not isinstance(one, expected)]
