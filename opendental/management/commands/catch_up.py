"""What will run once office and processor answer again: manage.py catch_up [--practice SLUG] [--json]."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.money import format_cents
from opendental import after
from payments.catch_up import Step
from practices.models import Practice
from practices.passes import PassCommand


class Command(PassCommand):
    help = "Show the plan after an outage: postings, charges and texts, in which order and from when to when."

    def one_pass(self, practice: Practice, now: datetime) -> Mapping[str, Any]:
        found = after.of(practice, now)
        plan = found["plan"]
        return {
            "office_away_since": found["away"] and found["away"].away_since,
            "processor_away_since": found["account"] and found["account"].away_since,
            "postings": _step(plan.postings),
            "charges": _step(plan.charges),
            "texts": {"waiting": plan.messages, "from": plan.texts_from},
            "order": [
                {"due_part": turn.due_part.pk, "cents": turn.due_part.amount_cents, "at": turn.at}
                for turn in plan.turns
            ],
        }


def _step(step: Step) -> dict[str, Any]:
    amount = format_cents(step.cents)
    return {"count": step.count, "amount": amount, "from": step.begins_at, "until": step.ends_at}
