"""The command line of bin/run."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ops.children import ROOT

SANDBOX_ORDER = ("control", "opendental", "stripe", "messaging", "smtp")


@dataclass(frozen=True)
class Options:
    data: Path
    # Ports that were named, by service; absent means "as last time, else the default".
    ports: dict[str, int]
    any_free: bool = False
    reset: bool = False
    yes: bool = False
    smoke: bool = False
    json: bool = False


def parse(arguments: Sequence[str]) -> Options:
    """Exits with argparse's message when the arguments make no sense."""
    given = _parser().parse_args(arguments)
    return Options(
        data=given.data.resolve(),
        ports=_ports(given),
        any_free=given.port == 0 or given.smoke,
        reset=given.reset,
        yes=given.yes,
        smoke=given.smoke,
        json=given.json,
    )


def _ports(given: argparse.Namespace) -> dict[str, int]:
    asked = {"web": given.port, "postgres": given.postgres_port, "valkey": given.valkey_port}
    if given.sandbox_port:
        asked |= {name: given.sandbox_port + offset for offset, name in enumerate(SANDBOX_ORDER)}
    return {name: port for name, port in asked.items() if port}


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65_530:
        raise ValueError
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bin/run",
        description="Run KasperPay: database, broker, web, workers, and a sandbox of the outside world.",
        epilog="DATABASE_URL with DATABASE_OWNER_URL, or REDIS_URL, in the environment replace the embedded servers.",
    )
    parser.add_argument(
        "--port", type=_port, metavar="N", help="port of the web pages (8000; 0 takes free ports for everything)"
    )
    parser.add_argument("--sandbox-port", type=_port, metavar="N", help="first of five ports of the sandbox (8001)")
    parser.add_argument(
        "--postgres-port", type=_port, metavar="N", help="port of the embedded PostgreSQL (8006 or a free one)"
    )
    parser.add_argument(
        "--valkey-port", type=_port, metavar="N", help="port of the embedded Valkey (8007 or a free one)"
    )
    parser.add_argument("--data", type=Path, default=ROOT / "var", metavar="DIR", help="where everything is kept (var)")
    parser.add_argument("--reset", action="store_true", help="delete that data first and start over")
    parser.add_argument("--yes", action="store_true", help="with --reset: do not ask")
    parser.add_argument("--smoke", action="store_true", help="start beside everything, walk the main job, stop, report")
    parser.add_argument(
        "--json", action="store_true", help="with --smoke: the report is one JSON object on the last line"
    )
    return parser
