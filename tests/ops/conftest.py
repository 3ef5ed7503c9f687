"""A data folder that PostgreSQL's own user can reach, unlike pytest's closed ones."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ops import runs


@pytest.fixture
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="kasperpay-ops-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "var"


@pytest.fixture
def run(data: Path) -> Iterator[runs.Run]:
    """A started KasperPay; stopped afterwards, however the test left it."""
    started = runs.start(data)
    try:
        yield started.until_up()
    finally:
        if started.process.poll() is None:
            started.interrupt()
