"""Open Dental's own payment plan numbers hold at the sandbox office. PAYPLAN_VECTORS may name another file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.contracts import opendental_vectors

STORED = Path(__file__).parent / "data" / "payplan_vectors.json"
VECTORS = json.loads(Path(os.environ.get("PAYPLAN_VECTORS") or STORED).read_text())["vectors"]


@pytest.mark.parametrize("vector", VECTORS, ids=[str(vector["id"]) for vector in VECTORS])
def test_the_office_gives_the_numbers_of(vector: dict[str, Any]) -> None:
    opendental_vectors.run(vector)


@pytest.mark.parametrize(("name", "value"), [("mode", "sideways"), ("plan_kind", "perpetual")])
def test_an_unknown_vector_fails_loudly(name: str, value: str) -> None:
    with pytest.raises(AssertionError, match=f"unknown .*{value}"):
        opendental_vectors.run({**VECTORS[0], name: value})


def test_an_expectation_nobody_looks_at_fails_loudly() -> None:
    with pytest.raises(AssertionError, match="nobody looks at 'color'"):
        opendental_vectors.run({**VECTORS[0], "expected": {"color": "yellow"}})
