"""Cards that a person presents, at a reader or on the processor's page: begun, looked at, given up (docs/adr/0007).

begin: recheck → claim → open at the processor; from then on the attempt is PENDING, and only the processor says how it
ends. Between the steps nothing is locked or open.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import IntegrityError, transaction

from core import trace
from payments import charging, guards, locks, outcomes, part_key
from payments.claim import UnableToClaim, about
from payments.models import Attempt, AttemptState, DuePart
from practices.models import Event
from processors import accounts
from processors.port import Charge, Outcome, PresentedQuestion, UnableToReachProcessor
from processors.stripe import StripeProcessor

log = structlog.stdlib.get_logger(__name__)
# How long a hosted page can be paid: the shortest the processor takes, and a minute for our clocks to differ.
PAGE_OPEN = timedelta(minutes=31)
# What nobody has finished or given up by then is withdrawn by the reconciler. Real time.
ABANDONED_AFTER = timedelta(minutes=40)


@dataclass(frozen=True)
class Wish:
    """How the money is to be taken. `back`, `cancel`: addresses of ours the hosted page leads to.

    `customer`: the processor's customer a reader saves the card for; '' = it is not saved.
    """

    channel: str
    actor: str
    back: str = ""
    cancel: str = ""
    customer: str = ""


def begin(due_part_id: int, wish: Wish, *, now: datetime, newest: int = 0) -> Attempt:
    """Make the attempt and open what a card can be presented to. Returns the attempt as it stands afterwards.

    `newest`: refuse when the part was tried after this attempt (0: tried at all).

    Raises UnableToClaim (nothing was asked) with the reason for staff.
    """
    part = guards.refuse_early_presented(due_part_id)
    try:
        processor = accounts.for_practice(part.practice_id)
    except UnableToReachProcessor as error:
        raise UnableToClaim(str(error)) from error
    now = charging.recheck(due_part_id, now)
    attempt = _claim(due_part_id, wish, now, newest)
    outcomes.settle(attempt.pk, _open(processor, attempt), now=now, actor=wish.actor)
    attempt.refresh_from_db()
    return attempt


def _claim(due_part_id: int, wish: Wish, now: datetime, newest: int) -> Attempt:
    try:
        with transaction.atomic(durable=True):
            part = locks.due_part(due_part_id)
            guards.refuse_unless_open(part)
            guards.refuse_if_tried_since(part, newest)
            guards.refuse_unless_owed(part, now)
            guards.refuse_unless_issued(part, wish.channel)
            attempt = _start(part, wish, now)
    except IntegrityError as error:
        raise UnableToClaim("Another payment of the same money is under way") from error
    log.info("claimed", trace=attempt.trace, attempt=str(attempt.uuid), due_part=due_part_id, channel=wish.channel)
    return attempt


def _start(part: DuePart, wish: Wish, now: datetime) -> Attempt:
    attempt = Attempt(
        practice_id=part.practice_id, due_part=part, number=part.attempts.count() + 1, amount_cents=part.amount_cents,
        channel=wish.channel, actor=wish.actor, started_at=now, confirm_params={}, trace=trace.current() or trace.new(),
    )  # fmt: skip
    marks = {"attempt": str(attempt.uuid), "part": part_key.of(part), "way": wish.channel}
    of_page = attempt.is_at_page
    attempt.create_params = _page_params(attempt, wish, marks, now) if of_page else _intent_params(attempt, wish, marks)
    attempt.save(force_insert=True)
    Event.record(
        part.practice_id, kind="attempt_started", actor=wish.actor, now=now, about=about(attempt),
        text=f"Waiting for a card: {attempt.get_channel_display().lower()}",
    )  # fmt: skip
    return attempt


def _intent_params(attempt: Attempt, wish: Wish, marks: dict[str, str]) -> dict[str, Any]:
    saving = {"customer": wish.customer, "setup_future_usage": "off_session"} if wish.customer else {}
    return {
        "amount": attempt.amount_cents,
        "currency": "usd",
        "allowed_payment_method_types": ["card_present"],
        "capture_method": "automatic",
        "description": "Account balance",
        "metadata": marks,
        **saving,
    }


def _page_params(attempt: Attempt, wish: Wish, marks: dict[str, str], now: datetime) -> dict[str, Any]:
    # No procedure, no name: the processor signs no BAA.
    item = {"currency": "usd", "unit_amount": attempt.amount_cents, "product_data": {"name": "Account balance"}}
    return {
        "mode": "payment",
        "allowed_payment_method_types": ["card"],
        "line_items": [{"price_data": item, "quantity": 1}],
        "success_url": wish.back,
        "cancel_url": wish.cancel,
        "expires_at": int((now + PAGE_OPEN).timestamp()),
        "client_reference_id": str(attempt.uuid),
        "metadata": marks,
        "payment_intent_data": {"metadata": marks, "description": "Account balance"},
    }


def _open(processor: StripeProcessor, attempt: Attempt) -> Outcome:
    charge = Charge(attempt.create_params, attempt.confirm_params, attempt.create_key, attempt.confirm_key)
    if attempt.is_at_page:
        return processor.open_page(charge, remember=lambda page: _remember_page(attempt.pk, page))
    return processor.open_intent(charge, remember=lambda reference: charging.remember(attempt.pk, reference))


def _remember_page(attempt_id: int, page: str) -> bool:
    """Store the page's id before anybody can see it. False: the attempt was closed meanwhile."""
    stored = Attempt.objects.filter(pk=attempt_id, state=AttemptState.STARTED, page="")
    return stored.update(page=page) == 1


def question_of(attempt: Attempt) -> PresentedQuestion:
    return PresentedQuestion(
        reference=attempt.reference, page=attempt.page, is_page=attempt.is_at_page,
        attempt_uuid=str(attempt.uuid), started_at=attempt.started_at,
    )  # fmt: skip


def look(attempt: Attempt, *, now: datetime, actor: str) -> bool:
    """Ask the processor how it stands, and settle. True when that changed it. Raises UnableToReachProcessor.

    Also of one that is over: that it was paid all the same must be seen (M10).
    """
    answer = accounts.for_practice(attempt.practice_id).look_up_presented(question_of(attempt))
    return outcomes.settle(attempt.pk, answer, now=now, actor=actor, asked_about=attempt.known_as)


def give_up(attempt: Attempt, *, now: datetime, actor: str) -> Attempt:
    """Nobody presents a card any more: withdrawn at the processor first, then settled by what it says.

    Returns it as it stands afterwards: NOT_TAKEN, SUCCEEDED when the money was faster, or still open when the
    processor did not tell. Raises UnableToReachProcessor.
    """
    if not attempt.is_final:
        answer = accounts.for_practice(attempt.practice_id).withdraw(question_of(attempt))
        outcomes.settle(attempt.pk, answer, now=now, actor=actor, asked_about=attempt.known_as)
        attempt.refresh_from_db()
    return attempt


def of_reconciler(processor: StripeProcessor, attempt: Attempt, real_now: datetime) -> Outcome:
    """Its present state. What was never shown to anybody, or was left alone, is withdrawn first."""
    is_lost = not attempt.known_as or attempt.state == AttemptState.STARTED
    is_abandoned = real_now - attempt.sent_at > ABANDONED_AFTER
    question = question_of(attempt)
    return processor.withdraw(question) if is_lost or is_abandoned else processor.look_up_presented(question)
