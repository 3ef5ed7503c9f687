"""Somebody at the desk asks for a charge now; a worker does it. (The patient's own way: paylinks/charges.py.)"""

from __future__ import annotations

import uuid

from payments.models import Attempt, DuePart
from payments.tasks import collect_one


def newest_try(part: DuePart) -> int:
    """The newest attempt the person could see when they asked; 0 = there was none."""
    return part.attempts.order_by("-pk").values_list("pk", flat=True).first() or 0


def pay_now(part: DuePart, *, card_id: int, actor: str) -> str:
    """Hand an unpaid part to a worker at once; returns the request under which payments/progress.py tells."""
    request = uuid.uuid4().hex
    collect_one.delay(
        practice_id=part.practice_id,
        due_part_id=part.pk,
        channel=Attempt.Channel.PAY_NOW,
        actor=actor,
        request=request,
        card_id=card_id,
        newest=newest_try(part),
    )
    return request
