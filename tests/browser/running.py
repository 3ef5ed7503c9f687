"""Starts the whole stack as one process in a folder of its own, and knows where each part of it answers."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psycopg

from ops.children import ROOT
from ops.places import load_secrets
from ops.postgres import SUPERUSER
from tests.ops import runs

if TYPE_CHECKING:
    from typing import LiteralString

# The timetable runs ten times as often, so that nobody waits for it.
BEAT_SCALE = "0.1"
# A second start of the same folder is quick, the first one migrates and fills the demo; a busy machine takes longer.
PATIENCE_SECONDS = 180
PARTS = ("web", "control", "opendental", "stripe", "messaging")


@dataclass(frozen=True)
class Stack:
    """A running KasperPay; `http` talks to the sandbox's control APIs."""

    process: subprocess.Popen[bytes]
    http: httpx.Client
    data: Path
    urls: dict[str, str]
    sign_ins: dict[str, str]

    def stop(self) -> None:
        """Ctrl-C, then wait for the last process."""
        self.http.close()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)

    def ask(self, method: str, url: str, **how: Any) -> Any:
        """JSON of an answer that must be a good one."""
        answer = self.http.request(method, url, **how)
        assert answer.is_success, f"{method} {url} answered {answer.status_code}: {answer.text[:300]}"
        return answer.json()

    def now(self) -> datetime:
        """Business time, UTC."""
        return datetime.fromisoformat(self.ask("GET", f"{self.urls['control']}/clock")["now"])

    def as_superuser(self, statement: LiteralString, *values: object) -> int:
        """Change rows behind the product's back; how many."""
        port = json.loads((self.data / "ports.json").read_text())["postgres"]
        secret = load_secrets(self.data).postgres_password
        with psycopg.connect(
            host="127.0.0.1", port=port, user=SUPERUSER, password=secret, dbname="kasperpay"
        ) as database:
            return database.execute(statement, values).rowcount

    def set_clock(self, **wish: Any) -> None:
        self.ask("POST", f"{self.urls['control']}/clock", json=wish)


def start(folder: Path) -> Stack:
    """Returns once pages answer and the workers are on their way. Raises AssertionError with what the start said."""
    folder.chmod(0o711)
    data, said = folder / "var", folder / "said"
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "ops.up", "--port", "0", "--data", str(data)],
            cwd=ROOT,
            env={**runs.clean_environment(), "BEAT_SCALE": BEAT_SCALE},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    up = runs.within(PATIENCE_SECONDS, lambda: process.poll() is not None or "Logs and data" in said.read_text())
    if not up or process.poll() is not None:
        process.send_signal(signal.SIGINT)
        raise AssertionError(f"the stack did not start:\n{said.read_text()}")
    ports = json.loads((data / "ports.json").read_text())
    found = json.loads((data / "demo.json").read_text())["sign_ins"]
    return Stack(
        process,
        httpx.Client(trust_env=False, timeout=30),
        data,
        {part: f"http://127.0.0.1:{ports[part]}" for part in PARTS},
        {row["email"].split("@")[0]: row["password"] for row in found},
    )
