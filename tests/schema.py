"""The migrated schema for a test database: migrating takes many times as long as filling one from a kept file.

Kept in pytest's own cache, under a name that changes with every migration.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import psycopg
from django.core.management import call_command
from django.db import connections

from ops import backup
from ops.children import ROOT

# Any number will do: one process of a run migrates, the others wait for its file.
_LOCK = 726_153_402


def make(owner_url: str, superuser_url: str, folder: Path) -> None:
    """Give the empty database of the connection "owner" today's tables and what migrations put into them."""
    file = folder / f"{_state()}.dump"
    with psycopg.connect(superuser_url, autocommit=True) as server:
        server.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        if not file.exists():
            _migrate(owner_url, file)
            return
    backup.fill(file, owner_url)


def _migrate(owner_url: str, file: Path) -> None:
    call_command("migrate", database="owner", verbosity=0)
    connections["owner"].close()
    for old in file.parent.glob("*.dump"):
        old.unlink()
    backup.dump(owner_url, file)


def _state() -> str:
    """A digest of all that decides what `migrate` makes: our migrations and the locked packages."""
    files = [ROOT / "requirements/run.txt", ROOT / "ops/roles.py", *sorted(ROOT.glob("*/migrations/*.py"))]
    return hashlib.sha256(b"".join(str(file).encode() + file.read_bytes() for file in files)).hexdigest()[:20]
