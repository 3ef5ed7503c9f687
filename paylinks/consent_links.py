"""Asking a person to agree to autopay of a plan by a link, and taking the one tap that agrees (ADR 14)."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from cards import autopay
from cards.autopay import Witness
from cards.models import Card, Consent
from core.money import format_cents
from core.tokens import link_token, token_hash
from notifications import outbox
from notifications.models import Kind, Message
from patients.models import Patient
from paylinks.models import ConsentLink
from payments import attaching, drift, upward
from payments.attaching import UnableToAttach
from payments.drift import Drift
from payplans import shares
from payplans.models import PayPlan
from practices.models import Event

# Business time.
VALID_FOR = timedelta(days=30)


class UnableToAsk(Exception):
    """Nobody was asked. The text says why, for staff."""


class UnableToAgree(Exception):
    """Nothing was agreed to: the words changed, or the card or plan can't be used any more."""


class AgreedAlready(Exception):
    """By another tap of the same link."""


@dataclass(frozen=True)
class FoundConsent:
    """A link that asks for a consent."""

    link: ConsentLink
    is_dead: bool

    @property
    def patient(self) -> Patient:
        return self.link.patient


@dataclass(frozen=True)
class Asked:
    """What the page shows, and would be kept."""

    plan: PayPlan
    card: Card
    max_charge_cents: int
    text: str
    # (due date, cents): this payer's own part only.
    coming: list[tuple[date, int]]
    drift: Drift | None
    # Another card pays now.
    replaces: Card | None

    @property
    def digest(self) -> str:
        """Of everything that the button agrees to."""
        return hashlib.sha256(f"{self.card.pk}|{self.max_charge_cents}|{self.text}".encode()).hexdigest()[:32]


def card_for(plan: PayPlan, payer: Patient) -> Card | None:
    """The card that pays now, else the primary card of this payer."""
    usable = Card.objects.usable().filter(patient=payer)
    running = autopay.of_payer(plan, payer.pk)
    paying = usable.filter(pk=running.card_id).first() if running is not None and running.is_on else None
    return paying or usable.order_by("-is_primary", "-saved_at", "pk").first()


def refusal(plan: PayPlan, payer: Patient) -> str:
    """Why this payer can't be asked; '' = they can."""
    if not plan.is_collectable:
        return "The plan is closed, gone or paid by insurance"
    if payer.pk not in autopay.payers(plan):
        return f"{payer.full_name} pays nothing of this plan"
    if card_for(plan, payer) is None:
        return f"{payer.full_name} has no saved card yet: save one first"
    return upward.handlers.autopay_refusal(plan)


def ask(plan: PayPlan, payer: Patient, *, channel: str, click: uuid.UUID, actor: str, now: datetime) -> Message:
    """Queue the message; the same `click` again returns the one that is there. Raises UnableToAsk.

    An older link of the same plan and person is ended. The rules of consent to texts stand, whatever `channel` says.
    """
    why, card = refusal(plan, payer), card_for(plan, payer)
    if why or card is None:
        raise UnableToAsk(why)
    with transaction.atomic():
        link, is_new = ConsentLink.objects.get_or_create(
            practice_id=plan.practice_id, click=click, defaults=_fresh(plan, card, actor, now)
        )
        if link.plan_id != plan.pk:
            raise UnableToAsk("This page was open for another plan: open it again")
        message = outbox.enqueue(
            practice=plan.practice, kind=Kind.CONSENT_ASKED, patient=link.patient, values={}, link_nonce=link.nonce,
            now=now, dedupe_key=f"{Kind.CONSENT_ASKED}:{click}", about=_about(link), prefers=channel,
        )  # fmt: skip
        if is_new:
            _end_older(link, now)
            ConsentLink.objects.filter(pk=link.pk).update(message=message)
            _note(link, "consent_asked", actor, now, f"Asked to agree to autopay with {card}")
        practice_id = plan.practice_id
        transaction.on_commit(lambda: upward.handlers.nudge(practice_id), robust=True)
    return message


