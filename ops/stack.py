"""All of KasperPay as one thing that starts in order and stops whole."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import psycopg
import redis

from ops import migrations, outside, places, ports, postgres, product, roles, valkey
from ops.children import ROOT
from ops.console import UnableToStart, note, step
from ops.outside import Outside
from ops.places import Places, Secrets
from ops.supervisor import Supervisor

# Addresses that stand in the practices' connections and in the webhooks they registered.
KNOWN_TO_PRACTICES = ("web", "opendental", "stripe", "messaging")


@dataclass(frozen=True)
class Running:
    """A started stack: where it answers, what its processes are told, who watches them."""

    web: str
    outside: Outside
    places: Places
    environment: Mapping[str, str]
    supervisor: Supervisor


@contextmanager
def running(place: Places, chosen: Mapping[str, int], **overrides: str) -> Iterator[Running]:
    """Start everything; on the way out, however that comes about, stop everything. Raises UnableToStart."""
    supervisor = Supervisor()
    _turn_signals_into_interrupts()
    try:
        yield _start(supervisor, place, chosen, overrides)
    finally:
        # A second Ctrl-C must not leave half of it running.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        supervisor.stop()


def _start(supervisor: Supervisor, place: Places, chosen: Mapping[str, int], overrides: Mapping[str, str]) -> Running:
    kept = places.load_secrets(place.data)
    where = outside.addresses(chosen)
    stores = _launch_stores(supervisor, place, chosen, kept)
    environment = {**product.environment(place, kept, chosen, where, stores), **overrides}
    sandbox = outside.services(place, chosen, environment)
    for service in sandbox:
        supervisor.launch(service)
    _prepare_database(supervisor, place, environment)
    _collect_static(supervisor, place, environment)
    with step("sandbox and web"):
        supervisor.wait(service.name for service in sandbox)
        supervisor.start(product.web(place, environment, chosen["web"]))
    _fill_sandbox(supervisor, place, environment)
    # Pages are there already; who needs the workers too (the smoke run) waits for product.WORKERS.
    for service in product.workers(place, environment):
        supervisor.launch(service)
    return Running(environment["BASE_URL"], where, place, environment, supervisor)


def _launch_stores(supervisor: Supervisor, place: Places, chosen: Mapping[str, int], kept: Secrets) -> dict[str, str]:
    """Embedded servers for whatever the environment does not bring; returns the three addresses."""
    stores: dict[str, str] = {}
    with step("PostgreSQL and Valkey"):
        if "REDIS_URL" in os.environ:
            stores["REDIS_URL"] = _reachable(os.environ["REDIS_URL"])
        else:
            server = valkey.service(
                place.data / "valkey", place.log / "valkey.log", port=chosen["valkey"], password=kept.valkey_password
            )
            supervisor.launch(server)
            stores["REDIS_URL"] = valkey.url(chosen["valkey"], kept.valkey_password)
        stores |= _external_database() or _embedded_database(supervisor, place, chosen["postgres"], kept)
        supervisor.wait(["valkey"])
    return stores


def _reachable(redis_url: str) -> str:
    try:
        redis.Redis.from_url(redis_url, socket_connect_timeout=5).ping()
    except (redis.RedisError, ValueError) as error:
        raise UnableToStart(f"the server of REDIS_URL cannot be used: {error}") from error
    return redis_url


def _external_database() -> dict[str, str]:
    if "DATABASE_URL" not in os.environ:
        return {}
    if "DATABASE_OWNER_URL" not in os.environ:
        raise UnableToStart(
            "DATABASE_URL is set, but DATABASE_OWNER_URL is not. The application signs in as a role that owns nothing; "
            "set DATABASE_OWNER_URL to the role that owns the database and may migrate it."
        )
    app, owner = os.environ["DATABASE_URL"], os.environ["DATABASE_OWNER_URL"]
    try:
        with psycopg.connect(owner, autocommit=True, connect_timeout=5) as database:
            roles.grant(database, owner=_user(owner), app=_user(app))
    except psycopg.OperationalError as error:
        raise UnableToStart(f"the database of DATABASE_OWNER_URL cannot be used: {error}") from error
    except psycopg.ProgrammingError as error:
        # psycopg's own text would repeat the address, password included.
        raise UnableToStart("DATABASE_OWNER_URL is not an address PostgreSQL understands.") from error
    return {"DATABASE_URL": app, "DATABASE_OWNER_URL": owner}


def _user(url: str) -> str:
    return urlsplit(url).username or ""


def _embedded_database(supervisor: Supervisor, place: Places, port: int, kept: Secrets) -> dict[str, str]:
    cluster = postgres.prepare(place.data, password=kept.postgres_password, port=port)
    supervisor.start(postgres.service(cluster, place.log / "postgres.log"))
    app, owner = roles.create_database(
        cluster.url("postgres"), "kasperpay", app_password=kept.app_password, owner_password=kept.owner_password
    )
    return {"DATABASE_URL": app, "DATABASE_OWNER_URL": owner}


def _prepare_database(supervisor: Supervisor, place: Places, environment: Mapping[str, str]) -> None:
    done = place.data / "migrate.stamp"
    if migrations.are_applied(environment["DATABASE_OWNER_URL"], done):
        return
    with step("migrations"):
        supervisor.run(product.manage(place, environment, "migrate", "--database", "owner", "--noinput"))
    migrations.remember(done)


def _collect_static(supervisor: Supervisor, place: Places, environment: Mapping[str, str]) -> None:
    stamp, done = product.static_stamp(), place.data / "static.stamp"
    if done.exists() and done.read_text() == stamp:
        return
    with step("static files"):
        supervisor.run(product.manage(place, environment, "collectstatic", "--noinput", "--clear"))
    done.write_text(stamp)


def _fill_sandbox(supervisor: Supervisor, place: Places, environment: Mapping[str, str]) -> None:
    """Once per data folder: the demo writes DEMO_FILE when it is complete."""
    if place.demo.exists() or not any(ROOT.glob("*/management/commands/demo.py")):
        return
    with step("demo practices"):
        supervisor.run(product.manage(place, environment, "demo"))


def _turn_signals_into_interrupts() -> None:
    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


def choose_ports(place: Places, asked: Mapping[str, int], *, any_free: bool) -> dict[str, int]:
    """Ports for this start, kept for the next: the demo's practices remember the sandbox's addresses."""
    before = ports.recall(place.ports)
    chosen = ports.choose(asked, before, any_free=any_free)
    ports.remember(place.ports, chosen)
    moved = [name for name in KNOWN_TO_PRACTICES if before.get(name, chosen[name]) != chosen[name]]
    if moved and place.demo.exists():
        note(
            f"The address of {', '.join(moved)} is not what it was when the demo practices were connected; "
            "they still use the old one. Start with the old ports, or over with --reset."
        )
    return chosen


def forget(place: Places) -> None:
    """Delete everything under the data folder, and the cluster when it had to live elsewhere."""
    postgres.remove(place.data)
    place.empty()


def temporary_folder(path: str) -> Places:
    """A folder made by tempfile, opened so far that the database's own user can pass through."""
    Path(path).chmod(0o711)
    return Places(Path(path))
