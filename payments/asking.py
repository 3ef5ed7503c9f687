"""A person asks for a charge now: Pay Now at the desk, or the patient on a fix-it page. A worker does it."""

from __future__ import annotations

import uuid

from payments.models import Attempt, DuePart
from payments.tasks import collect_one


def pay_now(part: DuePart, *, card_id: int, actor: str) -> str:
    """Hand an unpaid part to a worker at once; returns the request under which payments/progress.py tells."""
    return _ask(part, Attempt.Channel.PAY_NOW, card_id, actor)


def pay_by_link(part: DuePart, *, card_id: int, actor: str) -> str:
    """The patient agreed on the page to this one charge."""
    return _ask(part, Attempt.Channel.FIX_LINK, card_id, actor)


def _ask(part: DuePart, channel: str, card_id: int, actor: str) -> str:
    request = uuid.uuid4().hex
    collect_one.delay(
        practice_id=part.practice_id,
        due_part_id=part.pk,
        channel=channel,
        actor=actor,
        request=request,
        card_id=card_id,
    )
    return request
