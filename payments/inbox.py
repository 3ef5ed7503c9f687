"""The webhook inbox: an event is stored, answered, and worked through later. It only names what to ask about."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from cards import saving
from cards.models import Card, CardSetup
from core.money import format_cents
from payments import attaching, disputes, loose_ends, notices, outcomes, payouts, presented, refund_news, upward
from payments.models import Alarm, Attempt, WebhookEvent
from processors import accounts
from processors.models import ProcessorAccount
from processors.port import Outcome, Succeeded, UnableToReachProcessor, Unknown
from processors.stripe import ProcessorEvent, StripeProcessor
from processors.stripe.account import API_VERSION

logger = logging.getLogger(__name__)

# Given up only after both: ten webhooks within a minute's trouble must not use the tries up.
MAX_TRIES = 10
PAGE = 200
GIVE_UP_AFTER = timedelta(hours=1)
# What tells of an attempt. "created" does not: the worker that made the intent is about to confirm it.
INTENT_NEWS = {f"payment_intent.{news}" for news in ("succeeded", "payment_failed", "processing", "canceled")}


def store(account: ProcessorAccount, event: ProcessorEvent, *, now: datetime) -> bool:
    """Keep an event once. False when it is here already (processors deliver twice)."""
    refusal = _refusal(account, event)
    row = WebhookEvent(
        practice_id=account.practice_id, event_id=event.event_id, type=event.type, object_id=event.object_id,
        api_version=event.api_version, received_at=now, note=refusal,
        state=WebhookEvent.State.IGNORED if refusal else WebhookEvent.State.NEW,
    )  # fmt: skip
    is_new = _insert(row)
    if refusal:
        Alarm.raise_once(
            account.practice_id, kind="WEBHOOK_REFUSED", key=f"webhook:{refusal}", text=refusal, about={}, now=now
        )
    return is_new


def _insert(row: WebhookEvent) -> bool:
    """One statement where it can be: the processor sends far more new events than old ones again."""
    around = transaction.atomic() if connection.in_atomic_block else nullcontext()
    try:
        with around:
            row.save(force_insert=True)
    except IntegrityError:
        return False  # Delivered twice.
    return True


def _refusal(account: ProcessorAccount, event: ProcessorEvent) -> str:
    if event.api_version != API_VERSION:
        return f"Webhooks come in API version {event.api_version or 'none'} instead of {API_VERSION}"
    if event.is_live != account.is_live:
        return "A webhook of the other mode (live and test are mixed up)"
    if event.account and event.account != account.account:
        return "A webhook of another connected account"
    return ""


def work_through(practice_id: int, *, now: datetime) -> int:
    """Process what is new, oldest first; returns how many were finished. A failure is kept and tried again."""
    new = list(WebhookEvent.objects.filter(state=WebhookEvent.State.NEW).order_by("received_at", "pk")[:PAGE])
    if not new:
        return 0
    processor = accounts.for_practice(practice_id)
    return sum(_process(processor, event, now) for event in new)


def _process(processor: StripeProcessor, event: WebhookEvent, now: datetime) -> bool:
    try:
        event.state, event.note = _dispatch(processor, event, now)
    except Exception as error:
        logger.exception("Unable to process webhook %s", event.event_id)
        event.tries += 1
        event.note = type(error).__name__
        if event.tries >= MAX_TRIES and now - event.received_at >= GIVE_UP_AFTER:
            event.state = WebhookEvent.State.FAILED
            _alarm_stuck(event, now)
    else:
        event.processed_at = now
    event.save(update_fields=["state", "note", "tries", "processed_at"])
    return event.state != WebhookEvent.State.NEW


def _alarm_stuck(event: WebhookEvent, now: datetime) -> None:
    Alarm.raise_once(
        event.practice_id, kind="WEBHOOK_STUCK", key=f"webhook:{event.event_id}", about={}, now=now,
        text=f"A {event.type} webhook could not be processed {MAX_TRIES} times",
    )  # fmt: skip


def _dispatch(processor: StripeProcessor, event: WebhookEvent, now: datetime) -> tuple[str, str]:
    if event.type in INTENT_NEWS:
        return _intent(processor, event.object_id, now)
    if event.type.startswith("checkout.session."):
        return _session(event, now)
    if event.type.startswith("refund."):
        return refund_news.heard(processor, event.object_id, now)
    if event.type.startswith("charge.dispute."):
        return disputes.heard(processor, event.object_id, now)
    if event.type.startswith("payout."):
        return payouts.heard(processor, event.practice_id, event.object_id, now)
    if event.type.startswith("terminal.reader."):
        is_ours = upward.handlers.reader_news(event.practice_id, event.object_id, now)
        return (WebhookEvent.State.DONE, "") if is_ours else (WebhookEvent.State.IGNORED, "No payment is on it")
    if event.type.startswith("payment_method."):
        return _card(processor, event, now)
    return WebhookEvent.State.IGNORED, "Nothing of ours hangs on this"


def _intent(processor: StripeProcessor, reference: str, now: datetime) -> tuple[str, str]:
    attempt_uuid, outcome = processor.outcome_of(reference)
    attempt = _attempt(attempt_uuid)
    if attempt is None:
        return WebhookEvent.State.IGNORED, "Not one of our payments"
    if attempt.reference not in ("", reference):
        return _stranger(attempt, reference, outcome, now)
    if attempt.is_presented:
        # A declined card is not the end of it, and a page knows more than its intent.
        told, outcome = outcome, processor.look_up_presented(presented.question_of(attempt))
        if isinstance(told, Succeeded) and isinstance(outcome, Unknown):
            raise UnableToReachProcessor(outcome.reason)  # Money moved: asked again until it is clear whose.
        if isinstance(told, Succeeded) and not (isinstance(outcome, Succeeded) and outcome.reference == reference):
            return _stranger(attempt, reference, told, now)
    outcomes.settle(attempt.pk, outcome, now=now, actor="webhook")
    # The worker does this too; it may be dead.
    attempt.refresh_from_db()
    loose_ends.cut(processor, attempt)
    return WebhookEvent.State.DONE, ""


def _attempt(attempt_uuid: str) -> Attempt | None:
    try:
        return Attempt.objects.filter(uuid=UUID(attempt_uuid)).first()
    except (ValueError, ValidationError):
        return None


def _stranger(attempt: Attempt, reference: str, outcome: Outcome, now: datetime) -> tuple[str, str]:
    """An intent that bears the mark of an attempt which has another one: made by hand from ours, never by us.

    Its fate says nothing about the attempt; but money that it took must be seen.
    """
    if isinstance(outcome, Succeeded):
        Alarm.raise_once(
            attempt.practice_id, kind="CONTRADICTION", key=f"stranger:{reference}", now=now,
            about={"attempt": attempt.pk, "due_part": attempt.due_part_id},
            text=f"{format_cents(outcome.amount_cents)} was charged at the processor beside KasperPay",
        )  # fmt: skip
    return WebhookEvent.State.IGNORED, "Another payment bears the mark of one of ours"


def _session(event: WebhookEvent, now: datetime) -> tuple[str, str]:
    """A hosted page is over: one on which money was paid, or one that saved a card."""
    paying = Attempt.objects.filter(page=event.object_id).first()
    if paying is not None:
        presented.look(paying, now=now, actor="webhook")
        return WebhookEvent.State.DONE, ""
    setups = CardSetup.objects.filter(session=event.object_id)
    if event.type == "checkout.session.expired":
        setups.filter(card=None).update(state=CardSetup.State.EXPIRED)
        return WebhookEvent.State.DONE, ""
    setup = setups.first()
    if setup is None:
        return WebhookEvent.State.IGNORED, "Not one of our card pages"
    saving.finish(setup.uuid, now=now)
    return WebhookEvent.State.DONE, ""


def _card(processor: StripeProcessor, event: WebhookEvent, now: datetime) -> tuple[str, str]:
    card = Card.objects.filter(payment_method=event.object_id).first()
    if card is None:
        return WebhookEvent.State.IGNORED, "Not one of our cards"
    if event.type == "payment_method.detached":
        Card.objects.filter(pk=card.pk, state=Card.State.ACTIVE).update(
            state=Card.State.BLOCKED, state_reason="Removed at the processor"
        )
        return WebhookEvent.State.DONE, ""
    if saving.renew(card, processor.card(card.payment_method), now=now):
        attaching.card_renewed(card, now=now)
    if event.type == "payment_method.automatically_updated":
        card.refresh_from_db()
        notices.card_updated(card, now)
    return WebhookEvent.State.DONE, ""
