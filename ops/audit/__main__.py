"""python -m ops.audit --place DIR [--json]: audit the books of a bin/run folder."""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from ops import places, ports, postgres
from ops.audit import Books, Violation, audit
from ops.audit.books import offset
from ops.console import UnableToStart, note, say
from ops.places import Places
from ops.supervisor import Supervisor


def main(arguments: list[str]) -> int:
    """0 when the books agree, 1 when they don't, 2 when they can't be read."""
    parser = argparse.ArgumentParser(prog="python -m ops.audit", description=__doc__)
    parser.add_argument("--place", type=Path, required=True, help="a folder of bin/run --data")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    wish = parser.parse_args(arguments)
    try:
        with opened(wish.place) as books:
            found = audit(books)
    except (UnableToStart, OSError, psycopg.Error, sqlite3.Error) as error:
        note(f"The books can't be read: {error}")
        return 2
    _report(found, as_json=wish.json)
    return 1 if found else 0


@contextmanager
def opened(folder: Path) -> Iterator[Books]:
    """The books of a place; of one that was stopped as of its last sign of life, with its database for that while."""
    place = Places(folder.resolve())
    if not place.ports.exists():
        raise UnableToStart(f"{folder} is no folder of bin/run.")
    try:
        lock = places.hold_lock(place.data)
    except UnableToStart:
        yield Books.of_place(folder)
        return
    with lock:
        supervisor = Supervisor()
        try:
            kept, port = places.load_secrets(place.data), ports.recall(place.ports)["postgres"]
            cluster = postgres.prepare(place.data, password=kept.postgres_password, port=port)
            now = _last_sign_of_life(place)
            supervisor.start(postgres.service(cluster, place.log / "postgres.log"))
            yield Books.of_place(folder, now=now)
        finally:
            supervisor.stop()


def _last_sign_of_life(place: Places) -> datetime:
    logs = [path.stat().st_mtime for path in place.log.glob("worker-*.log")]
    return datetime.fromtimestamp(max(logs, default=0.0), UTC) + offset(place)


def _report(found: list[Violation], *, as_json: bool) -> None:
    if as_json:
        say(json.dumps({"violations": [asdict(violation) for violation in found]}))
        return
    for violation in found:
        say(str(violation))
    say(f"{len(found)} violations")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
