"""What ShortQuery sees differently from the stored tables: malformed rows, and columns the office's version lacks."""

from __future__ import annotations

from typing import Any

from sandbox.opendental.malform import RESOURCE_TABLE
from sandbox.opendental.office import Office
from sandbox.opendental.schema import TABLES

# Table → column → the version it came with, as far as it is known.
LATE_COLUMNS = {"payplancharge": {"IsDownPayment": "25.4"}}


def views(office: Office) -> list[str]:
    """CREATE TEMP VIEW over each table that differs: temporary names win over the stored tables' names."""
    wishes: dict[str, list[dict[str, Any]]] = {}
    for wish in office.settings.malformed:
        if wish["resource"] in RESOURCE_TABLE:
            wishes.setdefault(RESOURCE_TABLE[wish["resource"]], []).append(wish)
    missing = {table: _missing(office, table) for table in LATE_COLUMNS}
    changed = sorted({*wishes, *(table for table, columns in missing.items() if columns)})
    return [_view(table, wishes.get(table, []), missing.get(table, set())) for table in changed]


def _missing(office: Office, table: str) -> set[str]:
    return {column for column, since in LATE_COLUMNS[table].items() if not office.at_least(since)}


def _view(table: str, wishes: list[dict[str, Any]], missing: set[str]) -> str:
    key = TABLES[table].key
    kept = [name for name in (key, *TABLES[table].columns()) if name not in missing]
    listed = ", ".join(_column(name, key, wishes) for name in kept)
    return f"CREATE TEMP VIEW {table} AS SELECT {listed} FROM main.{table}"


def _column(name: str, key: str, wishes: list[dict[str, Any]]) -> str:
    cases = [f"WHEN {int(wish['pk'])} THEN {_literal(wish['value'])}" for wish in wishes if wish["field"] == name]
    return f'CASE "{key}" {" ".join(cases)} ELSE "{name}" END AS "{name}"' if cases else f'"{name}"'


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int | float) else "'" + str(value).replace("'", "''") + "'"
