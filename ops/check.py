"""bin/check: every check that needs no service, one line each with its seconds; all run, one failure fails all."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from ops import compatible, hygiene, product, sizes
from ops.children import ROOT
from ops.console import say
from ops.places import Secrets

BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Check:
    """`look` returns (passed, what to read when it did not)."""

    name: str
    look: Callable[[], tuple[bool, str]]


def main() -> int:
    """0 when every check passed."""
    files = tracked_files()
    failed = [check.name for check in checks(files) if not _report(check)]
    say(f"\nFailed: {', '.join(failed)}" if failed else "\nAll checks passed.")
    return 1 if failed else 0


def checks(files: list[str]) -> list[Check]:
    """In the order of how soon they tell something."""
    python_files = [name for name in files if name.endswith(".py")]
    templates = [name for name in files if name.startswith("templates/") and name.endswith((".html", ".txt"))]
    return [
        _command("ruff check", str(BIN / "ruff"), "check", "--no-fix", "."),
        _command("ruff format", str(BIN / "ruff"), "format", "--check", "."),
        Check("sizes", lambda: _lines(sizes.violations(ROOT, python_files))),
        Check("no index address, no card", lambda: _lines(hygiene.violations(ROOT, files))),
        _command("import contracts", str(BIN / "lint-imports"), "--no-cache"),
        _command("templates compile", sys.executable, "-m", "ops.templates", "templates"),
        _command("templates are tidy", str(BIN / "djade"), "--check", "--target-version", "5.2", *templates),
        _manage("system checks", "check", "--fail-level", "WARNING"),
        _manage("migrations are complete", "makemigrations", "--check", "--dry-run"),
        Check("migrations suit the last release", lambda: _lines(compatible.violations(ROOT, files))),
        _command("mypy --strict", sys.executable, "-m", "mypy", *packages(python_files)),
    ]


def tracked_files() -> list[str]:
    """What git has and what it would add; deleted files are left out."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted(name for name in set(listed.split("\0")) if name and (ROOT / name).is_file())


def packages(python_files: list[str]) -> list[str]:
    """Top-level packages and modules that hold Python."""
    return sorted({name.split("/")[0] for name in python_files})


def _command(name: str, *command: str) -> Check:
    return Check(name, lambda: _passes(command))


def _manage(name: str, *arguments: str) -> Check:
    # A database that is not there makes Django warn; these two commands do not need it.
    return _command(name, sys.executable, "-W", "ignore::RuntimeWarning", "manage.py", *arguments)


def _passes(command: tuple[str, ...]) -> tuple[bool, str]:
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env=_environment(),
    )
    return done.returncode == 0, done.stdout


def _lines(found: list[str]) -> tuple[bool, str]:
    return not found, "\n".join(found)


def _environment() -> dict[str, str]:
    """Settings load, but nothing is reachable: no check may depend on a running service."""
    made = Secrets.fresh()
    return {
        **product.clean_environment(),
        "DJANGO_SETTINGS_MODULE": "kasperpay.settings",
        "SECRET_KEY": made.secret_key,
        "EMAIL_URL": "memorymail://",
        "FIELD_KEYS": made.field_keys,
        "DATABASE_URL": "postgres://kasperpay_app@127.0.0.1:9/none",
        "DATABASE_OWNER_URL": "postgres://kasperpay_owner@127.0.0.1:9/none",
        "REDIS_URL": "redis://127.0.0.1:9/0",
        "STATIC_ROOT": os.path.join(tempfile.gettempdir(), "kasperpay-no-static"),
    }


def _report(check: Check) -> bool:
    began = monotonic()
    passed, text = check.look()
    say(f"{'ok  ' if passed else 'FAIL'}  {check.name:<34}{monotonic() - began:6.1f} s")
    if not passed:
        say("\n".join(f"      {line}" for line in text.strip().splitlines()))
    return passed


if __name__ == "__main__":
    sys.exit(main())
