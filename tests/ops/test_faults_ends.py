"""bin/faults as a real process: however it ends, nothing of it goes on running."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ops.children import ROOT
from tests.ops import runs


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_fault_run_that_is_ended_leaves_no_process(data: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "ops.faults", "--seed", "1", "--seconds", "300", "--plans", "4"]
    process = subprocess.Popen(
        [*command, "--keep", str(data)], cwd=ROOT, env=runs.clean_environment(), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    log = data / "faults.jsonl"
    assert runs.within(180, lambda: process.poll() is not None or log.exists() and '"step"' in log.read_text())
    below = runs.descendants(process.pid)

    process.send_signal(number)
    said = process.communicate(timeout=60)[0]

    assert process.returncode != 0, said
    # Stores, sandbox, the process that forks workers, and what it forked.
    assert len(below) >= 14
    assert runs.within(30, lambda: not runs.left_of(below)), runs.left_of(below)
