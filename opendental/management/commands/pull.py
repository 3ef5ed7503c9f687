"""Read what changed in Open Dental, now and here: manage.py pull [--practice SLUG] [--json]."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from opendental.models import Connection
from opendental.pull import pull
from practices.models import Practice
from practices.passes import PassCommand


class Command(PassCommand):
    help = "One cycle of the sync: patients and payment plans that changed in Open Dental."

    def one_pass(self, practice: Practice, now: datetime) -> Mapping[str, Any]:
        if not Connection.objects.exists():
            return {"problem": "Open Dental is not connected"}
        result = pull(practice.pk, now)
        seen = {"calls": result.calls, "changed": result.changed, "problems": result.problems}
        if result.skipped:
            return {**seen, "skipped": "another worker is at it"}
        return {**seen, "seconds": result.seconds, **({"problem": result.problem} if result.problem else {})}
