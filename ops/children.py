"""One child process: never outlives the supervisor, writes to a log, is stopped by the signal that suits it."""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
PR_SET_PDEATHSIG = 1
LOG_LIMIT_BYTES = 5_000_000

# Loaded here, because a child that has become another user may not be able to read Python's own files.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Service:
    """How to start, recognize as ready, and stop one process."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    is_ready: Callable[[], bool]
    stop_signal: signal.Signals = signal.SIGTERM
    # Sent by the kernel when the supervisor is gone, however it went.
    orphan_signal: signal.Signals = signal.SIGKILL
    account: pwd.struct_passwd | None = None
    cwd: Path = ROOT
    patience_seconds: float = 60
    grace_seconds: float = 10
    # Stopped only after everything that uses it.
    is_store: bool = False


@dataclass
class Child:
    """A started service."""

    service: Service
    process: subprocess.Popen[bytes]
    started: float = field(default_factory=monotonic)

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    @property
    def exit_text(self) -> str:
        code = self.process.returncode
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def ask_to_stop(self) -> None:
        if self.is_alive:
            self.process.send_signal(self.service.stop_signal)

    def finish(self) -> None:
        """Wait for the asked stop, then end whatever is left of its process group."""
        try:
            self.process.wait(self.service.grace_seconds)
        except subprocess.TimeoutExpired:
            self._end_group()
            self.process.wait(5)
        self._end_group()

    def _end_group(self) -> None:
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def spawn(service: Service) -> Child:
    """Start it in a session of its own (Ctrl-C reaches only the supervisor), tied to this thread's life."""
    return Child(service, _popen(service))


def _popen(service: Service) -> subprocess.Popen[bytes]:
    account = service.account
    with _open_log(service.log) as log:
        return subprocess.Popen(
            list(service.command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd="/" if account else service.cwd,
            env=dict(service.environment),
            start_new_session=True,
            preexec_fn=_die_with(os.getpid(), service.orphan_signal),
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )


def _open_log(path: Path) -> IO[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def _die_with(parent: int, orphan_signal: signal.Signals) -> Callable[[], None]:
    number = int(orphan_signal)

    def in_child() -> None:
        # Runs after the user was dropped: the kernel forgets this wish when the user changes.
        if _LIBC is not None:
            _LIBC.prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os._exit(1)

    return in_child
