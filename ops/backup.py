"""bin/backup and bin/restore: the whole database as one file, and back; what may have happened since is marked.

The file holds patients' data and the encrypted keys, but not FIELD_KEYS and SECRET_KEY: keep those, and apart from it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import redis

from ops import outside, places, ports, postgres, product, roles, valkey
from ops.children import ROOT
from ops.console import UnableToStart, note, say
from ops.places import Places, Secrets
from ops.supervisor import Supervisor

# Row ids of the lost days stand in logs, at the processor and at the carrier: none is given out a second time.
SKIPPED_IDS = 1_000_000


def main(arguments: list[str]) -> int:
    """0 when done; 1, with the reason, when not."""
    wish = _parser().parse_args(arguments)
    try:
        with _database(wish.data, may_run=wish.command == "backup") as environment:
            (_backup if wish.command == "backup" else _restore)(wish.file, environment)
    except UnableToStart as error:
        note(f"The {wish.command} was not made: {error}")
        return 1
    return 0


def dump(owner_url: str, file: Path) -> None:
    """One consistent file of the whole database. Nobody has to stop for it. Raises UnableToStart."""
    draft = file.with_name(f"{file.name}.part")
    draft.touch(mode=0o600)
    _run("pg_dump", "--format=custom", f"--file={draft}", owner_url)
    draft.replace(file)


def load(file: Path, owner_url: str, app: str) -> datetime:
    """Put the file in place of whatever the database holds; returns when it was begun (UTC). Raises UnableToStart."""
    since = begun(file)
    with psycopg.connect(owner_url, autocommit=True) as database:
        _refuse_if_used(database)
        database.execute("DROP SCHEMA public CASCADE")
        database.execute("CREATE SCHEMA public")
        # Whatever is restored now, the application may read and write as before.
        roles.grant(database, owner=str(urlsplit(owner_url).username), app=app)
    fill(file, owner_url)
    with psycopg.connect(owner_url, autocommit=True) as database:
        _mark(database, since)
        _skip_ids(database)
    return since


def fill(file: Path, owner_url: str) -> None:
    """Put the file into an empty database, all or nothing. Raises UnableToStart."""
    _run(
        "pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction",
        f"--dbname={owner_url}", str(file),
    )  # fmt: skip


def begun(file: Path) -> datetime:
    """When the backup was begun, as it says itself."""
    listed = _run("pg_restore", "--list", str(file))
    found = re.search(r"Archive created at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", listed)
    if found is None:
        raise UnableToStart(f"{file} does not say when it was made.")
    return datetime.fromisoformat(found[1]).replace(tzinfo=UTC)


def _refuse_if_used(database: psycopg.Connection) -> None:
    others = database.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    ).fetchone()
    if others != (0,):
        raise UnableToStart("somebody is connected to the database: stop web, workers and beats first.")


def _mark(database: psycopg.Connection, since: datetime) -> None:
    """Nothing is charged or given back from here on; manage.py restored does the rest, practice by practice."""
    column = "table_schema = 'public' AND table_name = 'practices_practice' AND column_name = 'recover_since'"
    # A backup of before it existed gets it by migrating.
    if database.execute(f"SELECT 1 FROM information_schema.columns WHERE {column}").fetchone():
        database.execute("UPDATE public.practices_practice SET recover_since = %s", [since])


def _skip_ids(database: psycopg.Connection) -> None:
    database.execute(
        "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, coalesce(last_value, 0) + "
        f"{SKIPPED_IDS}) FROM pg_sequences WHERE schemaname = 'public'"
    )


def _run(tool: str, *arguments: str) -> str:
    done = subprocess.run(
        [_tool(tool), *arguments], capture_output=True, text=True, check=False, env={**os.environ, "TZ": "UTC"}
    )
    if done.returncode:
        # Addresses hold passwords: the tool's own words don't repeat them.
        raise UnableToStart(f"{tool} ended with code {done.returncode}:\n{done.stderr.strip()[-2000:]}")
    return done.stdout


def _tool(name: str) -> str:
    """The wheel's, which is as new as the embedded server; else the machine's."""
    try:
        path = postgres.binaries(None) / name
    except UnableToStart:
        path = Path(shutil.which(name) or "")
    if not path.is_file():
        raise UnableToStart(f"{name} is missing: install PostgreSQL's client programs.")
    return str(path)


def _backup(file: Path, environment: Mapping[str, str]) -> None:
    dump(environment["DATABASE_OWNER_URL"], file)
    say(f"{file}: {file.stat().st_size / 1_000_000:.1f} MB, begun {begun(file):%Y-%m-%d %H:%M:%S} UTC")


def _restore(file: Path, environment: Mapping[str, str]) -> None:
    if not file.is_file():
        raise UnableToStart(f"there is no file {file}.")
    _refuse_if_it_runs(environment["REDIS_URL"])
    since = load(file, environment["DATABASE_OWNER_URL"], str(urlsplit(environment["DATABASE_URL"]).username))
    _manage(environment, "migrate", "--database", "owner", "--noinput", "--verbosity", "0")
    _manage(environment, "restored", "--since", since.isoformat())
    say(f"Restored as of {since:%Y-%m-%d %H:%M:%S} UTC. Start web, workers and beat: each practice first asks its")
    say("processor what was charged since, and charges nothing before it knows (docs/operations.md).")


def _refuse_if_it_runs(redis_url: str) -> None:
    """Idle workers hold no connection, but the timetable holds its lease (kasperpay/beat.py)."""
    try:
        runs = redis.Redis.from_url(redis_url, socket_connect_timeout=2, socket_timeout=2).exists("beat:holder")
    except redis.RedisError:
        return  # Without a broker nothing is handed out.
    if runs:
        raise UnableToStart("a timetable runs, or did within the last minute: stop web, workers and beats first.")


def _manage(environment: Mapping[str, str], *arguments: str) -> None:
    command = [sys.executable, "manage.py", *arguments]
    if subprocess.run(command, cwd=ROOT, env=dict(environment), check=False).returncode:
        raise UnableToStart(f"manage.py {arguments[0]} failed.")


@contextmanager
def _database(data: Path, *, may_run: bool) -> Iterator[dict[str, str]]:
    """The environment's database, else that of the data folder: running already (where it may), or started for this."""
    if "DATABASE_OWNER_URL" in os.environ:
        yield product.clean_environment()
        return
    place, chosen = Places(data), ports.recall(Places(data).ports)
    if "postgres" not in chosen:
        raise UnableToStart(f"{data} holds no database, and DATABASE_OWNER_URL is not set.")
    kept = places.load_secrets(data)
    environment = product.environment(place, kept, chosen, outside.addresses(chosen), _stores(chosen, kept))
    if may_run and postgres.accepts(environment["DATABASE_OWNER_URL"])():
        yield environment
        return
    supervisor = Supervisor()
    try:
        with places.hold_lock(data):
            cluster = postgres.prepare(data, password=kept.postgres_password, port=chosen["postgres"])
            supervisor.start(postgres.service(cluster, place.log / "postgres.log"))
            yield environment
    finally:
        supervisor.stop()


def _stores(chosen: Mapping[str, int], kept: Secrets) -> dict[str, str]:
    at = f"127.0.0.1:{chosen['postgres']}/kasperpay"
    return {
        "DATABASE_URL": f"postgres://{roles.APP}:{kept.app_password}@{at}",
        "DATABASE_OWNER_URL": f"postgres://{roles.OWNER}:{kept.owner_password}@{at}",
        "REDIS_URL": valkey.url(chosen["valkey"], kept.valkey_password),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bin/backup or bin/restore", description=__doc__)
    parser.add_argument("command", choices=["backup", "restore"], help="which of the two (bin/… gives it)")
    parser.add_argument("file", type=Path, help="the file to write or read")
    parser.add_argument(
        "--data", type=Path, default=ROOT / "var", metavar="DIR", help="data folder where DATABASE_OWNER_URL is not set"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
