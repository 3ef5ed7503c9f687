"""The data folder: what lies where in it, its lock, its secrets, and plain words when it cannot be used."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ops.console import UnableToStart

# An empty start writes about 90 MB; below this the database would stop in the middle of it.
LEAST_FREE_BYTES = 300_000_000
LOCK = "lock"


@dataclass(frozen=True)
class Places:
    """Paths under the data folder."""

    data: Path

    @property
    def log(self) -> Path:
        return self.data / "log"

    @property
    def sandbox(self) -> Path:
        return self.data / "sandbox"

    @property
    def static(self) -> Path:
        return self.data / "static"

    @property
    def clock(self) -> Path:
        return self.data / "clock.json"

    @property
    def demo(self) -> Path:
        return self.data / "demo.json"

    @property
    def ports(self) -> Path:
        return self.data / "ports.json"

    def prepare(self) -> None:
        """Make the folder. Raises UnableToStart when it cannot be written to or the disk is nearly full."""
        try:
            # 0711: the database's own user passes through, but cannot list.
            self.data.mkdir(parents=True, exist_ok=True, mode=0o711)
            for folder in (self.log, self.sandbox):
                folder.mkdir(exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=self.data) as probe:
                probe.write(b"x")
        except OSError as error:
            raise UnableToStart(
                f"{self.data} cannot be written to: {error.strerror}. Choose another with --data."
            ) from error
        free = shutil.disk_usage(self.data).free
        if free < LEAST_FREE_BYTES:
            raise UnableToStart(
                f"the disk of {self.data} is nearly full: {free // 1_000_000} MB free, "
                f"{LEAST_FREE_BYTES // 1_000_000} MB needed. Make room or choose another with --data."
            )

    def empty(self) -> None:
        """Delete everything in the folder but the lock that is being held."""
        for entry in self.data.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry.name != LOCK:
                entry.unlink()


def hold_lock(data: Path) -> IO[str]:
    """Keep the returned file open while running. Raises UnableToStart when another start holds it."""
    file = (data / LOCK).open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        owner = file.read().strip() or "another process"
        file.close()
        raise UnableToStart(
            f"KasperPay is already running on {data} ({owner}). Stop it with Ctrl-C in its terminal, "
            "or start a second one beside it: bin/run --data OTHER_FOLDER --port 0"
        ) from None
    file.truncate(0)
    file.write(f"process {os.getpid()}")
    file.flush()
    return file


@dataclass(frozen=True)
class Secrets:
    """Made once per data folder, so that sessions and encrypted fields survive restarts."""

    postgres_password: str
    owner_password: str
    app_password: str
    valkey_password: str
    secret_key: str
    field_keys: str

    @classmethod
    def fresh(cls) -> Secrets:
        return cls(
            postgres_password=secrets.token_urlsafe(24),
            owner_password=secrets.token_urlsafe(24),
            app_password=secrets.token_urlsafe(24),
            valkey_password=secrets.token_urlsafe(24),
            secret_key=secrets.token_urlsafe(50),
            # The form of a Fernet key: 32 random bytes in URL-safe base64.
            field_keys=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        )


def load_secrets(data: Path) -> Secrets:
    """The folder's secrets (secrets.json, mode 0600), made at its first start."""
    path = data / "secrets.json"
    if path.exists():
        return Secrets(**json.loads(path.read_text()))
    made = Secrets.fresh()
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(vars(made), file)
    draft.replace(path)
    return made
