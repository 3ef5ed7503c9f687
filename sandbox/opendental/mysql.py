"""Enough of MySQL for ShortQuery on SQLite: read-only screening, functions, values as the API prints them."""

from __future__ import annotations

import hashlib
import math
import re
import sqlite3
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sandbox.opendental import sqlviews
from sandbox.opendental.errors import ApiError, bad, unauthorized
from sandbox.opendental.office import Office
from sandbox.opendental.periods import add_months
from sandbox.opendental.records import stamp

MOST_ROWS = 100
WRITING = re.compile(
    r"\b(INSERT|UPDATE|DELETE|REPLACE\s+INTO|DROP|ALTER|CREATE|TRUNCATE|GRANT|REVOKE|CALL|SET|LOCK|LOAD|RENAME|ATTACH"
    r"|PRAGMA)\b",
    re.IGNORECASE,
)
TOO_NEW = re.compile(r"^\s*WITH\b|\bOVER\s*\(|\bJSON_\w+\s*\(", re.IGNORECASE)
INTERVAL = re.compile(r"\bINTERVAL\s+(-?\S+)\s+(SECOND|MINUTE|HOUR|DAY|WEEK|MONTH|YEAR)\b", re.IGNORECASE)
STRINGS = re.compile(r"'(?:[^'\\]|''|\\.)*'|\"(?:[^\"\\]|\"\"|\\.)*\"")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})")
ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}


def screen(command: str) -> None:
    """401 for anything that is not read only (or says SCHEMA), 400 for what an old MySQL does not know."""
    bare = STRINGS.sub("''", command)
    if re.search("SCHEMA", bare, re.IGNORECASE):
        raise unauthorized("Query is not allowed.")
    if WRITING.search(bare) or ";" in bare.rstrip().rstrip(";"):
        raise unauthorized("Query is not read only.")
    if TOO_NEW.search(bare):
        raise bad(
            "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version."
        )
    if not re.match(r"\s*\(*\s*SELECT\b", bare, re.IGNORECASE):
        raise unauthorized("Query is not read only.")


def run(office: Office, command: str, offset: int | None, now: datetime) -> list[dict[str, Any]]:
    """At most 100 rows; with an offset, everything from there on (as the real one was seen to do)."""
    screen(command)
    connection = sqlite3.connect(f"file:{office.books.path}?mode=ro", uri=True)
    try:
        _prepare(connection, office, now)
        cursor = connection.execute(translate(command))
        names = [column[0] for column in cursor.description or ()]
        rows = cursor.fetchall()
    except sqlite3.DatabaseError as error:
        raise _sql_error(error) from None
    finally:
        connection.close()
    chosen = rows[:MOST_ROWS] if offset is None else rows[offset:]
    return [dict(zip(names, (printed(value) for value in row), strict=True)) for row in chosen]


def _sql_error(error: sqlite3.DatabaseError) -> ApiError:
    if "not authorized" in str(error) or "prohibited" in str(error):
        return unauthorized("Query is not read only.")
    return bad(f"SQL error: {error}")


def translate(command: str) -> str:
    """MySQL spellings SQLite does not read: INTERVAL n UNIT, DIV, <=>, CAST AS SIGNED or CHAR, LEFT( and RIGHT(."""
    pieces: list[str] = []
    end = 0
    for found in STRINGS.finditer(command):
        pieces += [_translate_bare(command[end : found.start()]), found.group()]
        end = found.end()
    return "".join([*pieces, _translate_bare(command[end:])]).rstrip().rstrip(";")


def _translate_bare(text: str) -> str:
    text = INTERVAL.sub(r"\1, '\2'", text)
    text = re.sub(r"\bDIV\b", "/", text.replace("<=>", " IS "), flags=re.IGNORECASE)
    text = re.sub(r"\bSEPARATOR\b", ",", text, flags=re.IGNORECASE)
    text = re.sub(r"\bAS\s+(SIGNED|UNSIGNED)(\s+INTEGER)?\b", "AS INTEGER", text, flags=re.IGNORECASE)
    text = re.sub(r"\bAS\s+CHAR\b", "AS TEXT", text, flags=re.IGNORECASE)
    text = re.sub(r"\b(LEFT|RIGHT)\s*\(", lambda found: f"mysql_{found.group(1).lower()}(", text, flags=re.IGNORECASE)
    return re.sub(r"\bTRUE\b", "1", re.sub(r"\bFALSE\b", "0", text, flags=re.IGNORECASE), flags=re.IGNORECASE)


