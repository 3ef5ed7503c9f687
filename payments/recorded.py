"""Cash, checks and other money that no processor moves: taken at the desk, so it is a fact, recorded and posted."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from core import trace
from patients.models import Patient
from payments import aftermath, fee_terms, locks, sales, upward
from payments.models import Attempt, AttemptState
from processors.port import Succeeded


def record(
    sale_id: int,
    *,
    cents: int,
    payer: Patient,
    pay_type_num: int,
    paid_with: str,
    actor: str,
    now: datetime,
    newest: int | None = None,
    shown_cents: int | None = None,
) -> Attempt:
    """Commit tender, succeeded attempt, payment and posting at once. Raises sales.UnableToSell.

    `cents` of the account are settled; `shown_cents`, the price on the screen, is less where a discount is given.

    Open Dental isn't asked anew: the money is in the drawer, and the draft is at most five minutes old.
    """
    with transaction.atomic(durable=True):
        means = fee_terms.offer(payer.practice, now).means_of_type(pay_type_num)
        part = sales.tender(
            sale_id, cents=cents, payer=payer, actor=actor, now=now, newest=newest, means=means,
            shown_cents=shown_cents,
        )  # fmt: skip
        attempt = Attempt.objects.create(
            practice_id=part.practice_id, due_part=part, number=1, amount_cents=part.charge_cents,
            channel=Attempt.Channel.RECORDED, paid_with=paid_with[:80], pay_type_num=pay_type_num, actor=actor,
            started_at=now, settled_at=now, state=AttemptState.SUCCEEDED, create_params={}, confirm_params={},
            trace=trace.current() or trace.new(),
        )  # fmt: skip
        aftermath.of_success(locks.attempt(attempt.pk), Succeeded("", attempt.amount_cents), now, actor)
        practice_id = part.practice_id
        transaction.on_commit(lambda: upward.handlers.nudge(practice_id), robust=True)
    return attempt
