"""One charge a patient agreed to on a link: agreed → card known → handed to a worker → one attempt. Safe to repeat.

The consent is kept word for word with the button that was pressed; the charge follows when the card is known, whether
the browser comes back, only the webhook does, or neither (the task asks the processor).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from cards import saving, wording
from cards.models import Card, CardSetup, Consent
from core.money import format_cents
from paylinks.links import Found
from paylinks.models import LinkCharge, PatientLink
from payments import charging, circuit, self_service
from payments.claim import UnableToClaim
from payments.models import Attempt
from practices.models import Event
from processors.port import UnableToReachProcessor

State = LinkCharge.State
HandOver = Callable[[int], None]

# Real time: a worker that holds a charge longer was killed.
LEASE = timedelta(minutes=5)
# Business time: a hosted page that was not finished by then is forgotten (the processor expires it as well).
ABANDONED_AFTER = timedelta(days=1)
# Of one link in a day: more is somebody trying out cards that are not theirs.
MAX_A_DAY = 10
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Agreement:
    """What the patient saw above the button, and from where they pressed it. `cents`: all of what is due, or a part."""

    cents: int
    text: str
    language: str
    ip: str | None


def is_worn_out(link: PatientLink, now: datetime) -> bool:
    """True when the link had its share of charges and card pages of the last 24 hours (business time)."""
    return LinkCharge.objects.filter(link=link, agreed_at__gt=now - timedelta(days=1)).count() >= MAX_A_DAY


def with_new_card(found: Found, agreement: Agreement, *, now: datetime) -> str:
    """Keep the agreement and open the hosted card page; its address. Raises UnableToReachProcessor."""
    charge = _agreed(found, agreement, State.AGREED, now)
    charge.save(force_insert=True)
    # The address of the link itself would store its token; this one leads to the charge only, for a while.
    back = reverse("link_back", args=[found.link.practice.slug, charge.uuid])
    url = saving.start(
        patient=found.link.patient, return_path=back, actor=_actor(charge), now=now, link_nonce=found.link.nonce
    )
    LinkCharge.objects.filter(pk=charge.pk).update(setup=CardSetup.objects.get(return_path=back))
    return url


def with_card(found: Found, card: Card, agreement: Agreement, *, now: datetime) -> LinkCharge:
    """Keep the agreement to charge a saved card; pressed twice, it is the charge that is under way."""
    try:
        with transaction.atomic(durable=True):
            charge = _agreed(found, agreement, State.READY, now)
            charge.card = card
            charge.save(force_insert=True)
            _record_consent(charge, card, now)
    except IntegrityError:
        return LinkCharge.objects.filter(link=found.link).exclude(state=State.AGREED).latest("pk")
    return charge


def _agreed(found: Found, agreement: Agreement, state: str, now: datetime) -> LinkCharge:
    PatientLink.objects.filter(pk=found.link.pk, opened_at=None).update(opened_at=now)
    return LinkCharge(
        practice_id=found.link.practice_id, link=found.link, due_part=found.part, amount_cents=agreement.cents,
        state=state, consent_text=agreement.text, language=agreement.language, ip=agreement.ip, agreed_at=now,
    )  # fmt: skip


def _actor(charge: LinkCharge) -> str:
    return f"patient:{charge.link.patient_id}"


def _record_consent(charge: LinkCharge, card: Card, now: datetime) -> None:
    consent = Consent.objects.create(
        practice_id=charge.practice_id, kind=Consent.Kind.ONE_CHARGE, patient_id=charge.link.patient_id, card=card,
        text=charge.consent_text, text_version=wording.VERSION, language=charge.language, card_last4=card.last4,
        max_charge_cents=charge.amount_cents, channel=Consent.Channel.LINK, given_by=_actor(charge),
        given_at=charge.agreed_at, ip=charge.ip, **_about_rest(charge),
    )  # fmt: skip
    PatientLink.objects.filter(pk=charge.link_id, used_at=None).update(used_at=now)
    about = {"patient": charge.link.patient_id, "due_part": charge.due_part_id, "card": card.pk, "consent": consent.pk}
    text = f"Agreed on the link to one charge of {format_cents(charge.amount_cents)} to {card}"
    Event.record(charge.practice_id, kind="link_agreed", actor=_actor(charge), now=now, about=about, text=text)


def _about_rest(charge: LinkCharge) -> dict[str, object]:
    """The words name what autopay takes later when a part is paid now: that amount is then no surprise."""
    part = charge.due_part
    if part.installment is None or charge.amount_cents == part.amount_cents or part.hold or not part.is_automatic:
        return {}
    rest = self_service.agreed_rows(part.installment, part.amount_cents - charge.amount_cents)
    return {"plan_id": part.installment.plan_id, "schedule": rest}


def take_card(charge: LinkCharge, *, now: datetime) -> LinkCharge:
    """After the hosted page: READY once the card is known and nothing else runs on the link, else as it was.

    Raises UnableToReachProcessor.
    """
    if charge.state != State.AGREED or charge.setup is None:
        return charge
    card = saving.finish(charge.setup.uuid, now=now)
    if card is not None:
        _make_ready(charge, card, now)
    charge.refresh_from_db()
    return charge


def _make_ready(charge: LinkCharge, card: Card, now: datetime) -> None:
    try:
        with transaction.atomic(durable=True):
            mine = LinkCharge.objects.filter(pk=charge.pk, state=State.AGREED)
            if mine.update(state=State.READY, card=card):
                _record_consent(charge, card, now)
    except IntegrityError:
        # Another charge of this link is under way; this one follows when that is over, if money is still owed.
        log.info("link charge %s waits for another of its link", charge.pk)


def run(charge_id: int, *, now: datetime) -> None:
    """Charge it, once. Called by a worker; a second call, or one for another worker's charge, does nothing."""
    mine = LinkCharge.objects.filter(pk=charge_id, state=State.READY)
    if not mine.update(state=State.RUNNING, claimed_at=Now()):
        return
    charge = LinkCharge.objects.select_related("link").get(pk=charge_id)
    try:
        attempt = charging.collect(
            charge.due_part_id, channel=Attempt.Channel.FIX_LINK, actor=_actor(charge), now=now,
            card_id=charge.card_id, cents=charge.amount_cents,
        )  # fmt: skip
    except UnableToClaim as error:
        _finish(charge, refusal=str(error)[:200])
        return
    _finish(charge, attempt=attempt)
    circuit.learn(attempt, now=now)