def printed(value: Any) -> Any:
    """Dates as .NET serializes them: 2021-05-01T00:00:00."""
    if isinstance(value, str):
        if DAY.fullmatch(value):
            return f"{value}T00:00:00"
        if found := MOMENT.fullmatch(value):
            return "T".join(found.groups())
    return value


def _prepare(connection: sqlite3.Connection, office: Office, now: datetime) -> None:
    for name, count, function in functions(now):
        connection.create_function(name, count, function, deterministic=name not in ("NOW", "CURDATE", "CURTIME"))
    connection.create_aggregate("BIT_XOR", 1, BitXor)
    for statement in sqlviews.views(office):
        connection.execute(statement)
    connection.set_authorizer(lambda action, *_rest: sqlite3.SQLITE_OK if action in ALLOWED else sqlite3.SQLITE_DENY)


def functions(now: datetime) -> list[tuple[str, int, Callable[..., Any]]]:
    """(name, arguments (-1 any), function)."""
    return [
        ("NOW", 0, lambda: stamp(now)),
        ("CURDATE", 0, lambda: now.date().isoformat()),
        ("CURTIME", 0, lambda: stamp(now)[11:]),
        ("UNIX_TIMESTAMP", -1, lambda *moment: int(_moment(moment[0] if moment else stamp(now)).timestamp())),
        ("CONCAT", -1, lambda *parts: None if None in parts else "".join(map(_text, parts))),
        ("CONCAT_WS", -1, lambda mark, *parts: mark.join(_text(part) for part in parts if part is not None)),
        ("CRC32", 1, lambda value: None if value is None else zlib.crc32(_text(value).encode())),
        ("MD5", 1, lambda value: None if value is None else hashlib.md5(_text(value).encode()).hexdigest()),
        ("FLOOR", 1, lambda value: None if value is None else math.floor(value)),
        ("CEIL", 1, lambda value: None if value is None else math.ceil(value)),
        ("CEILING", 1, lambda value: None if value is None else math.ceil(value)),
        ("MOD", 2, _modulo),
        ("IF", 3, lambda test, yes, no: yes if test else no),
        ("GREATEST", -1, lambda *values: None if None in values else max(values)),
        ("LEAST", -1, lambda *values: None if None in values else min(values)),
        ("DATE", 1, lambda value: None if value is None else str(value)[:10]),
        ("YEAR", 1, lambda value: None if value is None else int(str(value)[:4])),
        ("MONTH", 1, lambda value: None if value is None else int(str(value)[5:7])),
        ("DAY", 1, lambda value: None if value is None else int(str(value)[8:10])),
        ("DATEDIFF", 2, lambda later, earlier: (_moment(later).date() - _moment(earlier).date()).days),
        ("DATE_ADD", 3, lambda value, count, unit: _shift(value, int(count), unit)),
        ("DATE_SUB", 3, lambda value, count, unit: _shift(value, -int(count), unit)),
        ("DATE_FORMAT", 2, lambda value, form: _moment(value).strftime(form.replace("%i", "%M").replace("%s", "%S"))),
        ("mysql_left", 2, lambda value, count: None if value is None else _text(value)[:count]),
        ("mysql_right", 2, lambda value, count: None if value is None else _text(value)[-count:]),
    ]


class BitXor:
    """BIT_XOR, the other way to add up fingerprints."""

    def __init__(self) -> None:
        self.bits = 0

    def step(self, value: int | None) -> None:
        self.bits ^= int(value or 0)

    def finalize(self) -> int:
        return self.bits


def _modulo(value: Any, by: Any) -> Any:
    if None in (value, by) or by == 0:
        return None
    rest = math.fmod(value, by)
    return int(rest) if isinstance(value, int) and isinstance(by, int) else rest


def _text(value: Any) -> str:
    """A value as MySQL turns it into text: doubles without a needless fraction."""
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _moment(value: str) -> datetime:
    return datetime.fromisoformat(str(value))


def _shift(value: str, count: int, unit: str) -> str:
    moment, dated = _moment(value), len(str(value)) == 10
    months = {"MONTH": 1, "YEAR": 12}.get(unit.upper())
    if months:
        moved = datetime.combine(add_months(moment.date(), count * months), moment.time())
    else:
        moved = moment + timedelta(**{f"{unit.lower()}s": count})
    return moved.date().isoformat() if dated and moved.time() == moment.time() else stamp(moved)
