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
from ops.testrun import SPREAD, pytest_arguments
from tests.ops import runs

TOOLS = ("sh", "dirname", "sha256sum", "cut", "cat", "tr", "rm", "awk", "touch")

# A Python that answers only what bin/run asks of it, before there is a .venv.
OLD = 'case "$2" in *exit*) exit 1 ;; *) echo 3.9.2 ;; esac'
WITHOUT_VENV = 'case "$2" in *exit*) ;; *ensurepip*) [ -e "$0.venv" ] ;; *print*) echo 3.11 ;; *) exit 9 ;; esac'


def _bare_machine(folder: Path, **commands: str) -> subprocess.CompletedProcess[str]:
    """bin/run in a copy without .venv, on a PATH with the base tools and the given shell commands only."""
    for part in ("bin/run", "ops/setup.sh", "requirements/embedded.txt"):
        (folder / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / part, folder / part)
    path = folder / "path"
    path.mkdir()
    for tool in TOOLS:
        (path / tool).symlink_to(shutil.which(tool) or tool)
    for name, script in commands.items():
        (path / name.replace("_", "-")).write_text(f"#!/bin/sh\n{script}\n")
        (path / name.replace("_", "-")).chmod(0o755)
    command = [str(folder / "bin/run")]
    return subprocess.run(command, env={"PATH": str(path)}, capture_output=True, text=True, check=False, timeout=20)


def test_a_too_old_python_is_named_with_its_version_and_what_to_do(tmp_path: Path) -> None:
    done = _bare_machine(tmp_path, python3=OLD)

    assert done.returncode == 1
    assert f"it needs Python 3.11 or newer. {tmp_path}/path/python3 is Python 3.9.2;" in done.stderr
    assert "PYTHON=/path/to/python3.11 bin/run" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_machine_without_python_is_told_what_to_install(tmp_path: Path) -> None:
    done = _bare_machine(tmp_path)

    assert done.returncode == 1
    assert "no Python was found" in done.stderr
    assert "apt-get install -y python3 python3-venv" in done.stderr


def test_without_the_venv_module_a_plain_user_is_told_the_one_command(tmp_path: Path) -> None:
    apt = f"echo $* >> {tmp_path}/apt"

    done = _bare_machine(tmp_path, python3=WITHOUT_VENV, id="echo 1000", apt_get=apt)

    assert done.returncode == 1
    assert done.stderr.endswith("sudo apt-get install -y python3.11-venv\n")
    assert not (tmp_path / "apt").exists()


def test_without_the_venv_module_root_gets_it_installed(tmp_path: Path) -> None:
    apt = f"echo $* >> {tmp_path}/apt; case $1 in install) touch {tmp_path}/path/python3.venv ;; esac"

    done = _bare_machine(tmp_path, python3=WITHOUT_VENV, id="echo 0", apt_get=apt)

    assert (tmp_path / "apt").read_text().splitlines() == [
        "update -qq",
        "install -y -qq --no-install-recommends python3.11-venv",
    ]
    # The fake Python then refuses to make a .venv, so the start ends here, past the refusal.
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "Installing python3.11-venv (Python's venv module is missing) ...",
        f"KasperPay cannot start: {tmp_path}/path/python3 could not make {tmp_path}/.venv.",
    ]


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UnableToStart, match=r"file/var cannot be written to: Not a directory"):
        Places(tmp_path / "file/var").prepare()


def test_resetting_leaves_a_database_of_ones_own_alone(data: Path) -> None:
    said = runs.refusal(data, "--reset", "--yes", DATABASE_URL="postgres://me@127.0.0.1:9/mine")

    assert "Empty the database of DATABASE_URL yourself." in said
    assert (data / "demo.json").exists()


@pytest.mark.parametrize(
    ("given", "browser", "in_ci", "expected"),
    [
        ([], "/usr/bin/chromium", False, SPREAD),
        (["-n0", "-k", "x"], "/usr/bin/chromium", False, ["-n0", "-k", "x"]),
        (["--color=no"], None, False, [*SPREAD, "-m", "not browser", "--color=no"]),
        (["-m", "browser"], None, False, [*SPREAD, "-m", "browser"]),
        ([], None, True, SPREAD),
    ],
)
def test_browser_tests_are_left_out_only_without_a_browser_and_never_in_ci(
    given: list[str], browser: str | None, in_ci: bool, expected: list[str]
) -> None:
    assert pytest_arguments(given, browser=browser, in_ci=in_ci) == expected


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
