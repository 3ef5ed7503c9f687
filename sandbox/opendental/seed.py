"""Invented families with work and plans in assorted states, the same for the same seed number."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sandbox.opendental.office import Office


def fill(office: Office, body: dict[str, Any], now: datetime) -> dict[str, Any]:
    """`patients` people from `seed`."""
    return {"patients": 0}
