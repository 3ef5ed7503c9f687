"""Whether the database already has every migration: asked in milliseconds, where `migrate` needs a second."""

from __future__ import annotations

import hashlib
from pathlib import Path

import psycopg

from ops.children import ROOT


def are_applied(owner_url: str, stamp: Path) -> bool:
    """True when all of this checkout's migrations are recorded and the packages are those of the last `migrate`."""
    return stamp.exists() and stamp.read_text() == _packages() and _on_disk() <= _recorded(owner_url)


def remember(stamp: Path) -> None:
    """Packages bring migrations too; those change only with the lock."""
    stamp.write_text(_packages())


def _packages() -> str:
    return hashlib.sha256((ROOT / "requirements/run.txt").read_bytes()).hexdigest()


def _on_disk() -> set[tuple[str, str]]:
    return {(path.parent.parent.name, path.stem) for path in ROOT.glob("*/migrations/[0-9]*.py")}


def _recorded(owner_url: str) -> set[tuple[str, str]]:
    with psycopg.connect(owner_url) as database:
        if database.execute("SELECT to_regclass('django_migrations')").fetchone() == (None,):
            return set()
        return {(str(app), str(name)) for app, name in database.execute("SELECT app, name FROM django_migrations")}
