"""A practice on Tuesday March 10 2026, looked at for leaks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache

from leakage.models import Leak
from leakage.refresh import Looked, refresh
from practices import rounds
from practices.models import Practice
from tests.staff.conftest import admin, auditor, desk, sign_in, tuesday

__all__ = ["admin", "auditor", "desk", "sign_in", "tuesday"]
Look = Callable[..., Looked]


@pytest.fixture
def look(practice: Practice, now: datetime) -> Look:
    """look() or look(at=...): one look at the practice."""
    return lambda at=now: refresh(practice.pk, at)


@pytest.fixture(autouse=True)
def woken(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> list[int]:
    """For which practices a page ordered a look."""
    settings.STATIC_ROOT = tmp_path
    cache.clear()
    calls: list[int] = []
    monkeypatch.setattr(rounds, "wake", lambda _task, practice_id: calls.append(practice_id))
    return calls


def told(leak: Leak) -> tuple[str, int]:
    return leak.cause, leak.amount_cents
