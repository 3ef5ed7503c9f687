"""Every measurement runs at its smallest size, stops by itself and prints its keys. Its numbers then mean nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from benchmarks.__main__ import names
from tests.outside import ROOT

KEYS = {
    "seed": {"rows", "seconds", "rows_per_second", "installments"},
    "sweep": {"limit_share", "floor_ratio", "naive_ratio", "cpu_ms_per_charge", "four_accounts"},
    "growth": {"buffers", "buffers_ratio", "time_ratio", "stored"},
    "sync": {"rows"},
    "webhooks": {"ratio", "accepted_per_second", "bare_per_second"},
    "pages": {"times", "queries", "worst_times", "most_queries"},
}


@pytest.mark.parametrize("name", KEYS)
def test_a_measurement_runs_at_its_smallest_size_and_ends_with_one_json_object(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", name, "--tiny", "--json"],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr[-2000:]
    [line] = done.stdout.strip().splitlines()
    said = json.loads(line)
    assert said["bench"] == name
    assert KEYS[name] <= said.keys()


def test_an_unknown_measurement_names_those_there_are() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "luck"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 2
    assert KEYS.keys() <= set(names())
    assert all(name in done.stderr for name in KEYS)
