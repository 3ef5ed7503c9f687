"""Putting a card on a plan, replacing it, taking it off, removing a card: and what that means for the due parts."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from cards import autopay
from cards.autopay import UnableToAttach, Witness
from cards.models import Autopay, Card
from payments import due_parts, locks, upward
from payments.models import DuePart
from payments.notices import consent_copy
from payplans.models import PayPlan
from practices.models import Event
from processors import accounts

__all__ = ["UnableToAttach", "Witness", "attach", "detach", "remove_card"]


def attach(plan: PayPlan, card: Card, *, max_charge_cents: int, witness: Witness, now: datetime) -> Autopay:
    """Turn autopay on with this card, or replace its card. Sends the consent copy. Charges nothing at once.

    A replaced card tries what failed at the next sweep. Raises UnableToAttach.
    """
    refusal = upward.handlers.autopay_refusal(plan)
    if refusal:
        raise UnableToAttach(refusal)
    with transaction.atomic(durable=True):
        locks.installments(plan.pk)
        plan = PayPlan.objects.get(pk=plan.pk)
        replacing = Autopay.objects.filter(plan=plan, is_on=True).exists()
        found = autopay.turn_on(plan, card, max_charge_cents=max_charge_cents, witness=witness, now=now)
        due_parts.refresh(plan, now=now)
        if replacing:
            _try_failed_again(plan, now)
        consent_copy(found, now=now)
    return found


def _try_failed_again(plan: PayPlan, now: datetime) -> None:
    """A new card tries at once what an old one failed; the claim still guards the budget."""
    failed = DuePart.objects.filter(
        installment__plan=plan, state=DuePart.State.OPEN, installment__status="FAILED", hold__in=["", "NEW_CARD"]
    )
    failed.update(next_try_at=now, hold="", hold_reason="")


def detach(plan: PayPlan, *, actor: str, reason: str, now: datetime) -> bool:
    """Stop autopay at once. False when it was off."""
    with transaction.atomic(durable=True):
        locks.installments(plan.pk)
        stopped = autopay.turn_off(plan, actor=actor, reason=reason, now=now)
        due_parts.refresh(plan, now=now)
    return stopped


def remove_card(card: Card, *, actor: str, now: datetime) -> None:
    """Stop every autopay it pays, mark it removed, forget it at the processor. Raises UnableToReachProcessor.

    Removed with us first: from then on nothing charges it, whatever the processor answers.
    """
    for plan in PayPlan.objects.filter(autopay__card=card, autopay__is_on=True).order_by("pk"):
        detach(plan, actor=actor, reason="The card was removed", now=now)
    with transaction.atomic(durable=True):
        Card.objects.filter(pk=card.pk).update(state=Card.State.REMOVED, is_primary=False)
        Event.record(
            card.practice_id, kind="card_removed", actor=actor, now=now, text=f"{card} removed",
            about={"patient": card.patient_id, "card": card.pk},
        )  # fmt: skip
    accounts.for_practice(card.practice_id).detach(card.payment_method)
