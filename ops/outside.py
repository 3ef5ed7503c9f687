"""The sandbox's processes: a control page with the clock, Open Dental offices, Stripe, messaging."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ops.children import Service
from ops.places import Places
from ops.ports import answers_http

PAGES = {"opendental": "Open Dental", "stripe": "Stripe", "messaging": "Messages"}


@dataclass(frozen=True)
class Outside:
    """Addresses of the running sandbox."""

    control: str
    opendental: str
    stripe: str
    messaging: str


def addresses(ports: Mapping[str, int]) -> Outside:
    return Outside(**{name: f"http://127.0.0.1:{ports[name]}" for name in ("control", *PAGES)})


def services(places: Places, ports: Mapping[str, int], environment: Mapping[str, str]) -> list[Service]:
    """One process each, state in a folder of its own, all on the one clock."""
    where = addresses(ports)
    links = [part for name, title in PAGES.items() for part in ("--link", f"{title}={getattr(where, name)}")]
    extra = {"control": links, "messaging": ["--smtp-port", str(ports["smtp"])]}
    return [_service(name, places, ports[name], extra.get(name, []), environment) for name in ("control", *PAGES)]


def _service(name: str, places: Places, port: int, extra: list[str], environment: Mapping[str, str]) -> Service:
    state: Path = places.sandbox / name
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    command = [sys.executable, "-m", f"sandbox.{name}", "--port", str(port), "--state", str(state)]
    return Service(
        name=f"sandbox-{name}",
        command=[*command, "--clock", str(places.clock), *extra],
        environment=environment,
        log=places.log / f"sandbox-{name}.log",
        is_ready=answers_http(port, "/_sandbox/health"),
    )
