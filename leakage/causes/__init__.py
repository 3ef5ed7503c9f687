"""All causes; their order is that of urgency where a page lists them."""

from __future__ import annotations

from leakage.causes import (
    card_expires,
    dispute,
    failed,
    held,
    new_card,
    no_autopay,
    no_card,
    not_posted,
    not_read_back,
    plan_changed,
    refund_not_posted,
    refused,
    request_lost,
    request_unpaid,
    sync,
    unknown,
)
from leakage.models import Leak
from leakage.shape import Cause

ALL: tuple[Cause, ...] = (
    unknown.CAUSE, refused.CAUSE, not_posted.CAUSE, not_read_back.CAUSE, refund_not_posted.CAUSE, dispute.CAUSE,
    new_card.CAUSE, failed.CAUSE, plan_changed.CAUSE, held.CAUSE, no_card.CAUSE, card_expires.CAUSE, no_autopay.CAUSE,
    request_lost.CAUSE, request_unpaid.CAUSE, sync.CAUSE,
)  # fmt: skip
BY_NAME: dict[str, Cause] = {cause.name: cause for cause in ALL}


def of(leak: Leak) -> Cause:
    return BY_NAME[leak.cause]
