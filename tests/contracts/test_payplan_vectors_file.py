"""PAYPLAN_VECTORS names another file of vectors; what cannot be read there fails loudly, and alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

from tests.contracts.vectors import STORED

ROOT = Path(__file__).resolve().parents[2]
TESTS = "tests/contracts/test_payplan_vectors.py"


def run_with(vectors: list[dict[str, Any]], derived: list[dict[str, Any]], folder: Path) -> str:
    """What pytest says about these vectors, one line each, in a process of its own (no database is needed)."""
    path = folder / "vectors.json"
    path.write_text(json.dumps({"vectors": vectors, "derived": derived}))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", TESTS, "--noconftest", "-q", "-rA", "--tb=line", "-p", "no:cacheprovider",
         "-p", "no:django", "-o", "addopts=", "-W", "ignore::pytest.PytestConfigWarning"],
        cwd=ROOT, env={**os.environ, "PAYPLAN_VECTORS": str(path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout


def test_each_unreadable_vector_of_another_file_fails_alone(tmp_path: Path) -> None:
    good = json.loads(STORED.read_text())["vectors"][0]
    spoiled: dict[str, dict[str, Any]] = {
        "mode": {"mode": "guesswork"},
        "kind": {"plan_kind": "lease"},
        "key": {"expected": {"luck": 7}},
    }
    bad = [{**deepcopy(good), "id": f"bad-{name}", **change} for name, change in spoiled.items()]
    wrong = {**deepcopy(good), "id": "bad-cent"}
    wrong["expected"]["projected"][-1]["interest"] = 0.27
    said = run_with([good, *bad, wrong], [{"id": "der-99-new"}], tmp_path)
    assert "PASSED tests/contracts/test_payplan_vectors.py::test_vector_holds[dyn-01-baseline-12pct]" in said
    assert "5 failed, 1 passed" in said
    for words in ("unknown mode 'guesswork'", "unknown plan kind 'lease'", "the expectation 'luck'", "'der-99-new'"):
        assert words in said
