"""The two database roles: an owner that migrates, and the application, which owns nothing and obeys every policy."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql

OWNER = "kasperpay_owner"
APP = "kasperpay_app"
# Any number will do, as long as everybody who creates roles on one server uses the same.
_CREATION_LOCK = 726_153_401
_PLAIN = sql.SQL("LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION")


def create_database(
    superuser_url: str, name: str, *, app_password: str, owner_password: str, for_tests: bool = False
) -> tuple[str, str]:
    """Make roles and database where missing, grant what the application needs; returns (app URL, owner URL)."""
    with psycopg.connect(superuser_url, autocommit=True) as server:
        server.execute("SELECT pg_advisory_lock(%s)", [_CREATION_LOCK])
        _ensure_role(server, OWNER, owner_password)
        _ensure_role(server, APP, app_password)
        _ensure_database(server, name)
    with psycopg.connect(_at(superuser_url, name), autocommit=True) as database:
        grant(database, owner=OWNER, app=APP, for_tests=for_tests)
    return _as(superuser_url, name, APP, app_password), _as(superuser_url, name, OWNER, owner_password)


def grant(database: psycopg.Connection, *, owner: str, app: str, for_tests: bool = False) -> None:
    """Whatever `owner` creates from now on, `app` may read and write. TRUNCATE is for Django's test flush alone."""
    rights = "SELECT, INSERT, UPDATE, DELETE, TRUNCATE" if for_tests else "SELECT, INSERT, UPDATE, DELETE"
    defaults = sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT {rights} TO {app}")
    names = {"owner": sql.Identifier(owner), "app": sql.Identifier(app)}
    database.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {app}").format(**names))
    database.execute(defaults.format(rights=sql.SQL(f"{rights} ON TABLES"), **names))
    database.execute(defaults.format(rights=sql.SQL("USAGE, SELECT ON SEQUENCES"), **names))


def _ensure_role(server: psycopg.Connection, name: str, password: str) -> None:
    if server.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone() is None:
        statement = sql.SQL("CREATE ROLE {} {} PASSWORD {}")
        server.execute(statement.format(sql.Identifier(name), _PLAIN, sql.Literal(password)))


def _ensure_database(server: psycopg.Connection, name: str) -> None:
    if server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
        server.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(OWNER)))
        server.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
    server.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(name), sql.Identifier(APP)))


def _at(url: str, database: str) -> str:
    return urlsplit(url)._replace(path=f"/{database}").geturl()


def _as(url: str, database: str, role: str, password: str) -> str:
    parts = urlsplit(url)
    return f"postgres://{role}:{quote(password, safe='')}@{parts.hostname}:{parts.port or 5432}/{database}"
