"""The product's Celery app for workers that are measured, in front of an office that confirms every debt at once.

What a real office takes is its own matter (bin/bench sync); here only the stamp of its answer is written.
BENCH_LIMIT sets the pace of an account, calls a second.
"""

from __future__ import annotations

import os
from datetime import datetime

import django

django.setup()

from kasperpay.celery import app  # noqa: E402 - models need the set-up above
from payments import upward  # noqa: E402
from payments.models import DueCheck, DuePart  # noqa: E402
from processors import limits  # noqa: E402

__all__ = ["app"]


def stamp(due_part_id: int, now: datetime) -> None:
    """What the real recheck writes at its end."""
    part = DuePart.objects.only("practice_id", "amount_cents").get(pk=due_part_id)
    DueCheck.stamp(part, owed_cents=part.amount_cents, obstacle="", now=now)


upward.handlers.recheck = stamp
limits.CALLS_PER_SECOND = int(os.environ.get("BENCH_LIMIT", limits.CALLS_PER_SECOND))
