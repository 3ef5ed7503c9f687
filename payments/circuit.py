"""What the breaker of a processor account means: autopay and refunds wait, and one due payment is tried first."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from core.calendar import moment_words
from payments import catch_up
from payments.guards import UnableToClaim
from payments.models import Alarm, Attempt, AttemptState, Refund
from processors import breaker
from processors.port import NotTaken, RefundOutcome, Unknown

NOT_TAKEN = "The card processor has taken no charges since"
# The alarm that payments/aftermath.py raises for an account that refuses us.
ALARM = "processor"


def waits_for_processor() -> Q:
    return Q(wait_reason__startswith=NOT_TAKEN)


def refusal(practice_id: int, now: datetime) -> str:
    """Why autopay must not ask the processor now, for staff; '' = it may."""
    account = breaker.waiting(practice_id)
    if account is None or account.away_since is None:
        return ""
    return f"{NOT_TAKEN} {moment_words(account.away_since, account.practice.zone, now)}"


def refuse_while_open(practice_id: int, *, now: datetime) -> None:
    """For charges that were handed over before it opened. Raises UnableToClaim."""
    if reason := refusal(practice_id, now):
        raise UnableToClaim(reason)


def most(practice_id: int, *, now: datetime) -> int | None:
    """How many due parts a sweep may hand over: None = all, 0 = none, 1 = the one that is tried first."""
    account = breaker.waiting(practice_id)
    if account is None:
        return None
    return int(breaker.probe(account, now=now))


def nothing_to_try(practice_id: int, *, now: datetime) -> None:
    """The account answered and nothing is due that could prove more."""
    if breaker.works(practice_id):
        _closed(practice_id, now, actor="sweep")


def learn(attempt: Attempt, *, now: datetime) -> None:
    """A charge has come back: what does it say about the account?"""
    if attempt.state not in (AttemptState.NOT_TAKEN, AttemptState.UNKNOWN):
        if breaker.works(attempt.practice_id):
            _closed(attempt.practice_id, now, actor=attempt.actor)
    elif breaker.missed(attempt.practice_id, attempt.reason, now=now):
        Alarm.raise_once(
            attempt.practice_id, kind="PROCESSOR_REFUSES", key=ALARM, about={"attempt": attempt.pk}, now=now,
            text=f"Charges are not taken: {attempt.reason}",
        )  # fmt: skip


def learn_refund(refund: Refund, outcome: RefundOutcome, *, now: datetime) -> None:
    """The same of a refund. One that was refused for its own sake says nothing about the account."""
    if isinstance(outcome, NotTaken) and not outcome.needs_operator:
        return
    if not isinstance(outcome, NotTaken | Unknown):
        if breaker.works(refund.practice_id):
            _closed(refund.practice_id, now, actor=refund.actor)
    elif breaker.missed(refund.practice_id, outcome.reason, now=now):
        Alarm.raise_once(
            refund.practice_id, kind="PROCESSOR_REFUSES", key=ALARM, about={"refund": refund.pk}, now=now,
            text=f"Refunds are not taken: {outcome.reason}",
        )  # fmt: skip


def _closed(practice_id: int, now: datetime, *, actor: str) -> None:
    Alarm.close(practice_id, key=ALARM, now=now, actor=actor)
    catch_up.let_go(waits_for_processor(), now=now)
