"""Charge what is due, now and here: manage.py sweep [--practice SLUG] [--json]."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from payments import sweep
from payments.tasks import autopay_one
from practices.models import Practice
from practices.passes import PassCommand


class Command(PassCommand):
    help = "Charge every installment whose try has come, one after the other, and say how each ended."

    def one_pass(self, practice: Practice, now: datetime) -> Mapping[str, Any]:
        ended: Counter[str] = Counter()
        sweep.sweep(
            now=now,
            hand_over=lambda due_part_id: ended.update([autopay_one(practice_id=practice.pk, due_part_id=due_part_id)]),
        )
        return {"due": ended.total(), **ended}
