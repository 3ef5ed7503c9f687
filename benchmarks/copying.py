"""COPY of many rows of one model: columns that vary from row to row, and constants for all others."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.db import models
from psycopg import sql

CHUNK = 2_000


class Table:
    """One model's rows: `varying` names the columns each row gives, `constant` those all rows share."""

    def __init__(self, model: type[models.Model], *varying: str, **constant: Any) -> None:
        fields = {field.name: field for field in model._meta.concrete_fields}
        self.name = model._meta.db_table
        rest = [name for name in fields if name not in varying]
        self._columns = [str(fields[name].column) for name in (*varying, *rest)]
        values = [constant.pop(name) if name in constant else _default(fields[name]) for name in rest]
        if constant:
            raise KeyError(f"{self.name} has no {', '.join(constant)}")
        self._suffix = "".join(f"\t{text(value)}" for value in values) + "\n"

    def copy(self, database: psycopg.Connection, rows: Iterable[tuple[Any, ...]]) -> int:
        """Write them; returns how many. The table's next id follows the last one."""
        columns = sql.SQL(", ").join(sql.Identifier(column) for column in self._columns)
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(self.name), columns)
        count, lines = 0, []
        with database.cursor().copy(statement) as target:
            for row in rows:
                lines.append("\t".join(map(text, row)) + self._suffix)
                count += 1
                if count % CHUNK == 0:
                    target.write("".join(lines))
                    lines.clear()
            target.write("".join(lines))
        following = sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'id'), coalesce(max(id), 1)) FROM {}")
        database.execute(following.format(sql.Literal(self.name), sql.Identifier(self.name)))
        return count


def _default(field: models.Field[Any, Any]) -> Any:
    if getattr(field, "auto_now_add", False):
        return datetime.now(UTC)
    return None if field.null and not field.has_default() else field.get_default()


def text(value: Any) -> str:
    """One value as COPY reads it."""
    if isinstance(value, str):
        return value if "\\" not in value else value.replace("\\", "\\\\")
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, dict | list):
        return json.dumps(value).replace("\\", "\\\\")
    return str(value)
