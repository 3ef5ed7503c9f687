"""Claiming a due part: under the locks, every guard is checked and the attempt is committed. Asks nobody outside."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import IntegrityError, transaction

from cards.models import Card
from core import trace
from payments import dividing, guards, locks, part_key
from payments.guards import CHECK_MAX_AGE, UnableToClaim
from payments.models import Attempt, DuePart
from practices.models import Event

log = structlog.stdlib.get_logger(__name__)

__all__ = ["CHECK_MAX_AGE", "UnableToClaim", "about", "claim"]


def claim(
    due_part_id: int,
    *,
    channel: str,
    actor: str,
    now: datetime,
    card_id: int | None = None,
    newest: int | None = None,
    cents: int | None = None,
) -> Attempt:
    """Commit a STARTED attempt. `card_id` None means the plan's autopay card. Raises UnableToClaim.

    `cents` less than the part: it is divided in this transaction, and that much of it is claimed (ADR 13).

    `newest` is the newest attempt the one who asks has seen (charging.collect).

    Durable: raises RuntimeError inside another transaction, because the processor is asked right after (M4).
    """
    try:
        with transaction.atomic(durable=True):
            part = locks.due_part(due_part_id)
            # Locked: a card that is being removed, or tried elsewhere against the same budget, is seen.
            card = locks.card(guards.card_of(part, card_id))
            guards.refuse_unless_open(part)
            guards.refuse_if_tried_since(part, newest)
            guards.refuse_unless_owed(part, now)
            guards.refuse_unless_issued(part, channel)
            guards.refuse_unless_chargeable(part, card, channel, now)
            taken = dividing.carve(part, part.amount_cents if cents is None else cents, now)
            attempt = _start(taken, card, channel, actor, now)
    except IntegrityError as error:
        # The constraint is the second guard: it holds even where a lock was forgotten.
        raise UnableToClaim("Another payment of the same money is under way") from error
    log.info("claimed", trace=attempt.trace, attempt=str(attempt.uuid), due_part=due_part_id, channel=channel)
    return attempt


def _start(part: DuePart, card: Card, channel: str, actor: str, now: datetime) -> Attempt:
    attempt = Attempt(
        practice_id=part.practice_id, due_part=part, number=part.attempts.count() + 1, amount_cents=part.charge_cents,
        card=card, channel=channel, actor=actor, started_at=now, confirm_params={"off_session": True},
        trace=trace.current() or trace.new(),
    )  # fmt: skip
    attempt.create_params = {
        "amount": attempt.amount_cents,
        "currency": "usd",
        "customer": card.customer,
        "payment_method": card.payment_method,
        "allowed_payment_method_types": ["card"],
        # No procedure, no plan name: the processor signs no BAA.
        "description": "Account balance",
        "metadata": {"attempt": str(attempt.uuid), "part": part_key.of(part)},
    }
    attempt.save(force_insert=True)
    if part.wait_reason:
        part.wait_reason = ""
        part.save(update_fields=["wait_reason"])
    Event.record(
        part.practice_id, kind="attempt_started", actor=actor, now=now, about=about(attempt),
        text=f"Try {attempt.number} with {card}",
    )  # fmt: skip
    return attempt


def about(attempt: Attempt) -> dict[str, int]:
    """The ids under which the attempt's events are found."""
    part = attempt.due_part
    ids = {"patient": part.payer_id, "due_part": part.pk, "attempt": attempt.pk}
    if attempt.card_id is not None:
        ids["card"] = attempt.card_id
    if part.sale_id is not None:
        ids["sale"] = part.sale_id
    if part.installment is not None:
        ids |= {"installment": part.installment.pk, "plan": part.installment.plan_id}
    return ids
