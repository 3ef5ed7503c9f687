"""Watches every transaction of every test: rows are locked in the one order of docs/money.md, or the test fails.

Counted as a lock: SELECT … FOR UPDATE (with all its joins unless OF names some), UPDATE, DELETE, and the shared lock
that an INSERT takes on the rows its foreign keys name. Connections of other threads are watched as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from django.apps import apps
from django.db import connections
from django.db.backends.signals import connection_created

PLAN_LOCK = "advisory lock of the plan"
ORDER = [
    PLAN_LOCK, "payplans_installment", "payments_sale", "payments_duepart", "payments_attempt", "payments_payment",
    "payments_refund", "cards_card",
]  # fmt: skip
# Locked for key share by an insert only where others lock them for update (cards are locked with no_key).
SHARED = {"payplans_installment", "payments_sale", "payments_duepart", "payments_attempt", "payments_payment"}
_FOR_UPDATE = re.compile(r"FOR (?:NO KEY )?UPDATE(?: OF ([^;]*?))?(?: SKIP LOCKED)?$")
_MANY_IN_ORDER = {"payplans_installment", "cards_card"}


@dataclass
class Watch:
    """What the present transaction of one connection has locked, in order."""

    transaction: Any = None
    locked: list[str] = field(default_factory=list)


violations: list[str] = []
_watches: dict[int, Watch] = {}


def watch(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Django's hook around every statement."""
    connection = context["connection"]
    if connection.atomic_blocks:
        watched = _watches.setdefault(id(connection), Watch())
        if watched.transaction is not connection.atomic_blocks[0]:
            watched.transaction, watched.locked = connection.atomic_blocks[0], []
        _judge(watched.locked, sql, params)
    return execute(sql, params, many, context)


def _judge(locked: list[str], sql: str, params: Any) -> None:
    if "FOR " in sql and _unordered(sql):
        violations.append(f"several rows are locked without an order:\n    {sql[:300]}")
    for table in sorted(tables_of(sql, params), key=ORDER.index):
        if table in locked:
            continue
        if locked and ORDER.index(table) < max(ORDER.index(one) for one in locked):
            violations.append(f"{table} is locked after {', '.join(locked)}:\n    {sql[:300]}")
        locked.append(table)


def tables_of(sql: str, params: Any = ()) -> set[str]:
    """The tables of the lock order in which this statement locks rows."""
    if "pg_advisory_xact_lock" in sql:
        return {PLAN_LOCK}
    found: set[str] = set()
    if sql.startswith("SELECT") and (lock := _FOR_UPDATE.search(sql)):
        found = set(re.findall(r'"(\w+)"', lock[1] or "") or re.findall(r'(?:FROM|JOIN) "(\w+)"', sql))
    elif changed := re.match(r'(?:UPDATE|DELETE FROM) "(\w+)"', sql):
        found = {changed[1]}
    elif added := re.match(r'INSERT INTO "(\w+)"', sql):
        found = {table for column, table in _named_by(added[1]).items() if _is_given(sql, params, column)}
    return found & set(ORDER)


def _unordered(sql: str) -> bool:
    if not tables_of(sql) & _MANY_IN_ORDER or not sql.startswith("SELECT"):
        return False
    return "ORDER BY" not in sql and '"id" = ' not in sql


def _is_given(sql: str, params: Any, column: str) -> bool:
    """False when this column of an insert is null in every row: then no row is named, and none is locked."""
    columns = re.findall(r'"(\w+)"', sql[sql.index("(") : sql.index(")")])
    given = list(params or ())
    if column not in columns or len(given) % len(columns):
        return True
    return any(one is not None for value in given[columns.index(column) :: len(columns)] for one in _rows(value))


def _rows(value: Any) -> list[Any]:
    """An insert of many rows may carry a list for each column."""
    return value if isinstance(value, list) else [value]


@cache
def _named_by(table: str) -> dict[str, str]:
    """Column → the table whose row it names."""
    model = next((model for model in apps.get_models() if model._meta.db_table == table), None)
    if model is None:
        return {}
    named = {str(one.column): one.related_model for one in model._meta.concrete_fields if one.is_relation}
    tables = {name: one._meta.db_table for name, one in named.items() if one and not isinstance(one, str)}
    return {name: table for name, table in tables.items() if table in SHARED}


def _attach(connection: Any, **_: Any) -> None:
    if watch not in connection.execute_wrappers:
        connection.execute_wrappers.append(watch)


@pytest.fixture(scope="session", autouse=True)
def lock_watch() -> Iterator[None]:
    connection_created.connect(_attach, dispatch_uid="lock order")
    _attach(connections["default"])
    yield
    connection_created.disconnect(dispatch_uid="lock order")


@pytest.fixture(autouse=True)
def one_lock_order(lock_watch: None, request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails the test whose code locked rows out of order, with the statement that did."""
    violations.clear()
    yield
    found = list(dict.fromkeys(violations))
    violations.clear()
    if found and "out_of_order_on_purpose" not in request.fixturenames:
        pytest.fail("Lock order (docs/money.md) broken: " + "\n".join(found), pytrace=False)


@pytest.fixture
def out_of_order_on_purpose() -> None:
    """For controls, which show what a missing lock does."""
