"""Debian's Chromium for the browser tests: found, or installed when root."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from ops.console import last_lines, note

NAMES = ("chromium", "chromium-browser", "google-chrome")
PACKAGES = ("chromium", "fonts-dejavu-core")


def find_or_install(log: Path) -> str | None:
    """Path of a Chromium; None when there is none and it cannot be installed, which is said on stderr."""
    return _find() or (_install(log) if os.geteuid() == 0 and shutil.which("apt-get") else None)


def _find() -> str | None:
    named = os.environ.get("CHROMIUM")
    return next((path for name in (named, *NAMES) if name and (path := shutil.which(name))), None)


def _install(log: Path) -> str | None:
    note("Installing Chromium for the browser tests ...")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with log.open("ab") as output:
        for arguments in (("update",), ("install", "-y", "--no-install-recommends", *PACKAGES)):
            done = subprocess.run(
                ["apt-get", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
                env=environment,
            )
    if done.returncode:
        note(f"Chromium could not be installed:\n{last_lines(log)}")
    return _find()
