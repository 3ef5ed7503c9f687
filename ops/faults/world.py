"""All processes of one run: stores, sandbox, web, workers and the beat; what starts, restarts and harms them."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from ops import outside, places, ports, postgres, product, roles, valkey
from ops.children import Child, spawn
from ops.console import UnableToStart, last_lines
from ops.faults import nursery
from ops.faults.clockwork import Clockwork
from ops.faults.nursery import Ended, Nursery
from ops.faults.points import Armory
from ops.outside import Outside
from ops.places import Places

_QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "INFO")
BEAT_SCALE = "0.2"
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Plants:
    """What a test plants: functions run in every product process before it works, SQL run by the database's owner."""

    functions: Sequence[str] = ()
    sql: Sequence[str] = ()


@dataclass
class World:
    """A running world. Main thread only, except where a method says otherwise."""

    place: Places
    chosen: Mapping[str, int]
    outside: Outside
    environment: Mapping[str, str]
    armory: Armory
    clock: Clockwork
    nursery: Nursery
    superuser_url: str
    workers: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    stores: dict[str, Child] = field(default_factory=dict)
    others: list[Child] = field(default_factory=list)
    # Names that are to be forked again, with the moment.
    _due: dict[str, float] = field(default_factory=dict)
    _errands: int = 0
    is_open: bool = False

    # Life

    def tend(self, pause: Callable[[], float]) -> list[Ended]:
        """Call it often: starts again what ended, after `pause` seconds; returns what ended."""
        ended = self.nursery.ended()
        for one in ended:
            if self.is_open and one.name in self.workers:
                self._due[one.name] = time.monotonic() + pause()
        for name, due in list(self._due.items()):
            if time.monotonic() >= due:
                del self._due[name]
                self.nursery.fork(name, *self.workers[name])
        return ended

    def open(self) -> None:
        """Start the product's processes; returns when the web answers."""
        self.is_open = True
        for name, job in self.workers.items():
            self.nursery.fork(name, *job)
        wait_for(ports.answers_http(self.chosen["web"], "/healthz"), "web", self.place.log / "web.log")

    def errand(self, function: str, *given: Any) -> Callable[[], Any]:
        """Have "module:function" done in a product process; call the result for its answer (None: not yet)."""
        self._errands += 1
        answer = self.place.data / f"errand-{self._errands}.json"
        name = f"errand.{self._errands}"
        self.nursery.fork(name, "errand", function, str(answer), *given)

        def look() -> Any:
            return json.loads(answer.read_text()) if answer.exists() else None

        return look

    def finish(self, *looks: Callable[[], Any]) -> list[Any]:
        """Wait for errands. Raises UnableToStart with the end of their log when one failed."""
        end = time.monotonic() + 180
        while True:
            found = [look() for look in looks]
            if None not in found:
                return found
            failed = [one for one in self.nursery.ended() if one.name.startswith("errand") and one.status]
            if failed or time.monotonic() > end:
                log = self.place.log / "errand.log"
                raise UnableToStart(f"An errand failed ({failed}).\n{last_lines(log, 40)}")
            time.sleep(0.02)

    def close(self) -> None:
        """Leave nothing behind."""
        self.is_open = False
        self.clock.close()
        self.nursery.close()
        for children in (self.others, list(self.stores.values())):
            for child in children:
                child.ask_to_stop()
            for child in children:
                child.finish()

    # Harm to the stores

    def restart(self, store: str, number: signal.Signals, *, empty: bool = False) -> None:
        """Stop a store with this signal, lose its data if wanted, start it, wait until it answers."""
        child = self.stores[store]
        child.process.send_signal(number)
        child.finish()
        if empty:
            shutil.rmtree(self.place.data / "valkey/appendonlydir", ignore_errors=True)
        self.stores[store] = spawn(child.service)
        while not child.service.is_ready():
            if not self.stores[store].is_alive:
                # The old server's last processes may still hold the port or the shared memory.
                time.sleep(0.1)
                self.stores[store] = spawn(child.service)
            time.sleep(0.02)

    def rows(self, sql: str, given: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Raw SQL as the superuser, who sees every practice. Any thread."""
        with psycopg.connect(self.superuser_url, autocommit=True, connect_timeout=5) as database:
            done = database.execute(sql.encode(), given)
            return done.fetchall() if done.description else []


def begin(place: Places, *, start_at: datetime, practices: int, plans: int, seed: int, plants: Plants) -> World:
    """Start and fill a world with its workers ready to be opened. Raises UnableToStart."""
    place.prepare()
    chosen = ports.choose({}, {}, any_free=True)
    ports.remember(place.ports, chosen)
    kept, where = places.load_secrets(place.data), outside.addresses(chosen)
    cluster = postgres.prepare(place.data, password=kept.postgres_password, port=chosen["postgres"])
    services = {
        "postgres": postgres.service(cluster, place.log / "postgres.log"),
        "valkey": valkey.service(
            place.data / "valkey", place.log / "valkey.log", port=chosen["valkey"], password=kept.valkey_password
        ),
    }
    stores = {name: spawn(service) for name, service in services.items()}
    app = {"REDIS_URL": valkey.url(chosen["valkey"], kept.valkey_password)}
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        app[name] = "postgres://unknown"
    environment = _environment(place, product.environment(place, kept, chosen, where, app), plants)
    armory, clock = Armory(place.data), Clockwork(place.clock, start_at)
    others = [spawn(service) for service in outside.services(place, chosen, environment)]
    _ready(stores.values())
    urls = roles.create_database(
        cluster.url("postgres"), "kasperpay", app_password=kept.app_password, owner_password=kept.owner_password
    )
    environment |= dict(zip(("DATABASE_URL", "DATABASE_OWNER_URL"), urls, strict=True))
    made = World(
        place, chosen, where, environment, armory, clock, nursery.start(place.log, environment),
        cluster.url("kasperpay"), _jobs(place, chosen), stores, others,
    )  # fmt: skip
    try:
        _fill(made, practices, plans, seed, plants)
    except BaseException:
        made.close()
        raise
    return made


def _environment(place: Places, environment: Mapping[str, str], plants: Plants) -> dict[str, str]:
    place.static.mkdir(exist_ok=True)
    return {
        **environment,
        "BEAT_SCALE": BEAT_SCALE,
        # Pages without collectstatic: the manifest costs a second and proves nothing here.
        "STATICFILES_STORAGE": "django.contrib.staticfiles.storage.StaticFilesStorage",
        # As the charge workers have it; here all are forked from one process.
        "PREPARE_STATEMENTS": "true",
        "FAULTS_FOLDER": str(place.data),
        "FAULTS_PLANT": json.dumps(list(plants.functions)),
    }


def _jobs(place: Places, chosen: Mapping[str, int]) -> dict[str, tuple[Any, ...]]:
    """Name → job and arguments of each product process."""

    def worker(queue: str, number: int, threads: int) -> tuple[Any, ...]:
        size = ("-P", "threads", "-c", str(threads))
        return ("celery", "worker", "-Q", queue, *size, "-n", f"{queue}{number}@%h", *_QUIET)

    beat = ("celery", "beat", "-s", str(place.data / "beat-schedule"), "--pidfile=", "-l", "INFO")
    return {
        "web": ("web", str(chosen["web"])),
        "charges-1": worker("charges", 1, 6),
        "charges-2": worker("charges", 2, 6),
        "default-1": worker("default", 1, 4),
        "default-2": worker("default", 2, 4),
        "beat": beat,
    }


def _fill(made: World, practices: int, plans: int, seed: int, plants: Plants) -> None:
    _ready(made.others)
    made.nursery.wait_until_ready()
    made.finish(made.errand("ops.faults.founding:migrate"))
    for statement in plants.sql:
        made.rows(statement)
    # The web is needed for the processor's webhooks only.
    found = [
        made.errand("ops.faults.founding:found", place, _share(plans, practices, place), seed)
        for place in range(practices)
    ]
    made.finish(*found)


def _share(plans: int, practices: int, place: int) -> int:
    return plans // practices + (place < plans % practices)


def _ready(children: Any) -> None:
    for child in children:
        wait_for(child.service.is_ready, child.service.name, child.service.log)


def wait_for(is_ready: Callable[[], bool], name: str, log: Path) -> None:
    """Raises UnableToStart with the end of the log."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while not is_ready():
        if time.monotonic() > end:
            raise UnableToStart(f"{name} did not answer in time.\n{last_lines(log)}")
        time.sleep(0.02)
