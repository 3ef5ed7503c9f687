"""Keeping the card that was used at a reader: agreed to before, a card of the person's and a consent afterwards."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from cards import copies, saving, wording
from cards.models import Card, Consent
from notifications.outbox import language_of
from patients.models import Patient
from payments.models import Attempt, AttemptState, DuePart
from practices.templatetags.show import phone
from processors import accounts
from processors.port import SavedCard, UnableToReachProcessor
from terminals.models import CardWish

State = CardWish.State


def words(patient: Patient) -> str:
    """What the person agrees to in their language, before the card is known."""
    practice, language = patient.practice, language_of(patient)
    card = wording.CARD_AT_TERMINAL[language]
    terms = wording.Terms(practice=practice.name, phone=phone(practice.phone), card=card, maximum="")
    return wording.text("AT_TERMINAL", language, terms)


def wish(part: DuePart, text: str, *, actor: str, now: datetime) -> CardWish:
    """The person agreed to `text`, witnessed by staff."""
    return CardWish.objects.create(
        practice_id=part.practice_id, due_part=part, text=text, text_version=wording.VERSION,
        language=language_of(part.payer), given_by=actor, given_at=now,
    )  # fmt: skip


def is_wished(part: DuePart) -> bool:
    return CardWish.objects.filter(due_part=part, state=State.OPEN).exists()


def settle_wish(part: DuePart, *, now: datetime) -> None:
    """Once the payment is over: its card is kept, or said not to be. Safe to repeat; the processor away: later."""
    open_one = CardWish.objects.filter(due_part=part, state=State.OPEN).first()
    last = part.attempts.filter(channel=Attempt.Channel.TERMINAL).order_by("-pk").first()
    is_over = last.is_final if last is not None else part.state == DuePart.State.CLOSED
    if open_one is None or not is_over:
        return
    has_paid = last is not None and last.state == AttemptState.SUCCEEDED
    generated = (last.card_facts or {}).get("generated_card", "") if last is not None and has_paid else ""
    if not generated:
        CardWish.objects.filter(pk=open_one.pk, state=State.OPEN).update(state=State.NOT_KEPT)
        return
    try:
        saved = accounts.for_practice(part.practice_id).card(generated)
    except UnableToReachProcessor:
        return
    with transaction.atomic(durable=True):
        # Two workers with the same news keep it once.
        locked = CardWish.objects.select_for_update().get(pk=open_one.pk)
        if locked.state == State.OPEN:
            _keep(locked, part, saved, now)


def _keep(wish: CardWish, part: DuePart, saved: SavedCard, now: datetime) -> None:
    wish.card = saving.keep(part.payer_id, saved, actor=wish.given_by, now=now)
    wish.state = State.KEPT
    wish.save(update_fields=["card", "state"])
    copies.send(_record_consent(wish, wish.card, part), now=now)


def _record_consent(wish: CardWish, card: Card, part: DuePart) -> Consent:
    # Nothing is charged on it by itself: each later payment is agreed to when it is made.
    return Consent.objects.create(
        practice_id=wish.practice_id, kind=Consent.Kind.CARD_ON_FILE, patient_id=part.payer_id, card=card,
        text=wish.text, text_version=wish.text_version, language=wish.language, card_last4=card.last4,
        max_charge_cents=part.amount_cents, channel=Consent.Channel.STAFF, given_by=wish.given_by,
        given_at=wish.given_at,
    )  # fmt: skip
