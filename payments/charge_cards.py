"""Another card for one charge of a plan, under a consent of its own (ADR 11)."""

from __future__ import annotations

from datetime import datetime

from cards import copies, wording
from cards.autopay import Witness
from cards.models import Card, Consent
from core.money import format_cents
from payments.models import DuePart, PlanChange
from payments.plan_changes import By, Kind, UnableToChange, locked
from payplans import shares
from payplans.models import Installment, PayPlan
from practices.models import Event

REPLACED = "The plan got a new card"


def text(installment: Installment, card: Card, language: str) -> str:
    """The words read to the patient, and kept."""
    practice = installment.plan.practice
    terms = wording.Terms(
        practice=practice.name, phone=practice.phone, card=str(card), maximum="",
        amount=format_cents(_cents(installment, card)), schedule=f"{installment.due_date:%m/%d/%Y}",
    )  # fmt: skip
    return wording.text("PLAN_CHARGE", language, terms)


def choose(plan_id: int, installment_id: int, *, card: Card, shown: str, witness: Witness, by: By) -> PlanChange:
    """Charge this one payment to `card`. `shown` is the text that was read; changed since, it must be read anew.

    Raises UnableToChange.
    """
    with locked(plan_id, by) as found:
        one = found.one(installment_id)
        one.plan = found.plan
        if card.patient_id != found.plan.guarantor_id or card.state != Card.State.ACTIVE:
            raise UnableToChange("The card must be an active one of the person who pays the plan")
        words = text(one, card, witness.language)
        if words != shown:
            raise UnableToChange("The text changed while this page was open. Read the new text, then agree again")
        found.end(one, Kind.CARD)
        _lift(one, by.now)
        consent = _consent(found.plan, one, card, words, witness, by.now)
        found.record("charge_card_chosen", f"{card} pays the payment due {one.due_date:%m/%d/%Y}", one)
        copies.send(consent, now=by.now)
        return found.add(Kind.CARD, one, card=card, consent=consent)


def _consent(plan: PayPlan, one: Installment, card: Card, words: str, witness: Witness, now: datetime) -> Consent:
    return Consent.objects.create(
        practice_id=plan.practice_id, kind=Consent.Kind.ONE_CHARGE, patient_id=card.patient_id, card=card, plan=plan,
        text=words, text_version=wording.VERSION, language=witness.language, card_last4=card.last4,
        # Without the installment's id: that would say that an overdue one may be charged (payments/arrears.py).
        schedule=[{"due_date": one.due_date.isoformat(), "amount_cents": _cents(one, card)}],
        max_charge_cents=_cents(one, card), channel=witness.channel, given_by=witness.given_by, given_at=now,
        ip=witness.ip,
    )  # fmt: skip


def _cents(one: Installment, card: Card) -> int:
    """What is owed of it by the owner of the card."""
    return shares.of_plan(one.plan).owed_by(one, card.patient_id)


def drop(plan_id: int, installment_id: int, *, by: By) -> None:
    """The plan's own card pays it after all. Raises UnableToChange."""
    with locked(plan_id, by) as found:
        one = found.one(installment_id)
        own = PlanChange.objects.filter(installment=one, kind=Kind.CARD, ended_at=None).select_related("card").first()
        if own is None or own.card is None:
            raise UnableToChange("No card of its own is chosen for this payment")
        found.end(one, Kind.CARD)
        if own.card.state != Card.State.ACTIVE:
            _lift(one, by.now)
        found.record("charge_card_ended", f"The plan's card pays the payment due {one.due_date:%m/%d/%Y} again", one)


def _lift(one: Installment, now: datetime) -> None:
    """The card it waited for is here; the refresh that follows puts the hold back where that is not so."""
    waiting = DuePart.objects.filter(installment=one, state=DuePart.State.OPEN, hold=DuePart.Hold.NEW_CARD)
    waiting.update(hold="", hold_reason="", next_try_at=now, leased_until=None)


def drop_all(plan: PayPlan, *, actor: str, now: datetime) -> None:
    """A new card was agreed to for all payments of the plan. In the caller's transaction, installments locked."""
    backups = PlanChange.objects.filter(plan=plan, kind=Kind.BACKUP, ended_at=None)
    for backup in backups:
        # It was agreed to beside the card before.
        backup.end(actor=actor, reason=REPLACED, now=now)
    for change in PlanChange.objects.filter(plan=plan, kind=Kind.CARD, ended_at=None).order_by("pk"):
        change.end(actor=actor, reason=REPLACED, now=now)
        about = {"patient": plan.patient_id, "plan": plan.pk, "installment": change.installment_id or 0}
        Event.record(plan.practice_id, kind="charge_card_ended", actor=actor, now=now, text=REPLACED, about=about)
