"""What the person at the terminal sees: progress lines, and the one error whose text is meant for them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic


class UnableToStart(Exception):  # noqa: N818 (house style: errors read as sentences)
    """Something the person can mend; the text says what and how."""


def say(text: str) -> None:
    """One line on stdout. A reader that went away (`| head`) must not keep the stop path from running."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def note(text: str) -> None:
    """One line on stderr, so that --json leaves stdout to the answer."""
    try:
        print(text, file=sys.stderr, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


@contextmanager
def step(name: str) -> Iterator[None]:
    """Name a step and say how long it took once it is done."""
    began = monotonic()
    yield
    note(f"  {name:<28}{monotonic() - began:5.1f} s")


def last_lines(log: Path, count: int = 15) -> str:
    """The end of a log, indented; empty when there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16_384))
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(f"    {line}" for line in lines[-count:])
