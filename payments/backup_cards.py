"""A second card that the payer named for a plan: a declined payment goes over to it from its next try on (ADR 13)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import transaction

from cards import copies, wording
from cards.autopay import Witness
from cards.models import Autopay, Card, Consent
from core import calendar
from core.money import format_cents
from payments import due_parts, locks, wishes
from payments.models import Attempt, Dispute, DuePart, PlanChange
from payplans.models import Installment, PayPlan
from payplans.retry import Verdict, VerdictKind
from practices.models import Event, PaymentSettings

Kind = PlanChange.Kind
REASON = "The plan's card was declined"
# Others wait for a person or for Open Dental, whatever the card.
_TAKEN_OVER = (VerdictKind.RETRY, VerdictKind.WAIT_BUDGET, VerdictKind.NEW_CARD)


class UnableToName(Exception):
    """The card can't be the backup: it is not theirs, not active, pays the plan, or the words changed."""


@contextmanager
def _locked(plan: PayPlan) -> Iterator[PayPlan]:
    """The transaction of one change, the plan's installments locked as a claim does."""
    with transaction.atomic(durable=True):
        locks.installments(plan.pk)
        yield PayPlan.objects.select_related("practice", "guarantor").get(pk=plan.pk)


def current(plan: PayPlan) -> PlanChange | None:
    named = PlanChange.objects.filter(plan=plan, kind=Kind.BACKUP, ended_at=None)
    return named.select_related("card", "consent").first()


def text(plan: PayPlan, card: Card, on: Autopay, language: str) -> str:
    """The words above the button, and kept."""
    practice = plan.practice
    terms = wording.Terms(
        practice=practice.name, phone=practice.phone, card=str(card),
        maximum=format_cents(on.consent.max_charge_cents),
    )  # fmt: skip
    return wording.text("BACKUP", language, terms)


def name(plan: PayPlan, card: Card, *, shown: str, witness: Witness, now: datetime) -> PlanChange:
    """Replaces the one before; the same one again changes nothing. Raises UnableToName."""
    with _locked(plan) as row:
        on = Autopay.objects.filter(plan=row, is_on=True).select_related("card", "consent").first()
        if on is None or not row.is_collectable or card.patient_id != row.guarantor_id:
            raise UnableToName
        if card.state != Card.State.ACTIVE or card.fingerprint == on.card.fingerprint:
            raise UnableToName
        if text(row, card, on, witness.language) != shown:
            raise UnableToName
        before = current(row)
        if before is not None and before.card_id == card.pk and before.consent and before.consent.text == shown:
            return before
        _end(row, actor=witness.given_by, now=now)
        consent = Consent.objects.create(
            practice_id=row.practice_id, kind=Consent.Kind.AUTOPAY, patient_id=card.patient_id, card=card, plan=row,
            text=shown, text_version=wording.VERSION, language=witness.language, card_last4=card.last4,
            max_charge_cents=on.consent.max_charge_cents, channel=witness.channel, given_by=witness.given_by,
            given_at=now, ip=witness.ip,
        )  # fmt: skip
        copies.send(consent, now=now)
        _record(row, "backup_named", witness.given_by, now, f"{card} is the backup card of the plan")
        return PlanChange.objects.create(
            practice_id=row.practice_id, plan=row, kind=Kind.BACKUP, card=card, consent=consent,
            reason="Named by the payer", actor=witness.given_by, made_at=now,
        )  # fmt: skip


def drop(plan: PayPlan, *, actor: str, now: datetime) -> bool:
    """It is charged no more, also for what it had taken over. False when there was none."""
    with _locked(plan) as row:
        ended = _end(row, actor=actor, now=now)
        if ended:
            due_parts.refresh(row, now=now)
        return ended


def _end(plan: PayPlan, *, actor: str, now: datetime) -> bool:
    found = current(plan)
    if found is None or found.consent is None:
        return False
    taken_over = PlanChange.objects.filter(plan=plan, kind=Kind.CARD, consent=found.consent, ended_at=None)
    for change in (found, *taken_over):
        change.end(actor=actor, reason="The backup card was taken off", now=now)
    found.consent.revoked_at, found.consent.revoked_by = now, actor
    found.consent.save(update_fields=["revoked_at", "revoked_by"])
    _record(plan, "backup_ended", actor, now, "The backup card was taken off the plan")
    return True


def take_over(attempt: Attempt, verdict: Verdict, now: datetime) -> Verdict:
    """After a decline of the plan's card by autopay: this payment is the backup card's from tomorrow on.

    In settle's transaction, the plan's installments locked. Returns what the payment waits for now.
    """
    part = attempt.due_part
    if part.installment is None or attempt.channel != Attempt.Channel.AUTOPAY or verdict.kind not in _TAKEN_OVER:
        return verdict
    if part.payer_id != part.installment.plan.guarantor_id:
        return verdict  # The backup card is the guarantor's.
    spare = _spare(part, part.installment, attempt)
    if spare is None or spare.card is None:
        return verdict
    PlanChange.objects.create(
        practice_id=part.practice_id, plan=part.installment.plan, installment=part.installment, kind=Kind.CARD,
        card=spare.card, consent=spare.consent, planned_date=part.installment.due_date, reason=REASON,
        actor="autopay", made_at=now,
    )  # fmt: skip
    about = {"patient": part.payer_id, "plan": part.installment.plan_id, "installment": part.installment.pk}
    text = f"{spare.card}, the backup card, pays the payment due {part.installment.due_date:%m/%d/%Y} from now on"
    Event.record(part.practice_id, kind="charge_card_chosen", actor="autopay", now=now, about=about, text=text)
    return verdict.on_another_card(_next_day(part, now))


def _spare(part: DuePart, one: Installment, attempt: Attempt) -> PlanChange | None:
    """The backup card, when it may pay this, and the card that was declined was the plan's own."""
    wished = wishes.of_plan(one.plan_id)
    spare, own = wished.backup, wished.of(one, Kind.CARD)
    if spare is None or own is not None or spare.card is None or spare.consent is None:
        return None
    good = spare.card.state == Card.State.ACTIVE and not spare.card.never_again
    same = spare.card.fingerprint == attempt.saved_card.fingerprint
    within = part.amount_cents <= spare.consent.max_charge_cents and spare.consent.revoked_at is None
    return spare if good and within and not same and not Dispute.freezes(spare.card) else None


def _next_day(part: DuePart, now: datetime) -> datetime:
    """Tomorrow at the charge hour, on a day of the practice's choice."""
    settings = PaymentSettings.objects.select_related("practice").get(practice_id=part.practice_id)
    zone, day = settings.practice.zone, calendar.local_date(now, part.practice.zone) + timedelta(days=1)
    while settings.retry_weekdays and day.isoweekday() not in settings.retry_weekdays:
        day += timedelta(days=1)
    return calendar.at_hour(day, settings.charge_hour, zone)


def _record(plan: PayPlan, kind: str, actor: str, now: datetime, words: str) -> None:
    about = {"patient": plan.guarantor_id, "plan": plan.pk}
    Event.record(plan.practice_id, kind=kind, actor=actor, now=now, about=about, text=words)
