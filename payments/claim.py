"""Claiming a due part: under the locks, every guard is checked and the attempt is committed. Asks nobody outside."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from cards.models import Autopay, Card
from payments import budget, locks
from payments.models import Attempt, AttemptState, DueCheck, DuePart
from practices.models import Event

CHECK_MAX_AGE = timedelta(minutes=5)


class UnableToClaim(Exception):
    """The due part must not be charged now. The text says why, for staff."""


def claim(due_part_id: int, *, channel: str, actor: str, now: datetime, card_id: int | None = None) -> Attempt:
    """Commit a STARTED attempt. `card_id` None means the plan's autopay card. Raises UnableToClaim.

    Durable: raises RuntimeError inside another transaction, because the processor is asked right after (M4).
    """
    try:
        with transaction.atomic(durable=True):
            part = locks.due_part(due_part_id)
            card = _card(part, card_id)
            _refuse_unless_owed(part, now)
            _refuse_unless_chargeable(part, card, channel, now)
            return _start(part, card, channel, actor, now)
    except IntegrityError as error:
        # The constraint is the second guard: it holds even where a lock was forgotten.
        raise UnableToClaim("Another payment of the same money is under way") from error


def _card(part: DuePart, card_id: int | None) -> Card:
    if card_id is not None:
        return Card.objects.get(pk=card_id)
    autopay = Autopay.objects.filter(plan__installments=part.installment_id).select_related("card").first()
    if autopay is None:
        raise UnableToClaim("No card is attached to the plan")
    return autopay.card


def _refuse_unless_owed(part: DuePart, now: datetime) -> None:
    if part.state != DuePart.State.OPEN:
        raise UnableToClaim("This is paid or no longer owed")
    if part.attempts.filter(state__in=AttemptState.open_or_paid()).exists():
        raise UnableToClaim("Another payment of the same money is under way")
    check = DueCheck.objects.filter(due_part=part).first()
    if check is None or now - check.checked_at > CHECK_MAX_AGE:
        raise UnableToClaim("Open Dental has not confirmed that this is still owed")
    if check.obstacle:
        raise UnableToClaim(check.obstacle)
    if check.owed_cents < part.amount_cents or part.installment is not None and not part.installment.is_open:
        raise UnableToClaim("Open Dental says that less is owed now")


def _refuse_unless_chargeable(part: DuePart, card: Card, channel: str, now: datetime) -> None:
    if card.state != Card.State.ACTIVE:
        raise UnableToClaim("The card is no longer active")
    if card.patient_id != part.payer_id:
        raise UnableToClaim("The card belongs to another person")
    if channel == Attempt.Channel.AUTOPAY:
        _refuse_unless_autopay(part, card, now)
    reason = budget.obstacle(part, card, channel, now)
    if reason:
        raise UnableToClaim(reason)


def _refuse_unless_autopay(part: DuePart, card: Card, now: datetime) -> None:
    autopay = Autopay.objects.select_related("consent").get(plan__installments=part.installment_id)
    if not autopay.is_on or autopay.card_id != card.pk or autopay.consent.revoked_at is not None:
        raise UnableToClaim("Autopay is off")
    if part.amount_cents > autopay.consent.max_charge_cents:
        raise UnableToClaim("The amount is above the agreed maximum")
    if part.hold or part.next_try_at is None or part.next_try_at > now:
        raise UnableToClaim("The next try has not come yet")


def _start(part: DuePart, card: Card, channel: str, actor: str, now: datetime) -> Attempt:
    attempt = Attempt(
        practice_id=part.practice_id, due_part=part, number=part.attempts.count() + 1, amount_cents=part.amount_cents,
        card=card, channel=channel, actor=actor, started_at=now, confirm_params={"off_session": True},
    )  # fmt: skip
    attempt.create_params = {
        "amount": part.amount_cents,
        "currency": "usd",
        "customer": card.customer,
        "payment_method": card.payment_method,
        "allowed_payment_method_types": ["card"],
        # No procedure, no plan name: the processor signs no BAA.
        "description": "Account balance",
        "metadata": {"attempt": str(attempt.uuid)},
    }
    attempt.save(force_insert=True)
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
    ids = {"patient": part.payer_id, "due_part": part.pk, "attempt": attempt.pk, "card": attempt.card_id}
    if part.installment is not None:
        ids |= {"installment": part.installment.pk, "plan": part.installment.plan_id}
    return ids
