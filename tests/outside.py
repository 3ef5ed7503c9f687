"""Starts sandbox processes on free loopback ports for tests, and stops them."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Outside:
    """One running sandbox process; `http` talks to it (never through a proxy)."""

    url: str
    port: int
    process: subprocess.Popen[bytes]
    http: httpx.Client

    def fault(self, match: str, kind: str, *, times: int = 1, seconds: float = 0.0) -> None:
        """Spoil the next `times` requests matching "METHOD /path" (shell pattern)."""
        wish = {"match": match, "kind": kind, "times": times, "seconds": seconds}
        self.http.post("/_sandbox/faults", json=wish).raise_for_status()

    def stop(self) -> None:
        self.http.close()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(module: str, state: Path, *extra: str, clock: Path | None = None) -> Outside:
    """Run `python -m module --port … --state … --clock …` and wait until it answers GET /_sandbox/health."""
    port = free_port()
    arguments = ["--port", str(port), "--state", str(state), "--clock", str(clock or state / "clock.json"), *extra]
    process = subprocess.Popen([sys.executable, "-m", module, *arguments], cwd=ROOT)
    http = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30)
    outside = Outside(f"http://127.0.0.1:{port}", port, process, http)
    for _ in range(200):
        if process.poll() is not None:
            raise RuntimeError(f"{module} stopped with code {process.returncode}")
        try:
            http.get("/_sandbox/health").raise_for_status()
            return outside
        except httpx.TransportError:
            time.sleep(0.05)
    outside.stop()
    raise RuntimeError(f"{module} did not answer on port {port}")
