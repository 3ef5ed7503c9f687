"""Queries: ShortQuery answers at once; POST /queries would send a file by SFTP and is accepted without sending one."""

from __future__ import annotations

from typing import Any

from sandbox.opendental import mysql, wire
from sandbox.opendental.api import Call, endpoint


@endpoint("PUT", "/queries/ShortQuery", since="21.2", permission="ApiQueries")
def short_query(call: Call) -> list[dict[str, Any]]:
    wire.required(call.body, "SqlCommand")
    rows = mysql.run(call.office, str(call.body["SqlCommand"]), call.number("Offset"), call.now)
    call.office.log("CommandQuery", "Query run through API. ", 0, call.now)
    return rows
