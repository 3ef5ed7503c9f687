"""Where the three books and the inbox are kept, and what time it is."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ops import ports, postgres
from ops.places import Places, load_secrets


@dataclass(frozen=True)
class Books:
    """`database`: address of a role that sees every row. The others: state folders of the sandbox. `now`: UTC."""

    # It holds a password.
    database: str = field(repr=False)
    stripe: Path
    opendental: Path
    messaging: Path
    now: datetime

    @classmethod
    def of_place(cls, folder: Path, now: datetime | None = None) -> Books:
        """The books of a `bin/run --data` folder; `now` defaults to its business time."""
        place = Places(folder.resolve())
        return cls(
            database=_database(place),
            stripe=place.sandbox / "stripe",
            opendental=place.sandbox / "opendental",
            messaging=place.sandbox / "messaging",
            now=now or datetime.now(UTC) + offset(place),
        )


def _database(place: Places) -> str:
    """The owner of the tables (row-level security lets it pass), or the superuser of the embedded server."""
    if "DATABASE_OWNER_URL" in os.environ:
        return os.environ["DATABASE_OWNER_URL"]
    kept, port = load_secrets(place.data), ports.recall(place.ports)["postgres"]
    return postgres.prepare(place.data, password=kept.postgres_password, port=port).url("kasperpay")


def offset(place: Places) -> timedelta:
    """How far business time is ahead of real time."""
    if not place.clock.exists():
        return timedelta(0)
    return timedelta(seconds=float(json.loads(place.clock.read_text())["offset_seconds"]))
