"""How PostgreSQL answers the reads of a piece of work: one line a query, with the scans of its plan."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.db import connection
from django.test.utils import CaptureQueriesContext


def of(work: Callable[[], object]) -> list[str]:
    """Do the work, then explain each of its different reads: "payments_duepart: Index Scan using …"."""
    with CaptureQueriesContext(connection) as captured:
        work()
    reads = dict.fromkeys(one["sql"] for one in captured.captured_queries if one["sql"].startswith("SELECT"))
    return list(dict.fromkeys(_line(statement) for statement in reads if " FROM " in statement))


def _line(statement: str) -> str:
    table = re.search(r' FROM "(\w+)"', statement)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}")
        lines = [str(row[0]).strip(" ->") for row in cursor.fetchall()]
    scans = [line.partition("  (cost")[0] for line in lines if "Scan" in line]
    return f"{table[1] if table else 'function'}: {'; '.join(scans)}"
