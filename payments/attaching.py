"""Putting a card on a plan, replacing it, taking it off, removing a card: and what that means for the due parts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from cards import autopay
from cards.autopay import UnableToAttach, Witness
from cards.models import AnyAutopay, Autopay, Card, PayerAutopay
from payments import arrears, charge_cards, due_parts, locks, upward
from payments.models import DuePart
from payments.notices import consent_copy
from payplans.models import Installment, PayPlan
from practices.models import Event
from processors import accounts

__all__ = ["UnableToAttach", "Witness", "attach", "detach", "remove_card"]


def attach(
    plan: PayPlan,
    card: Card,
    *,
    max_charge_cents: int,
    witness: Witness,
    now: datetime,
    charge_overdue: bool = False,
    also: Callable[[AnyAutopay], None] | None = None,
) -> AnyAutopay:
    """Turn autopay on with this card, or replace its card. Sends the consent copy. Charges nothing at once.

    A replaced card tries what failed at the next sweep, and so does what is overdue if `charge_overdue` was agreed
    to apart. The same card under a new consent lifts what was held above the old one, and brings no other try forward.
    `also` is called in the same transaction; what it raises undoes everything. Raises UnableToAttach.
    """
    refusal = upward.handlers.autopay_refusal(plan)
    if refusal:
        raise UnableToAttach(refusal)
    with transaction.atomic(durable=True):
        locks.installments(plan.pk)
        locks.open_parts(plan.pk)
        card = locks.card(card)
        plan = PayPlan.objects.get(pk=plan.pk)
        running = autopay.of_payer(plan, card.patient_id)
        before = running.card_id if running is not None and running.is_on else None
        found = autopay.turn_on(plan, card, max_charge_cents=max_charge_cents, witness=witness, now=now)
        if before != card.pk:
            if card.patient_id == plan.guarantor_id:
                charge_cards.drop_all(plan, actor=witness.given_by, now=now)
            _lift_holds(plan, card.patient_id, before is not None, now)
        if charge_overdue:
            arrears.agree(plan, card, witness=witness, now=now)
        due_parts.refresh(plan, now=now)
        consent_copy(found, now=now)
        if also is not None:
            also(found)
    return found


def _lift_holds(plan: PayPlan, payer_id: int, replacing: bool, now: datetime) -> None:
    """The new card is here; in place of an old one it tries at once what that one failed.

    The refresh afterwards puts back what is not due yet and what was overdue before autopay; the claim guards the rest.
    """
    again = Q(hold=DuePart.Hold.NEW_CARD)
    if replacing:
        again |= Q(hold=DuePart.Hold.NONE, installment__status=Installment.Status.FAILED)
    parts = DuePart.objects.filter(again, installment__plan=plan, payer=payer_id, state=DuePart.State.OPEN)
    parts.update(next_try_at=now, hold="", hold_reason="", leased_until=None)


def card_renewed(card: Card, *, now: datetime) -> None:
    """Its bank renewed an expired card: what waits for a new one because of that is tried once more, at once.

    Source: Stripe's card updates change expiry and last 4 of the same saved card.
    """
    for plan in _paid_by(card):
        with transaction.atomic(durable=True):
            locks.installments(plan.pk)
            waiting = DuePart.objects.filter(
                installment__plan=plan, state=DuePart.State.OPEN, hold=DuePart.Hold.NEW_CARD,
                attempts__card=card, attempts__decline_code="expired_card",
            )  # fmt: skip
            again = DuePart.objects.filter(pk__in=waiting.values("pk"))
            again.update(next_try_at=now, hold="", hold_reason="", leased_until=None)
            due_parts.refresh(plan, now=now)


def _paid_by(card: Card) -> QuerySet[PayPlan]:
    """Plans whose autopay charges this card, as guarantor or as second payer."""
    own = Q(pk__in=Autopay.objects.filter(card=card, is_on=True).values("plan"))
    second = Q(pk__in=PayerAutopay.objects.filter(card=card, is_on=True).values("plan"))
    return PayPlan.objects.filter(own | second).order_by("pk")


def detach(plan: PayPlan, *, actor: str, reason: str, now: datetime, payer_id: int | None = None) -> bool:
    """Stop autopay of this person (the guarantor unless named) at once. False when it was off."""
    with transaction.atomic(durable=True):
        locks.installments(plan.pk)
        stopped = autopay.turn_off(plan, actor=actor, reason=reason, now=now, payer_id=payer_id)
        due_parts.refresh(plan, now=now)
    return stopped


def remove_card(card: Card, *, actor: str, now: datetime) -> None:
    """Mark it removed, stop every autopay it pays, forget it at the processor. Raises UnableToReachProcessor.

    Removed with us first: from then on no plan can take it and nothing charges it, whatever the processor answers.
    """
    with transaction.atomic(durable=True):
        Card.objects.filter(pk=card.pk).update(state=Card.State.REMOVED, is_primary=False)
        Event.record(
            card.practice_id, kind="card_removed", actor=actor, now=now, text=f"{card} removed",
            about={"patient": card.patient_id, "card": card.pk},
        )  # fmt: skip
    for plan in _paid_by(card):
        detach(plan, actor=actor, reason="The card was removed", now=now, payer_id=card.patient_id)
    accounts.for_practice(card.practice_id).detach(card.payment_method)
