"""A person says that a posting is in Open Dental although nothing could be compared: kept visible as just that.

MARKED is no MATCHED. It has the person and the reason in the trail, stays listed as "posted by hand, not read back",
is never sent by a program, and ends when somebody names the payment (opendental/adopt.py) or takes the mark back.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from opendental import outbox, refund_by_hand
from opendental.outbox import State
from payments.models import LedgerPosting
from practices.models import Event

# The poster is done with these; from any other state it might still send.
MARKABLE = (State.REFUSED, State.MISMATCH, State.BY_HAND)
_TAKEN_BACK = "Staff took back that it was posted by hand: look in Open Dental whether it is there."


def mark(posting: LedgerPosting, *, reason: str, actor: str, now: datetime) -> bool:
    """Take a person's word for it. False where the posting does not wait for a person any more. `reason`: not empty."""
    if not reason.strip():
        raise ValueError("a mark needs its reason")
    with transaction.atomic():
        moved = outbox.move(
            posting, when=MARKABLE, now=now, actor=actor, text=reason, state=State.MARKED, state_reason=reason[:300]
        )
        if moved:
            outbox.close_alarms(posting, now)
            refund_by_hand.close_alarm(posting, now)
    return moved


def unmark(posting: LedgerPosting, *, actor: str, now: datetime) -> bool:
    """It was a mistake: it waits for a person as before, with its alarm. Nothing is sent before a search."""
    with transaction.atomic():
        # Whoever marked it may have sent it in a way of their own: from here on it counts as sent.
        sends = max(1, posting.sends)
        if not outbox.move(posting, when=[State.MARKED], now=now, sends=sends, next_at=now):
            return False
        Event.record(
            posting.practice_id, kind="posting_unmarked", actor=actor, now=now, about=outbox.about(posting),
            text=posting.reference,
        )  # fmt: skip
        if refund_by_hand.is_by_hand(posting):
            return refund_by_hand.wait_again(posting, now=now)
        state = State.REFUSED if posting.pay_num is None else State.MISMATCH
        outbox.stuck(posting, state, _TAKEN_BACK, now=now)
    return posting.state == state
