"""SecurityLogs: the audit trail of what this developer wrote, with American dates as the real one prints."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox.common.store import Row
from sandbox.opendental.api import Call, endpoint
from sandbox.opendental.office import LOGGED
from sandbox.opendental.records import where


def log_json(row: Row) -> dict[str, Any]:
    moment = datetime.fromisoformat(row["LogDateTime"])
    hour = moment.hour % 12 or 12
    return {
        "SecurityLogNum": row["SecurityLogNum"],
        "PermType": LOGGED[row["PermType"]],
        "UserNum": row["UserNum"],
        "LogDateTime": f"{moment.month}/{moment.day}/{moment.year} {hour}:{moment:%M:%S %p}",
        "LogText": row["LogText"],
        "PatNum": row["PatNum"],
        "CompName": row["CompName"],
        "LogSource": "API",
    }


@endpoint("GET", "/securitylogs", since="23.1.33")
def logs(call: Call) -> list[dict[str, Any]]:
    """Only PermType filters; other parameters are ignored."""
    wanted = call.query.get("PermType")
    rows = where(call.office.books, "securitylog")
    return [log_json(row) for row in rows if not wanted or LOGGED[row["PermType"]] == wanted]
