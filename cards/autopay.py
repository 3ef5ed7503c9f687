"""Turning autopay on and off: a card on a plan with a consent that stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cards import lending_words, wording
from cards.models import AnyAutopay, Autopay, Card, Consent, PayerAutopay
from core.calendar import local_date
from core.money import format_cents
from payplans import lending, shares
from payplans.lending import Disclosure
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


def of_payer(plan: PayPlan, payer_id: int) -> AnyAutopay | None:
    """The row of this person on this plan, on or off, with card and consent."""
    if payer_id == plan.guarantor_id:
        return Autopay.objects.filter(plan=plan).select_related("card", "consent").first()
    mine = PayerAutopay.objects.filter(plan=plan, payer=payer_id)
    return mine.select_related("card", "consent").first()


def proposed_maximum_cents(plan: PayPlan, payer_id: int | None = None) -> int:
    """The largest amount that an open installment asks of this person, the guarantor unless named; overdue ones too.

    Where the guarantor pays alone, at least the plan's payment amount.
    """
    found, who = shares.of_plan(plan), payer_id or plan.guarantor_id
    rows = _open_installments(plan)
    amounts = [found.owed_by(one, who) for one in rows]
    alone = who == plan.guarantor_id and not found.payers(rows)
    return max([plan.pay_amount_cents if alone else 0, *amounts], default=0)


def consent_text(plan: PayPlan, card: Card, *, max_charge_cents: int, language: str, now: datetime) -> str:
    """The words shown before agreeing, and kept: with the Truth in Lending disclosure where the plan needs one."""
    practice, disclosed = plan.practice, disclosure(plan, card.patient_id)
    terms = wording.Terms(
        practice=practice.name, phone=practice.phone, card=str(card), maximum=format_cents(max_charge_cents),
        schedule=_schedule_words(to_come(plan, now, card.patient_id), language),
    )  # fmt: skip
    kind = Consent.Kind.AUTOPAY if card.patient_id == plan.guarantor_id else "AUTOPAY_SHARE"
    words = wording.text(kind, language, terms)
    return f"{words}\n\n{lending_words.text(disclosed, practice.name, language)}" if disclosed else words


def disclosure(plan: PayPlan, payer_id: int) -> Disclosure | None:
    """None: the plan needs none, or this person is not the one who owes it."""
    return lending.of_plan(plan, plan.installments.all()) if payer_id == plan.guarantor_id else None


def turn_on(plan: PayPlan, card: Card, *, max_charge_cents: int, witness: Witness, now: datetime) -> AnyAutopay:
    """Attach a card with a new consent, or replace the card; of its owner's autopay. Call in the caller's transaction.

    Raises UnableToAttach. Charges nothing: payments/attaching.py decides what follows.
    """
    _refuse_unless_attachable(plan, card, max_charge_cents)
    consent = _record_consent(plan, card, max_charge_cents, witness, now)
    autopay = _locked(plan, card.patient_id)
    if autopay is None:
        autopay = _new(plan, card.patient_id, now)
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


def _locked(plan: PayPlan, payer_id: int) -> AnyAutopay | None:
    # Of itself only: the card is locked after due parts, or not at all (payments/locks.py).
    if payer_id == plan.guarantor_id:
        mine = Autopay.objects.select_for_update(of=("self",)).select_related("consent", "card")
        return mine.filter(plan=plan).first()
    theirs = PayerAutopay.objects.select_for_update(of=("self",)).select_related("consent", "card")
    return theirs.filter(plan=plan, payer=payer_id).first()


def _new(plan: PayPlan, payer_id: int, now: datetime) -> AnyAutopay:
    if payer_id == plan.guarantor_id:
        return Autopay(practice_id=plan.practice_id, plan=plan, since=now)
    return PayerAutopay(practice_id=plan.practice_id, plan=plan, payer_id=payer_id, since=now)


def turn_off(plan: PayPlan, *, actor: str, reason: str, now: datetime, payer_id: int | None = None) -> bool:
    """Revoke the consent of this person, the guarantor unless named: every future charge stops at once.

    False when it was off. In the caller's transaction.
    """
    autopay = _locked(plan, payer_id or plan.guarantor_id)
    if autopay is None or not autopay.is_on:
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
    if card.patient_id not in payers(plan):
        raise UnableToAttach("The card must belong to the person who pays the plan")
    if card.state != Card.State.ACTIVE:
        raise UnableToAttach("The card is no longer active")
    least = proposed_maximum_cents(plan, card.patient_id)
    if max_charge_cents < least:
        raise UnableToAttach(f"The maximum must cover {format_cents(least)}")


def payers(plan: PayPlan) -> list[int]:
    """Who pays, or will pay, what is still open: the guarantor first."""
    return [plan.guarantor_id, *shares.of_plan(plan).payers(_open_installments(plan))]


def _record_consent(plan: PayPlan, card: Card, max_charge_cents: int, witness: Witness, now: datetime) -> Consent:
    disclosed, found = disclosure(plan, card.patient_id), shares.of_plan(plan)
    return Consent.objects.create(
        practice_id=plan.practice_id, kind=Consent.Kind.AUTOPAY, patient_id=card.patient_id, card=card, plan=plan,
        text=consent_text(plan, card, max_charge_cents=max_charge_cents, language=witness.language, now=now),
        text_version=wording.VERSION, language=witness.language, card_last4=card.last4,
        schedule=[
            {
                "installment": installment.pk,
                "due_date": installment.due_date.isoformat(),
                "amount_cents": found.owed_by(installment, card.patient_id),
            }
            for installment in to_come(plan, now, card.patient_id)
        ],
        terms={"apr": f"{plan.apr.normalize():f}"}, disclosure=disclosed.as_json() if disclosed else None,
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


def to_come(plan: PayPlan, now: datetime, payer_id: int) -> list[Installment]:
    """What autopay will charge: due today (practice-local) or later; a replaced card takes over what that one covered.

    What was overdue before has words and a consent of its own (payments/arrears.py).
    """
    running, found = of_payer(plan, payer_id), shares.of_plan(plan)
    first_day = local_date(running.since if running and running.is_on else now, plan.practice.zone)
    rows = [one for one in _open_installments(plan) if one.due_date >= first_day]
    return rows if payer_id == plan.guarantor_id else [one for one in rows if found.owed_by(one, payer_id)]


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
