"""A data folder that PostgreSQL may reach; a practice with its world around it; a database to restore into."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import environ
import pytest
from django.core.management import call_command
from django.db import connections

from kasperpay.beat import broker
from ops import backup, testdb
from tests import outside
from tests.notifications.conftest import account, carrier, carrier_process
from tests.opendental.conftest import desk, open_desk, opendental_sandbox
from tests.opendental.desk import Desk
from tests.ops import runs
from tests.ops.town import Town
from tests.outside import Outside
from tests.plugins.stripe import Shop

# The office's and the carrier's fixtures, for the tests that need a whole town.
__all__ = ["account", "carrier", "carrier_process", "desk", "open_desk", "opendental_sandbox"]


@pytest.fixture
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="kasperpay-ops-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "var"


@pytest.fixture
def run(data: Path) -> Iterator[runs.Run]:
    """A started KasperPay; stopped afterwards, however the test left it."""
    started = runs.start(data)
    try:
        yield started.until_up()
    finally:
        if started.process.poll() is None:
            started.interrupt()


@pytest.fixture
def town(desk: Desk, shop: Shop, opendental_sandbox: tuple[Outside, Path], monkeypatch: pytest.MonkeyPatch) -> Town:
    """The practice between its office and its processor; the product reads the clock that the office runs on."""
    monkeypatch.setenv("CLOCK_FILE", str(opendental_sandbox[1]))
    broker().flushdb()
    return Town(desk, shop)


@pytest.fixture(scope="session")
def stripe_process(
    tmp_path_factory: pytest.TempPathFactory, opendental_sandbox: tuple[Outside, Path]
) -> Iterator[Outside]:
    """In a town the processor dates by the same clock as the office."""
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
    running = outside.start("sandbox.stripe", tmp_path_factory.mktemp("town-stripe"), clock=opendental_sandbox[1])
    yield running
    running.stop()


@pytest.fixture
def elsewhere(django_db_setup: None) -> Iterator[str]:
    """A second database, to restore into; its owner's address."""
    name = f"test_restored_{os.getpid()}"
    _app, owner = testdb.create(os.environ["DATABASE_SUPERUSER_URL"], name)
    yield owner
    testdb.drop(os.environ["DATABASE_SUPERUSER_URL"], name)


@pytest.fixture
def lose_everything_since(town: Town, elsewhere: str, tmp_path: Path) -> Iterator[Callable[[], Callable[[], None]]]:
    """Call it to make the backup; call what it returns to go on with the restored database in place of this one."""
    before = connections["default"].settings_dict["NAME"]
    file = tmp_path / "kasperpay.dump"

    def back_up() -> Callable[[], None]:
        backup.dump(owner_url(), file)
        return lambda: restore(file)

    def restore(file: Path) -> None:
        since = backup.load(file, elsewhere, str(connections["default"].settings_dict["USER"]))
        _use(environ.Env.db_url_config(elsewhere)["NAME"])
        call_command("restored", since=since, practice=None, json=False)

    yield back_up
    _use(before)


def owner_url() -> str:
    return "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**connections["owner"].settings_dict)


def _use(name: str) -> None:
    for alias in ("default", "owner"):
        connections[alias].close()
        connections[alias].settings_dict["NAME"] = name
