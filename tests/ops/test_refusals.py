"""What stands in the way of a start is said in words: Python, disk, folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import namedtuple
from pathlib import Path

import pytest

from ops import postgres
from ops.children import ROOT
from ops.console import UnableToStart
from ops.places import Places, hold_lock
from ops.stack import forget

TOOLS = ("sh", "dirname", "sha256sum", "cut", "cat", "tr", "rm", "id", "awk")


def _bare_machine(folder: Path, *, python_version: str | None) -> subprocess.CompletedProcess[str]:
    """bin/run in a copy without .venv, on a PATH with the base tools and at most one fake Python."""
    for part in ("bin/run", "ops/setup.sh", "requirements/embedded.txt"):
        (folder / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / part, folder / part)
    path = folder / "path"
    path.mkdir()
    for tool in TOOLS:
        (path / tool).symlink_to(shutil.which(tool) or tool)
    if python_version:
        python = path / "python3"
        python.write_text(f'#!/bin/sh\ncase "$2" in *exit*) exit 1 ;; *) echo {python_version} ;; esac\n')
        python.chmod(0o755)
    command = [str(folder / "bin/run")]
    return subprocess.run(command, env={"PATH": str(path)}, capture_output=True, text=True, check=False, timeout=20)


def test_a_too_old_python_is_named_with_its_version_and_what_to_do(tmp_path: Path) -> None:
    done = _bare_machine(tmp_path, python_version="3.9.2")

    assert done.returncode == 1
    assert f"it needs Python 3.11 or newer. {tmp_path}/path/python3 is Python 3.9.2;" in done.stderr
    assert "PYTHON=/path/to/python3.11 bin/run" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_machine_without_python_is_told_what_to_install(tmp_path: Path) -> None:
    done = _bare_machine(tmp_path, python_version=None)

    assert done.returncode == 1
    assert "no Python was found" in done.stderr
    assert "apt-get install -y python3 python3-venv" in done.stderr


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UnableToStart, match=r"file/var cannot be written to: Not a directory"):
        Places(tmp_path / "file/var").prepare()


def test_a_nearly_full_disk_is_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 (the shape shutil returns)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10, 10, 12_000_000))

    with pytest.raises(UnableToStart, match=r"nearly full: 12 MB free, 300 MB needed"):
        Places(tmp_path / "var").prepare()


def test_starting_over_deletes_everything_but_the_lock_that_is_held(tmp_path: Path) -> None:
    place = Places(tmp_path / "var")
    place.prepare()
    (place.data / "secrets.json").write_text("{}")

    with hold_lock(place.data):
        forget(place)

    assert [path.name for path in place.data.iterdir()] == ["lock"]


def test_a_folder_closed_to_postgres_own_user_sends_the_cluster_elsewhere(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    account = postgres.server_account()

    home = postgres.home(closed, account)

    if os.geteuid() == 0:
        assert home.parent.parent == postgres.SHARED
        assert not home.exists()
    else:
        assert (account, home) == (None, closed / "postgres")
