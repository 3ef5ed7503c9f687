"""One id of a charge, from the sweep to the ledger and the phone: bound to the running code, in every log line."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


def current() -> str:
    """The id of the charge that is being worked on; '' outside of one."""
    return str(structlog.contextvars.get_contextvars().get("trace", ""))


def new() -> str:
    """A fresh id, 32 characters."""
    return uuid.uuid4().hex


@contextmanager
def bound(trace: str, **ids: object) -> Iterator[None]:
    """Put this id and these ids into every log line of the block. Ids only: never a name, a number, an address."""
    with structlog.contextvars.bound_contextvars(trace=trace or current(), **ids):
        yield
