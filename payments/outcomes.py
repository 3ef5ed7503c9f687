"""settle(): the one place that turns the processor's answer into state, payment, posting, message and event (M6).

Whoever brings the news (the reply, a webhook, the reconciler) calls it; calling it again changes nothing.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import assert_never

import structlog
from django.db import transaction

from core import trace
from payments import aftermath, locks, upward
from payments.claim import about
from payments.models import Alarm, Attempt, AttemptState
from payplans.declines import Decline, words
from practices.models import Event
from processors.port import Declined, NotTaken, Outcome, Pending, Succeeded, Unknown

log = structlog.stdlib.get_logger(__name__)


def settle(attempt_id: int, outcome: Outcome, *, now: datetime, actor: str, asked_about: str | None = None) -> bool:
    """Apply an outcome under the locks. True when it changed the attempt. Durable: never inside a transaction.

    `asked_about`: what it was known as when the question was asked. When the worker has stored another name since, the
    answer ("never got the request") is of the time before, and money may be moving: it is void.
    """
    with transaction.atomic(durable=True):
        attempt = locks.attempt(attempt_id)
        if asked_about is not None and attempt.known_as != asked_about:
            return False
        if attempt.is_final:
            _notice_contradiction(attempt, outcome, now)
            return False
        with trace.bound(attempt.trace, attempt=str(attempt.uuid)):
            changed = _apply(attempt, outcome, now, actor)
        practice_id = attempt.practice_id
        # Robust: what is settled stays settled when the broker is down; the beat comes by anyway.
        transaction.on_commit(lambda: upward.handlers.nudge(practice_id), robust=True)
    log.info("settled", trace=attempt.trace, attempt=str(attempt.uuid), state=attempt.state, by=actor, changed=changed)
    return changed


def _apply(attempt: Attempt, outcome: Outcome, now: datetime, actor: str) -> bool:
    # An account that answers and takes charges: whatever an operator was told about it is over.
    works = ["processor"] if isinstance(outcome, Succeeded | Declined) else []
    match outcome:
        case Succeeded():
            _note_means(attempt, outcome)
            _close(attempt, AttemptState.SUCCEEDED, now, outcome.reference, outcome.charge_reference)
            aftermath.of_success(attempt, outcome, now, actor)
        case Declined():
            _note_codes(attempt, outcome)
            _close(attempt, AttemptState.DECLINED, now, outcome.reference, outcome.charge_reference)
            aftermath.of_decline(attempt, now, actor)
        case NotTaken():
            attempt.reason = outcome.reason[:200]
            _close(attempt, AttemptState.NOT_TAKEN, now)
            aftermath.of_not_taken(attempt, outcome, now, actor)
        case Pending():
            is_new = _wait(attempt, AttemptState.PENDING, outcome.reference, "", now, actor)
            if is_new:
                Alarm.close(attempt.practice_id, key="processor", now=now, actor=_bringer(actor))
            return _note_declined_card(attempt, outcome.declined, now, actor) or is_new
        case Unknown():
            return _wait(attempt, AttemptState.UNKNOWN, outcome.reference, outcome.reason, now, actor)
        case _:
            assert_never(outcome)
    Alarm.close(attempt.practice_id, *works, key=f"unknown:{attempt.pk}", now=now, actor=_bringer(actor))
    return True


def _bringer(actor: str) -> str:
    """Who closes an alarm with news: a person whose click brought it did not close it by hand."""
    return "processor" if actor.startswith("user:") else actor


def _close(attempt: Attempt, state: str, now: datetime, reference: str = "", charge_reference: str = "") -> None:
    attempt.state, attempt.settled_at = state, now
    attempt.reference = reference or attempt.reference
    attempt.charge_reference = charge_reference or attempt.charge_reference
    attempt.is_loose = state != AttemptState.SUCCEEDED and bool(attempt.reference)
    attempt.save(
        update_fields=[
            "state", "settled_at", "reference", "charge_reference", "reason", "is_loose", "paid_with", "card_facts",
            "decline_code", "advice_code", "network_decline_code", "network_advice_code",
        ]
    )  # fmt: skip


def _note_means(attempt: Attempt, outcome: Succeeded) -> None:
    if outcome.means is not None:
        # Cards that were declined before it are in the events.
        attempt.reason = attempt.decline_code = attempt.advice_code = ""
        attempt.network_decline_code = attempt.network_advice_code = ""
        attempt.paid_with, attempt.card_facts = str(outcome.means)[:80], asdict(outcome.means)


def _note_declined_card(attempt: Attempt, declined: Declined | None, now: datetime, actor: str) -> bool:
    """A presented card was declined; another may be tried. True when we did not know of it."""
    known = (attempt.charge_reference, attempt.decline_code)
    if declined is None or (declined.charge_reference, declined.decline_code[:60]) == known:
        return False
    _note_codes(attempt, declined)
    attempt.charge_reference = declined.charge_reference
    attempt.reason = words(Decline(attempt.decline_code, attempt.advice_code))[:200]
    attempt.save(
        update_fields=[
            "charge_reference", "reason",
            "decline_code", "advice_code", "network_decline_code", "network_advice_code",
        ]
    )  # fmt: skip
    Event.record(
        attempt.practice_id, kind="card_declined", actor=actor, now=now, about=about(attempt),
        text=f"A card was declined: {attempt.reason}", after={"code": attempt.decline_code},
    )  # fmt: skip
    return True


def _note_codes(attempt: Attempt, outcome: Declined) -> None:
    attempt.decline_code, attempt.advice_code = outcome.decline_code[:60], outcome.advice_code[:60]
    attempt.network_decline_code = outcome.network_decline_code[:12]
    attempt.network_advice_code = outcome.network_advice_code[:12]


def _wait(attempt: Attempt, state: str, reference: str, reason: str, now: datetime, actor: str) -> bool:
    """Pending or unknown: news is still to come. Pending never falls back to unknown on a mere timeout."""
    if attempt.state == state or (attempt.state == AttemptState.PENDING and state == AttemptState.UNKNOWN):
        return False
    attempt.state, attempt.reason = state, reason[:200]
    attempt.reference = reference or attempt.reference
    attempt.save(update_fields=["state", "reason", "reference"])
    kind = "attempt_pending" if state == AttemptState.PENDING else "attempt_unknown"
    Event.record(attempt.practice_id, kind=kind, actor=actor, now=now, about=about(attempt), text=reason)
    return True


def _notice_contradiction(attempt: Attempt, outcome: Outcome, now: datetime) -> None:
    """News that can't be true together with what we hold: a person must look (M10)."""
    we_say_paid = attempt.state == AttemptState.SUCCEEDED
    contradicts = isinstance(outcome, Declined | NotTaken) if we_say_paid else isinstance(outcome, Succeeded)
    if not contradicts:
        return
    news = type(outcome).__name__
    Alarm.raise_once(
        attempt.practice_id, kind="CONTRADICTION", key=f"contradiction:{attempt.pk}:{news}", about=about(attempt),
        text=f"We hold {attempt.get_state_display()}, the processor says {news}", now=now,
    )  # fmt: skip
