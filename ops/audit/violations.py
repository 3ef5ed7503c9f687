"""What the auditor finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Violation:
    """`check` is the name of the check; `text` a sentence with ids and cents, never a patient's name or number."""

    check: str
    text: str

    def __str__(self) -> str:
        return f"{self.check}: {self.text}"