def _fresh(plan: PayPlan, card: Card, actor: str, now: datetime) -> dict[str, object]:
    nonce = uuid.uuid4()
    return {
        "nonce": nonce, "token_hash": token_hash(link_token(nonce)), "plan": plan, "patient_id": card.patient_id,
        "card": card, "actor": actor, "created_at": now, "expires_at": now + VALID_FOR,
    }  # fmt: skip


def _end_older(link: ConsentLink, now: datetime) -> None:
    older = ConsentLink.objects.filter(plan=link.plan_id, patient=link.patient_id, agreed_at=None, revoked_at=None)
    for one in older.exclude(pk=link.pk):
        ConsentLink.objects.filter(pk=one.pk).update(revoked_at=now)
        outbox.call_off(one.practice_id, one.nonce, reason="A newer link was sent")


def newest(plan: PayPlan, payer: Patient) -> ConsentLink | None:
    """For staff: what was asked last."""
    return (
        ConsentLink.objects.filter(plan=plan, patient=payer)
        .select_related("message", "patient")
        .order_by("-pk")
        .first()
    )


def find(token: str, now: datetime) -> FoundConsent | None:
    """The link of this token in the practice in scope; None for a token that is wrong or of another kind."""
    rows = ConsentLink.objects.select_related(
        "patient", "practice", "card", "consent", "plan__practice", "plan__guarantor"
    )
    link = rows.filter(token_hash=token_hash(token)).first()
    return None if link is None else FoundConsent(link, not link.is_usable(now))


def asked(link: ConsentLink, language: str, now: datetime) -> Asked | None:
    """What is to be agreed to now; None: the plan or the card can't be used any more."""
    plan, card = link.plan, link.card
    if not plan.is_collectable or card.state != Card.State.ACTIVE or card.patient_id not in autopay.payers(plan):
        return None
    maximum = autopay.proposed_maximum_cents(plan, card.patient_id)
    if maximum <= 0:
        return None
    running, shared = autopay.of_payer(plan, card.patient_id), shares.of_plan(plan)
    current = running if running is not None and running.is_on else None
    rows, who = list(plan.installments.order_by("due_date", "pk")), card.patient_id
    coming = [(one.due_date, shared.owed_by(one, who)) for one in autopay.to_come(plan, now, who)]
    return Asked(
        plan=plan, card=card, max_charge_cents=maximum,
        text=autopay.consent_text(plan, card, max_charge_cents=maximum, language=language, now=now),
        coming=[line for line in coming if line[1]],
        drift=drift.of_payer(plan, current.consent, rows, shared, who) if current else None,
        replaces=current.card if current and current.card_id != card.pk else None,
    )  # fmt: skip


def agree(link: ConsentLink, *, shown: str, language: str, ip: str | None, now: datetime) -> None:
    """The one tap: a consent from the patient's phone, and what was held above the old one goes on.

    Pressed again it is what it was. Raises UnableToAgree.
    """
    what = asked(link, language, now)
    if what is None or what.digest != shown or not link.is_usable(now):
        raise UnableToAgree("The words changed, or the plan or the card can't be used any more")
    witness = Witness(Consent.Channel.LINK, f"patient:{link.patient_id}", ip, language)
    try:
        attaching.attach(
            what.plan, what.card, max_charge_cents=what.max_charge_cents, witness=witness, now=now,
            also=lambda found: _agreed(link, found.consent, now),
        )  # fmt: skip
    except AgreedAlready:
        return
    except UnableToAttach as error:
        raise UnableToAgree(str(error)) from error


def _agreed(link: ConsentLink, consent: Consent, now: datetime) -> None:
    mine = ConsentLink.objects.filter(pk=link.pk, agreed_at=None, revoked_at=None)
    if not mine.update(agreed_at=now, consent=consent):
        raise AgreedAlready
    most = format_cents(consent.max_charge_cents)
    _note(link, "consent_agreed", f"patient:{link.patient_id}", now, f"Agreed on the link, up to {most} per charge")


def _about(link: ConsentLink) -> dict[str, int]:
    return {"patient": link.patient_id, "plan": link.plan_id, "card": link.card_id}


def _note(link: ConsentLink, kind: str, actor: str, now: datetime, text: str) -> None:
    Event.record(link.practice_id, kind=kind, actor=actor, now=now, about=_about(link), text=text)
