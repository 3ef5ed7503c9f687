"""Saving a card on the processor's hosted page: the row first, then the page, then the card it left behind."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.conf import settings
from django.db import transaction

from cards import copies, wording
from cards.models import Card, CardSetup, Consent
from notifications.outbox import language_of
from notifications.templates import shown_phone
from patients.models import Patient
from practices.models import Event
from processors import accounts
from processors.models import ProcessorCustomer
from processors.port import SavedCard
from processors.stripe import StripeProcessor


def start(
    *,
    patient: Patient,
    return_path: str,
    actor: str,
    now: datetime,
    link_nonce: uuid.UUID | None = None,
    consent_text: str = "",
) -> str:
    """Open a hosted page; returns its address. The browser comes back to `return_path` with ?setup=<uuid>.

    `consent_text` stands above the page's button, and becomes a consent to a card on file once a card is saved.
    Raises UnableToReachProcessor.
    """
    processor = accounts.for_practice(patient.practice_id)
    customer = customer_of(processor, patient)
    setup = CardSetup.objects.create(
        practice_id=patient.practice_id, patient=patient, return_path=return_path, actor=actor, created_at=now,
        link_nonce=link_nonce, consent_text=consent_text, language=language_of(patient),
    )  # fmt: skip
    back = f"{settings.BASE_URL}{return_path}{'&' if '?' in return_path else '?'}setup={setup.uuid}"
    session, url = processor.start_setup(
        customer=customer, uuid=str(setup.uuid), success_url=back, cancel_url=f"{back}&canceled=1", words=consent_text
    )
    CardSetup.objects.filter(pk=setup.pk).update(session=session)
    return url


def card_words(patient: Patient) -> str:
    """What a person agrees to who enters a card on the processor's page, in their language."""
    practice, language = patient.practice, language_of(patient)
    card = wording.CARD_ON_PAGE[language]
    terms = wording.Terms(practice=practice.name, phone=shown_phone(practice.phone), card=card, maximum="")
    return wording.text("AT_TERMINAL", language, terms)


def customer_of(processor: StripeProcessor, patient: Patient) -> str:
    """The person's customer at the processor; the same key makes a lost answer harmless.

    Raises UnableToReachProcessor.
    """
    known = ProcessorCustomer.objects.filter(patient=patient).first()
    if known is not None:
        return known.reference
    reference = processor.create_customer(key=f"{patient.practice_id}-{patient.pk}")
    ProcessorCustomer.objects.bulk_create(
        [ProcessorCustomer(practice_id=patient.practice_id, patient=patient, reference=reference)],
        ignore_conflicts=True,
    )
    return ProcessorCustomer.objects.get(patient=patient).reference


def finish(setup_uuid: uuid.UUID, *, now: datetime) -> Card | None:
    """Take over the card that was saved on this visit; None while there is none. Safe to repeat.

    Called by the browser's return and by the webhook. Raises UnableToReachProcessor and CardSetup.DoesNotExist.
    """
    setup = CardSetup.objects.select_related("patient", "card").get(uuid=setup_uuid)
    if setup.card is not None:
        return setup.card
    if not setup.session:
        return None  # The page was never opened, so nobody typed a card in.
    saved = accounts.for_practice(setup.practice_id).finished_setup(setup.session)
    if saved is None:
        return None
    with transaction.atomic(durable=True):
        setup = CardSetup.objects.select_for_update().get(pk=setup.pk)
        card = setup.card or _keep_agreed(setup, saved, now)
        CardSetup.objects.filter(pk=setup.pk).update(card=card, state=CardSetup.State.SAVED)
    return card


def _keep_agreed(setup: CardSetup, saved: SavedCard, now: datetime) -> Card:
    card = keep(setup.patient_id, saved, actor=setup.actor, now=now)
    if setup.consent_text:
        # Who typed the card in pressed the button below these words; nothing is charged on them by itself.
        consent = Consent.objects.create(
            practice_id=setup.practice_id, kind=Consent.Kind.CARD_ON_FILE, patient_id=setup.patient_id, card=card,
            text=setup.consent_text, text_version=wording.VERSION, language=setup.language, card_last4=card.last4,
            max_charge_cents=0, channel=Consent.Channel.PAGE, given_by=f"patient:{setup.patient_id}", given_at=now,
        )  # fmt: skip
        copies.send(consent, now=now)
    return card


def keep(patient_id: int, saved: SavedCard, *, actor: str, now: datetime) -> Card:
    """A card that the processor keeps for this person becomes one of theirs here. Inside a transaction."""
    # Two cards saved at once must not both become primary. (no_key: messages to the person need not wait.)
    patient = Patient.objects.select_for_update(no_key=True).get(pk=patient_id)
    has_primary = Card.objects.filter(patient=patient, is_primary=True, state=Card.State.ACTIVE).exists()
    card = Card.objects.create(
        practice_id=patient.practice_id, patient=patient, is_primary=not has_primary, saved_at=now, **vars(saved)
    )
    Event.record(
        patient.practice_id, kind="card_saved", actor=actor, now=now, text=f"{card} saved",
        about={"patient": patient.pk, "card": card.pk},
    )  # fmt: skip
    return card


def make_primary(card: Card, *, actor: str, now: datetime) -> None:
    """Make this the person's primary card."""
    with transaction.atomic(durable=True):
        Patient.objects.select_for_update(no_key=True).get(pk=card.patient_id)
        # In the order of payments/locks.py: a claim may hold several of them.
        list(Card.objects.select_for_update(no_key=True).filter(patient_id=card.patient_id).order_by("pk"))
        Card.objects.filter(patient_id=card.patient_id, is_primary=True).update(is_primary=False)
        Card.objects.filter(pk=card.pk).update(is_primary=True)
        Event.record(
            card.practice_id, kind="card_primary", actor=actor, now=now, text=f"{card} is the primary card",
            about={"patient": card.patient_id, "card": card.pk},
        )  # fmt: skip


def renew(card: Card, saved: SavedCard, *, now: datetime) -> bool:
    """Take over what the network changed on the same card (expiry, last 4). False when nothing did."""
    before = {"last4": card.last4, "exp_month": card.exp_month, "exp_year": card.exp_year}
    after = {name: getattr(saved, name) for name in before}
    if before == after:
        return False
    Card.objects.filter(pk=card.pk).update(**after)
    Event.record(
        card.practice_id, kind="card_renewed", actor="processor", now=now, before=before, after=after,
        text=f"{card} was renewed by its bank", about={"patient": card.patient_id, "card": card.pk},
    )  # fmt: skip
    return True
