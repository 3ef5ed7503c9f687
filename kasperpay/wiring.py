"""What must run upward through the layers is registered here, and only here (decisions 2)."""

from __future__ import annotations


def connect() -> None:
    """Give the lower apps the functions of higher ones that they call."""