def _finish(charge: LinkCharge, *, attempt: Attempt | None = None, refusal: str = "") -> None:
    running = LinkCharge.objects.filter(pk=charge.pk, state=State.RUNNING)
    running.update(state=State.DONE, attempt=attempt, refusal=refusal)


def finish_due(practice_id: int, *, now: datetime, hand_over: HandOver) -> int:
    """What lost calls and killed workers left: ask for cards, hand over, free leases. Needs the practice's scope."""
    _free_leases(practice_id)
    unfinished = LinkCharge.objects.filter(
        practice_id=practice_id, state__in=[State.AGREED, State.READY], agreed_at__gt=now - ABANDONED_AFTER
    ).select_related("link", "setup")
    return sum(_go_on(charge, now, hand_over) for charge in unfinished.order_by("pk"))


def _go_on(charge: LinkCharge, now: datetime, hand_over: HandOver) -> bool:
    try:
        charge = take_card(charge, now=now)
    except UnableToReachProcessor as error:
        log.warning("Unable to ask about the card of link charge %s: %s", charge.pk, error)
        return False
    if charge.state == State.READY:
        hand_over(charge.pk)
    return charge.state == State.READY


def _free_leases(practice_id: int) -> None:
    stale = LinkCharge.objects.filter(practice_id=practice_id, state=State.RUNNING, claimed_at__lt=Now() - LEASE)
    for charge in stale:
        attempt = _attempt_of(charge)
        if attempt is not None:
            _finish(charge, attempt=attempt)
        else:
            # No attempt was committed, so nobody was asked for money.
            stale.filter(pk=charge.pk).update(state=State.READY)


def _attempt_of(charge: LinkCharge) -> Attempt | None:
    """The attempt that a killed worker left: no other charge of this link can have made it."""
    part = charge.due_part
    # Of a part payment it is another due part, divided off in the claim.
    same = Q(due_part=part) | Q(due_part__installment=part.installment_id, due_part__installment__isnull=False)
    made = Attempt.objects.filter(
        same, card=charge.card, channel=Attempt.Channel.FIX_LINK, started_at__gte=charge.agreed_at,
        amount_cents=charge.amount_cents,
    )  # fmt: skip
    taken = LinkCharge.objects.exclude(attempt=None).values("attempt")
    return made.exclude(pk__in=taken).order_by("pk").first()
