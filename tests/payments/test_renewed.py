"""An expired card that its bank renewed is tried once more; a card that needs replacing for another reason is not."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from cards.models import Card
from payments import attaching
from payments.models import Attempt, DuePart
from practices.models import Practice
from tests import factories


def declined(practice: Practice, now: datetime, code: str) -> DuePart:
    """A due part whose try of yesterday was declined with this code, so that it waits for a new card."""
    part = factories.collectable(practice)
    assert part.installment is not None
    card = Card.objects.get()
    Attempt.objects.create(
        practice=practice, due_part=part, number=1, amount_cents=part.amount_cents, card=card, channel="AUTOPAY",
        actor="autopay", state="DECLINED", decline_code=code, create_params={}, confirm_params={}, reference="pi_1",
        started_at=now - timedelta(days=1), settled_at=now - timedelta(days=1),
    )  # fmt: skip
    part.installment.status = "FAILED"
    part.installment.save(update_fields=["status"])
    part.next_try_at = None
    part.save(update_fields=["next_try_at"])
    part.set_hold(DuePart.Hold.NEW_CARD, "the card has expired")
    return part


def test_a_renewed_card_is_tried_at_once(practice: Practice, now: datetime) -> None:
    part = declined(practice, now, "expired_card")

    attaching.card_renewed(Card.objects.get(), now=now)

    part.refresh_from_db()
    assert (part.hold, part.next_try_at) == ("", now)


@pytest.mark.parametrize("code", ["lost_card", "authentication_required", "incorrect_cvc"])
def test_renewing_heals_no_other_reason(practice: Practice, now: datetime, code: str) -> None:
    part = declined(practice, now, code)

    attaching.card_renewed(Card.objects.get(), now=now)

    part.refresh_from_db()
    assert (part.hold, part.next_try_at) == (DuePart.Hold.NEW_CARD, None)
