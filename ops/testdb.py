"""Databases for tests: the same two roles as in production, on whatever server a superuser address names."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from ops import roles


def create(superuser_url: str, name: str) -> tuple[str, str]:
    """An empty database `name` (an old one of that name is dropped): (application URL, owner URL).

    The application role may also TRUNCATE here, because Django's flush between tests needs it.
    """
    drop(superuser_url, name)
    return roles.create_database(
        superuser_url,
        name,
        app_password=_password(superuser_url, roles.APP),
        owner_password=_password(superuser_url, roles.OWNER),
        for_tests=True,
    )


def drop(superuser_url: str, name: str) -> None:
    """Remove the database, ending whoever is still connected; the roles stay, other databases share them."""
    with psycopg.connect(superuser_url, autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _password(superuser_url: str, role: str) -> str:
    # Every test process must know the shared roles' passwords without a file between them.
    secret = f"{urlsplit(superuser_url).password}:{role}"
    return hashlib.sha256(secret.encode()).hexdigest()
