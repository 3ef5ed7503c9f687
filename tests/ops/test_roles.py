"""The two database roles, on a server of their own: what each may do, in production and in tests."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ops import migrations, ports, postgres, roles, testdb
from ops.supervisor import Supervisor


@pytest.fixture
def superuser_url() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="kasperpay-roles-") as folder:
        place = Path(folder)
        place.chmod(0o711)
        cluster = postgres.prepare(place, password="not-a-secret", port=ports.free_port())
        supervisor = Supervisor()
        try:
            supervisor.start(postgres.service(cluster, place / "log/postgres.log", throw_away=True))
            yield cluster.url("postgres")
        finally:
            supervisor.stop()
            postgres.remove(place)


def _connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(url, autocommit=True)


def test_the_application_reads_and_writes_but_owns_and_truncates_nothing(superuser_url: str) -> None:
    app_url, owner_url = roles.create_database(superuser_url, "live", app_password="a-1", owner_password="o-1")
    with _connect(owner_url) as owner:
        owner.execute("CREATE TABLE note (id bigserial PRIMARY KEY, text text)")

    with _connect(app_url) as app:
        app.execute("INSERT INTO note (text) VALUES ('kept')")
        for statement in (b"TRUNCATE note", b"DROP TABLE note", b"CREATE TABLE other ()", b"SET ROLE kasperpay_owner"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(statement)
        assert app.execute("SELECT id, text FROM note").fetchall() == [(1, "kept")]


def test_neither_role_is_superuser_or_passes_row_level_security(superuser_url: str) -> None:
    roles.create_database(superuser_url, "live", app_password="a-1", owner_password="o-1")

    with _connect(superuser_url) as server:
        found = server.execute(
            "SELECT rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles"
            " WHERE rolname LIKE 'kasperpay_%' AND rolcanlogin AND NOT rolsuper ORDER BY rolname"
        ).fetchall()

    assert found == [(roles.APP, False, False, False, False), (roles.OWNER, False, False, False, False)]


def test_making_a_database_again_changes_nothing(superuser_url: str) -> None:
    urls = roles.create_database(superuser_url, "twice", app_password="a-1", owner_password="o-1")
    with _connect(urls[1]) as owner:
        owner.execute("CREATE TABLE note AS SELECT 1 AS id")

    assert roles.create_database(superuser_url, "twice", app_password="a-1", owner_password="o-1") == urls

    with _connect(urls[0]) as app:
        assert app.execute("SELECT id FROM note").fetchall() == [(1,)]


def test_a_test_database_starts_empty_and_may_be_flushed(superuser_url: str) -> None:
    for _ in range(2):
        app_url, owner_url = testdb.create(superuser_url, "test_one")
        with _connect(owner_url) as owner:
            owner.execute("CREATE TABLE note AS SELECT 1 AS id")
        with _connect(app_url) as app:
            app.execute("TRUNCATE note")
            assert app.execute("SELECT count(*) FROM note").fetchone() == (0,)

    testdb.drop(superuser_url, "test_one")
    with _connect(superuser_url) as server:
        assert server.execute("SELECT 1 FROM pg_database WHERE datname = 'test_one'").fetchall() == []


def test_a_database_is_migrated_again_only_when_a_migration_or_a_package_is_new(
    superuser_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, owner_url = roles.create_database(superuser_url, "live", app_password="a-1", owner_password="o-1")
    stamp, root = tmp_path / "stamp", tmp_path / "checkout"
    for name in ("requirements/run.txt", "cards/migrations/__init__.py", "cards/migrations/0001_initial.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    monkeypatch.setattr(migrations, "ROOT", root)
    migrations.remember(stamp)

    assert not migrations.are_applied(owner_url, stamp)
    with _connect(owner_url) as owner:
        owner.execute("CREATE TABLE django_migrations AS SELECT 'cards' AS app, '0001_initial' AS name")
    assert migrations.are_applied(owner_url, stamp)
    (root / "cards/migrations/0002_more.py").touch()
    assert not migrations.are_applied(owner_url, stamp)
    (root / "cards/migrations/0002_more.py").unlink()
    (root / "requirements/run.txt").write_text("django==6.0")
    assert not migrations.are_applied(owner_url, stamp)
