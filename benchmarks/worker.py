"""The product's Celery app for workers that are measured, in front of an office that confirms every debt at once.

What a real office takes is its own (bin/bench sync, docs/performance.md); here only its stamp is written.
"""

from __future__ import annotations

from datetime import datetime

import django

django.setup()

from kasperpay.celery import app  # noqa: E402 - models need the set-up above
from payments import upward  # noqa: E402
from payments.models import DueCheck, DuePart  # noqa: E402

__all__ = ["app"]


def stamp(due_part_id: int, now: datetime) -> None:
    """What the real recheck writes at its end."""
    part = DuePart.objects.only("practice_id", "amount_cents").get(pk=due_part_id)
    facts = {"practice_id": part.practice_id, "checked_at": now, "owed_cents": part.amount_cents, "obstacle": ""}
    DueCheck.objects.update_or_create(due_part=part, defaults=facts)


upward.handlers.recheck = stamp
