"""Turning autopay on and off: a card on a plan with a consent that stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cards import wording
from cards.models import Autopay, Card, Consent
from core.calendar import local_date
from core.money import format_cents
from payplans.models import Installment, PayPlan
from practices.models import Event


@dataclass(frozen=True)
class Witness:
    """Who gave the consent and how: staff as witness, or the patient on a link."""

    channel: str
    given_by: str
    ip: str | None
    language: str = "en"


class UnableToAttach(Exception):
    """Autopay can't be turned on; the text says why."""


def proposed_maximum_cents(plan: PayPlan) -> int:
    """The largest amount that an open installment asks for, overdue ones too, or the plan's payment amount."""
    amounts = [installment.owed_cents for installment in _open_installments(plan)]
    return max([plan.pay_amount_cents, *amounts], default=0)


def consent_text(plan: PayPlan, card: Card, *, max_charge_cents: int, language: str, now: datetime) -> str:
    """The words shown before agreeing, and kept."""
    practice = plan.practice
    terms = wording.Terms(
        practice=practice.name, phone=practice.phone, card=str(card), maximum=format_cents(max_charge_cents),
        schedule=_schedule_words(_to_come(plan, now), language),
    )  # fmt: skip
    return wording.text(Consent.Kind.AUTOPAY, language, terms)


def turn_on(plan: PayPlan, card: Card, *, max_charge_cents: int, witness: Witness, now: datetime) -> Autopay:
    """Attach a card with a new consent, or replace the card. Call in the caller's transaction.

    Raises UnableToAttach. Charges nothing: payments/attaching.py decides what follows.
    """
    _refuse_unless_attachable(plan, card, max_charge_cents)
    consent = _record_consent(plan, card, max_charge_cents, witness, now)
    autopay = Autopay.objects.select_for_update().filter(plan=plan).first()
    if autopay is None:
        autopay = Autopay(practice_id=plan.practice_id, plan=plan, since=now)
    elif not autopay.is_on:
        autopay.since = now
    else:
        _revoke(autopay.consent, witness.given_by, now)
    autopay.card, autopay.consent, autopay.is_on = card, consent, True
    autopay.stopped_at, autopay.stopped_reason = None, ""
    autopay.save()
    Event.record(
        plan.practice_id, kind="autopay_on", actor=witness.given_by, now=now,
        text=f"Autopay with {card}, up to {format_cents(max_charge_cents)} per charge",
        about={"patient": card.patient_id, "plan": plan.pk, "card": card.pk, "consent": consent.pk},
    )  # fmt: skip
    return autopay


def turn_off(plan: PayPlan, *, actor: str, reason: str, now: datetime) -> bool:
    """Revoke the consent: every future charge stops at once. False when it was off. In the caller's transaction."""
    # Of itself only: the card is locked after due parts, or not at all (payments/locks.py).
    found = Autopay.objects.select_for_update(of=("self",)).select_related("consent", "card")
    autopay = found.filter(plan=plan, is_on=True).first()
    if autopay is None:
        return False
    _revoke(autopay.consent, actor, now)
    autopay.is_on, autopay.stopped_at, autopay.stopped_reason = False, now, reason[:200]
    autopay.save(update_fields=["is_on", "stopped_at", "stopped_reason"])
    Event.record(
        plan.practice_id, kind="autopay_off", actor=actor, now=now, text=reason,
        about={"patient": autopay.card.patient_id, "plan": plan.pk, "card": autopay.card_id},
    )  # fmt: skip
    return True


def _refuse_unless_attachable(plan: PayPlan, card: Card, max_charge_cents: int) -> None:
    if not plan.is_collectable:
        raise UnableToAttach("This plan is closed, gone or paid by insurance")
    if card.patient_id != plan.guarantor_id:
        raise UnableToAttach("The card must belong to the person who pays the plan")
    if card.state != Card.State.ACTIVE:
        raise UnableToAttach("The card is no longer active")
    if max_charge_cents < proposed_maximum_cents(plan):
        raise UnableToAttach(f"The maximum must cover {format_cents(proposed_maximum_cents(plan))}")


def _record_consent(plan: PayPlan, card: Card, max_charge_cents: int, witness: Witness, now: datetime) -> Consent:
    return Consent.objects.create(
        practice_id=plan.practice_id, kind=Consent.Kind.AUTOPAY, patient_id=card.patient_id, card=card, plan=plan,
        text=consent_text(plan, card, max_charge_cents=max_charge_cents, language=witness.language, now=now),
        text_version=wording.VERSION, language=witness.language, card_last4=card.last4,
        schedule=[
            {"due_date": installment.due_date.isoformat(), "amount_cents": installment.owed_cents}
            for installment in _to_come(plan, now)
        ],
        max_charge_cents=max_charge_cents, channel=witness.channel, given_by=witness.given_by, given_at=now,
        ip=witness.ip,
    )  # fmt: skip


def _revoke(consent: Consent, actor: str, now: datetime) -> None:
    consent.revoked_at, consent.revoked_by = now, actor
    consent.save(update_fields=["revoked_at", "revoked_by"])


def _open_installments(plan: PayPlan) -> list[Installment]:
    return [
        installment
        for installment in plan.installments.unpaid().order_by("due_date", "pk")
        if not installment.is_down_payment
    ]


def _to_come(plan: PayPlan, now: datetime) -> list[Installment]:
    """What autopay will charge: due today (practice-local) or later; a replaced card takes over what that one covered.

    What was overdue before has words and a consent of its own (payments/arrears.py).
    """
    running = Autopay.objects.filter(plan=plan, is_on=True).first()
    first_day = local_date(running.since if running else now, plan.practice.zone)
    return [installment for installment in _open_installments(plan) if installment.due_date >= first_day]


_NOTHING_YET = {"en": "payments to come", "es": "los pagos por venir"}


def _schedule_words(covered: list[Installment], language: str) -> str:
    """How many payments and from when to when, in the language of the text."""
    due = [installment.due_date for installment in covered]
    if not due:
        return _NOTHING_YET.get(language, _NOTHING_YET["en"])
    first, last = (f"{day:%m/%d/%Y}" for day in (due[0], due[-1]))
    if language == "es":
        return f"un pago, el {first}" if len(due) == 1 else f"{len(due)} pagos, del {first} al {last}"
    return f"one payment, on {first}" if len(due) == 1 else f"{len(due)} payments, {first} to {last}"
